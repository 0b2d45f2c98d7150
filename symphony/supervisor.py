"""Keeps a handful of child processes running, and ends all of them together.

All methods belong to one thread, the main one: children die with the thread that started them.
"""

from __future__ import annotations

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from symphony.embedded.process import spawn, stop, tail
from symphony.errors import StackError

STEADY_SECONDS = 15.0
"""A child that ran this long had started well; its next death begins a new count."""
MAX_DEATHS = 5
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0)
STOP_SECONDS = 10.0
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """How to start one child; its log is `<name>.log`."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]


@dataclass(slots=True)
class _Child:
    spec: ProcessSpec
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    restart_at: float | None = None


@dataclass(slots=True)
class Supervisor:
    """`check` raises when something all children need is gone; `stop_seconds` is what children have to end in."""

    log: Path
    cwd: Path
    check: Callable[[], None] = lambda: None
    stop_seconds: float = STOP_SECONDS
    _children: dict[str, _Child] = field(default_factory=dict)

    def start(self, specs: Sequence[ProcessSpec]) -> None:
        for spec in specs:
            self._children[spec.name] = _Child(spec, self._spawn(spec), time.monotonic())

    def pids(self) -> dict[str, int]:
        return {name: child.process.pid for name, child in self._children.items()}

    def log_of(self, name: str) -> Path:
        return self.log / f"{name}.log"

    def tend(self) -> None:
        """Restart what has died; raise StackError when that does not help."""
        self.check()
        for child in self._children.values():
            if child.restart_at is not None:
                self._restart_when_due(child)
            elif child.process.poll() is not None:
                self._note_death(child)

    def wait_for(self, url: str, name: str) -> None:
        """Until the child answers at `url`."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.tend()
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise StackError(
            f"The {name} process did not answer within {START_SECONDS:.0f} seconds (log: {self.log_of(name)})."
        )

    def stop(self) -> None:
        """Ask all at once, wait for all together, end what is left."""
        running = [child.process for child in self._children.values() if child.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self.stop_seconds
        for child in self._children.values():
            stop(child.process, signal.SIGTERM, seconds=max(0.0, deadline - time.monotonic()))
        self._children.clear()

    def _spawn(self, spec: ProcessSpec) -> subprocess.Popen[bytes]:
        # SIGKILL: when we are gone the database goes too, and there is nothing left to finish.
        return spawn(
            spec.command, log=self.log_of(spec.name), environ=spec.environ, cwd=self.cwd, death_signal=signal.SIGKILL
        )

    def _note_death(self, child: _Child) -> None:
        steady = time.monotonic() - child.started > STEADY_SECONDS
        child.deaths = 1 if steady else child.deaths + 1
        name, log = child.spec.name, self.log_of(child.spec.name)
        # What is left of its session: a worker's own children.
        stop(child.process, signal.SIGKILL, seconds=1)
        if child.deaths >= MAX_DEATHS:
            raise StackError(f"The {name} process died {child.deaths} times in a row: {tail(log)} (log: {log}).")
        child.restart_at = time.monotonic() + BACKOFF_SECONDS[min(child.deaths, len(BACKOFF_SECONDS)) - 1]

    def _restart_when_due(self, child: _Child) -> None:
        if child.restart_at is not None and time.monotonic() >= child.restart_at:
            child.process = self._spawn(child.spec)
            child.started = time.monotonic()
            child.restart_at = None
