"""A virtual environment for each peer, made when it is first asked for and kept."""

from __future__ import annotations

import hashlib
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers.roster import Peer
from symphony.embedded.process import spawn, stop, tail
from symphony.errors import StackError

HERE = Path(__file__).resolve().parent
INSTALL_SECONDS = 1800.0


def ready(peer: Peer, root: Path, log: Path, say: Callable[[str], None]) -> Path:
    """The `bin` folder of the peer's environment under `root`, which holds exactly what its requirements say."""
    folder, requirements = root / peer.home, HERE / peer.home / "requirements.txt"
    stamp, digest = folder / ".installed", fingerprint(requirements)
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == digest):
        say(f"{peer.label}: installing into {folder}: that takes minutes")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _run([sys.executable, "-m", "venv", str(folder)], log)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        _run([*pip, "install", "--quiet", "--requirement", str(requirements)], log)
        stamp.write_text(digest, encoding="utf-8")
    return folder / "bin"


def fingerprint(requirements: Path) -> str:
    """Of what is to be installed, and by which Python."""
    version = ".".join(map(str, sys.version_info[:2]))
    return hashlib.sha256(requirements.read_bytes() + version.encode()).hexdigest()


def _run(command: list[str], log: Path) -> None:
    process = spawn(command, log=log)
    try:
        code = process.wait(INSTALL_SECONDS)
    except BaseException:
        stop(process, signal.SIGKILL, seconds=5)
        raise
    if code != 0:
        raise StackError(f"cannot be installed: {tail(log)} (log: {log})")
