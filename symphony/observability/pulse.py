"""A file that a worker's or sweep's process touches while it is well, for health checks of containers.

`manage.py health` reads it without asking database or broker: a process that waits for them is alive.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any, Final

BEAT_SECONDS: Final = 5.0
STALE_SECONDS: Final = 30.0


class Pulse:
    """Of one process. `kind` is worker or sweep."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._file = folder / f"{kind}-{socket.gethostname()}-{os.getpid()}.json"
        self._kind = kind
        self._at = float("-inf")

    def beat(self) -> None:
        """Often is harmless: the file is written every few seconds only. A full disk stops no work."""
        if time.monotonic() - self._at < BEAT_SECONDS:
            return
        self._at = time.monotonic()
        told = {"kind": self._kind, "host": socket.gethostname(), "pid": os.getpid(), "at": time.time()}
        partial = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(told), encoding="utf-8")
            partial.replace(self._file)
        except OSError:
            return

    def end(self) -> None:
        self._file.unlink(missing_ok=True)


def beat_in_background(pulse: Pulse) -> threading.Event:
    """In a thread, until the event that comes back is set."""
    stop = threading.Event()

    def beat() -> None:
        pulse.beat()
        while not stop.wait(BEAT_SECONDS):
            pulse.beat()

    threading.Thread(target=beat, name="symphony-pulse", daemon=True).start()
    return stop


def look(folder: Path, kind: str) -> str | None:
    """None when a process of this kind on this host is well, else what is wrong."""
    found = [_read(file) for file in folder.glob(f"{kind}-{socket.gethostname()}-*.json")]
    alive = [told for told in found if told is not None and _is_running(int(told["pid"]))]
    if not alive:
        return f"no {kind} runs on this host"
    age = time.time() - max(float(told["at"]) for told in alive)
    return None if age < STALE_SECONDS else f"the {kind} has given no sign of life for {age:.0f} s"


def _read(file: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and {"pid", "at"} <= told.keys() else None


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
