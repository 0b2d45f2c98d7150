"""The runtime `local`: each deployment is a child process of the runner, on this machine.

A child has its own session, an almost empty environment, what its tier allows of memory, processors and open files, and
dies with the thread that started it. It is no sandbox: it runs as the runner's own user, and on its network. That is why
it runs graphs of modules only that the operator has named.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Final

import httpx

from symphony.embedded.process import die_with, stop
from workers.agents.runtime import Handle, Launch, LaunchRefusedError

GRACE_SECONDS: Final = 5.0
KEPT_LOG_BYTES: Final = 65_536
CHECK_SECONDS: Final = 2.0
_ROOT: Final = Path(__file__).resolve().parents[2]
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONPATH")
REFUSED_STATUS: Final = 3
"""How a child ends that found its graph not to be run."""


class LocalRuntime:
    name = "local"

    def __init__(self, folder: Path, allowed: tuple[str, ...]) -> None:
        self._folder = folder
        self._allowed = allowed

    def start(self, launch: Launch) -> Handle:
        if not any(launch.graph == one or launch.graph.startswith((f"{one}.", f"{one}:")) for one in self._allowed):
            raise LaunchRefusedError(
                f"The module of {launch.graph} is not allowed here; an operator can allow it by SYMPHONY_AGENT_MODULES."
            )
        home = self._folder / launch.name
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LocalProcess(launch, home)


class LocalProcess:
    """A child and what it prints."""

    def __init__(self, launch: Launch, home: Path) -> None:
        self._port = ""
        self._rest = b""
        self._report, report = os.pipe()
        os.set_blocking(self._report, False)
        parent = os.getpid()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers.agents.serving"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=_environment(home),
                cwd=home,
                pass_fds=(report,),
                start_new_session=True,
                preexec_fn=lambda: die_with(parent, signal.SIGKILL),
            )
        except OSError as error:
            os.close(self._report)
            raise LaunchRefusedError(f"The process cannot be started: {error}") from error
        finally:
            os.close(report)
        self._printed: deque[bytes] = deque()
        self._size = 0
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, name=f"log of {launch.name}", daemon=True)
        self._reader.start()
        self._tell(launch, report)

    @property
    def id(self) -> str:
        return f"local-{self._process.pid}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def address(self) -> str:
        if not self._port and self._report >= 0 and select.select([self._report], [], [], 0)[0]:
            with contextlib.suppress(BlockingIOError):
                read = os.read(self._report, 16)
                self._rest += read
                if not read or self._rest.endswith(b"\n"):
                    self._port = self._rest.decode("ascii", "replace").strip()
                    self._close_report()
        return f"http://127.0.0.1:{self._port}" if self._port else ""

    def exit_status(self) -> str | None:
        code = self._process.poll()
        if code is None:
            return None
        if code < 0:
            return f"it was ended by {signal.Signals(-code).name}"
        return "its graph is not to be run here" if code == REFUSED_STATUS else f"it ended with the code {code}"

    @property
    def is_hopeless(self) -> bool:
        return self._process.poll() == REFUSED_STATUS

    def is_healthy(self) -> bool:
        if not self.address:
            return False
        try:
            answer = httpx.get(f"{self.address}/health", timeout=CHECK_SECONDS, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def logs(self) -> str:
        with self._lock:
            return b"".join(self._printed).decode("utf-8", "replace")

    def stop(self) -> None:
        stop(self._process, signal.SIGTERM, seconds=GRACE_SECONDS)
        self._close_report()
        self._reader.join(timeout=CHECK_SECONDS)

    def _tell(self, launch: Launch, report: int) -> None:
        told = {
            "graph": launch.graph,
            "allowed": list(launch.allowed),
            "key": launch.key,
            "cpu": launch.cpu,
            "memory_mb": launch.memory_mb,
            "recursion_limit": launch.recursion_limit,
            "report": report,
        }
        assert self._process.stdin is not None
        # A child that ended already is found by its exit status.
        with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
            pipe.write(json.dumps(told).encode() + b"\n")

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            while part := os.read(output.fileno(), 8192):
                with self._lock:
                    self._printed.append(part)
                    self._size += len(part)
                    while self._size - len(self._printed[0]) >= KEPT_LOG_BYTES:
                        self._size -= len(self._printed.popleft())

    def _close_report(self) -> None:
        if self._report >= 0:
            os.close(self._report)
            self._report = -1


def _environment(home: Path) -> dict[str, str]:
    """No address of a database, no key of a provider: what a graph needs, its operator gives it in its own module."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    path = os.pathsep.join([str(_ROOT), *([passed["PYTHONPATH"]] if passed.get("PYTHONPATH") else [])])
    return {
        **passed,
        "HOME": str(home),
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Each arena of the allocator counts as memory, used or not.
        "MALLOC_ARENA_MAX": "2",
    }


__all__ = ["LocalProcess", "LocalRuntime"]
