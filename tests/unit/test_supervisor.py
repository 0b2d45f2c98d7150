from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symphony import supervisor as module
from symphony.errors import StackError
from symphony.supervisor import ProcessSpec, Supervisor


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.setattr(module, "BACKOFF_SECONDS", (0.01,))
    running = Supervisor(tmp_path, tmp_path)
    yield running
    running.stop()


def python(name: str, code: str) -> ProcessSpec:
    return ProcessSpec(name, [sys.executable, "-c", code], os.environ)


def tend_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        supervisor.tend()
        threading.Event().wait(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_dies_is_started_again(supervisor: Supervisor) -> None:
    supervisor.start([python("sleeper", "import time; time.sleep(60)")])
    first = supervisor.pids()["sleeper"]
    os.kill(first, 9)
    tend_until(supervisor, lambda: supervisor.pids()["sleeper"] != first)
    assert alive(supervisor.pids()["sleeper"])


def test_what_dies_again_and_again_ends_it_all(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([python("broken", "raise SystemExit('it hurts')")])
    with pytest.raises(StackError) as caught:
        tend_until(supervisor, lambda: False)
    assert str(caught.value) == f"The broken process died 5 times in a row: it hurts (log: {tmp_path / 'broken.log'})."


def test_stop_takes_grandchildren_along(supervisor: Supervisor, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(f'{{child.pid}} ')\n"
        "time.sleep(60)\n"
    )
    supervisor.start([python("parent", code)])
    pid_file = tmp_path / "pid"
    tend_until(supervisor, lambda: pid_file.exists() and pid_file.read_text().endswith(" "))
    grandchild = int(pid_file.read_text())
    assert alive(grandchild)
    supervisor.stop()
    tend_until(supervisor, lambda: not alive(grandchild))


def test_a_missing_program_is_one_sentence(supervisor: Supervisor) -> None:
    with pytest.raises(StackError, match="no-such-program cannot be started"):
        supervisor.start([ProcessSpec("gone", ["/no-such-program"], os.environ)])


def test_what_all_need_is_looked_at_first(tmp_path: Path) -> None:
    def gone() -> None:
        raise StackError("the database is gone")

    with pytest.raises(StackError, match="the database is gone"):
        Supervisor(tmp_path, tmp_path, gone).tend()
