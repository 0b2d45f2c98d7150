"""The engine as it runs, for tests: worker processes, a sweep and a broker of their own, and runs to look at.

Nothing here outlives pytest: every process dies with the thread that started it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.accounts.models import User
from apps.accounts.queries import organization_for
from apps.core.tenancy import acting_as
from apps.executions.models import Event, Execution, Task
from apps.executions.queries import tasks_of
from apps.executions.services import cancel_execution, start_execution
from apps.executions.states import EXECUTION_TERMINAL, TASK_TERMINAL
from apps.melodies.services import create_melody
from symphony.celery import app as celery_app
from symphony.embedded.process import spawn, stop, tail
from symphony.messaging import transport_options
from tests.brokers import AnyBroker

PATIENCE = 60.0
"""Seconds a test waits for what takes one: only a broken engine is ever waited for that long."""
_LOOK_EVERY = 0.03
ENDED = {status.value for status in EXECUTION_TERMINAL}
OVER = {status.value for status in TASK_TERMINAL}


def eventually(
    condition: Callable[[], object], what: str, seconds: float = PATIENCE, why: Callable[[], str] = str
) -> None:
    """Until the condition holds; `why` tells more when it never did."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} seconds: {what}\n{why()}"
        pause.wait(_LOOK_EVERY)


@contextmanager
def sending_to(broker_url: str) -> Iterator[None]:
    """Let this process, which submits runs as the web would, send to another broker."""
    conf = celery_app.conf
    before = settings.BROKER_URL, conf.broker_url, conf.broker_transport_options
    settings.BROKER_URL = conf.broker_url = broker_url
    conf.broker_transport_options = transport_options(broker_url)
    celery_app._after_fork()
    try:
        yield
    finally:
        celery_app.pool.force_close_all()
        settings.BROKER_URL, conf.broker_url, conf.broker_transport_options = before
        celery_app._after_fork()


@dataclass(slots=True, repr=False)
class Process:
    """A worker or a sweep."""

    name: str
    command: list[str]
    environ: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes]

    def children(self) -> list[int]:
        """The processes of a worker's pool."""
        if self.process.poll() is not None:
            return []
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in found.split()]

    def said(self, words: str) -> bool:
        return words in self.log.read_text(encoding="utf-8", errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Reaches the whole group: a worker and its pool."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait()


@dataclass(slots=True, repr=False)
class Engine:
    """What a test starts, and the user whose melodies it runs. `environ(role, **more)` is a child's environment."""

    user: User
    environ: Callable[..., dict[str, str]]
    folder: Path
    broker: AnyBroker
    more: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    def worker(
        self, name: str, *, queues: str = "steps,calls", pool: str = "prefork", slots: int = 2, **more: str
    ) -> Process:
        """A Celery worker; it is not waited for, see `ready`."""
        command = [sys.executable, "-m", "celery", "-A", "symphony", "worker", "--loglevel", "INFO"]
        command += ["--without-gossip", "--without-mingle", "-n", f"{name}@test", "-Q", queues]
        command += ["-P", pool, "-c", str(slots), *(["--prefetch-multiplier", "1"] if pool == "threads" else [])]
        return self._start(name, command, more)

    def sweep(self, name: str = "sweep", **more: str) -> Process:
        return self._start(name, [sys.executable, str(settings.BASE_DIR / "manage.py"), "sweep"], more)

    def web(self, port: int, name: str = "web", host: str = "127.0.0.1", **more: str) -> Process:
        command = [sys.executable, "-m", "uvicorn", "symphony.asgi:application", "--host", host, "--port", str(port)]
        command += ["--no-access-log", "--no-proxy-headers", "--timeout-graceful-shutdown", "2"]
        return self._start(name, command, more, role="web")

    def again(self, process: Process) -> Process:
        """Start anew what has died."""
        self.processes.remove(process)
        return self._spawn(process.name, process.command, process.environ)

    def named(self, name: str) -> Process:
        return next(process for process in self.processes if process.name == name)

    def tend(self) -> None:
        """As a supervisor does: what has ended is started again."""
        for process in list(self.processes):
            if process.process.poll() is not None:
                self.again(process)

    def ready(self, *workers: Process) -> None:
        for worker in workers:
            eventually(partial(worker.said, "@test ready."), f"{worker.name} is ready", why=self.logs)

    def stop(self) -> None:
        for process in self.processes:
            stop(process.process, signal.SIGKILL, seconds=5)
        self.processes.clear()

    def logs(self) -> str:
        return "\n".join(f"--- {process.name}: {tail(process.log, 12)}" for process in self.processes)

    def submit(self, document: Mapping[str, Any], **given: Any) -> Run:
        """As the web does: a melody, then a run of it."""
        with acting_as(self.user.pk):
            organization = organization_for(actor=self.user)
            version = create_melody(
                actor=self.user, organization=organization, source=json.dumps(document), media="json"
            )
        with acting_as(self.user.pk):
            execution = start_execution(actor=self.user, melody=version.melody, input=given)
        return Run(self, execution.pk)

    def _start(self, name: str, command: list[str], more: Mapping[str, str], role: str = "worker") -> Process:
        settings_of_test = {"BROKER_URL": self.broker.url, **self.more, **more}
        return self._spawn(name, command, self.environ(role, **settings_of_test))

    def _spawn(self, name: str, command: list[str], environ: Mapping[str, str]) -> Process:
        log = self.folder / f"{name}-{len(list(self.folder.glob('*.log')))}.log"
        started = spawn(command, log=log, environ=environ, cwd=settings.BASE_DIR, death_signal=signal.SIGKILL)
        process = Process(name, command, environ, log, started)
        self.processes.append(process)
        return process


@dataclass(frozen=True, slots=True)
class Run:
    """A run, read anew with every question."""

    engine: Engine
    id: UUID

    def execution(self) -> Execution:
        with acting_as(self.engine.user.pk):
            return Execution.objects.get(pk=self.id)

    def tasks(self) -> list[Task]:
        with acting_as(self.engine.user.pk):
            return list(tasks_of(self.id))

    def task(self, name: str) -> Task:
        with acting_as(self.engine.user.pk):
            return tasks_of(self.id).get(name=name)

    def events(self) -> list[Event]:
        """In the order in which they were written: a sequence counts on whatever transaction comes first."""
        with acting_as(self.engine.user.pk):
            return list(Event.objects.filter(execution_id=self.id).order_by("id"))

    def count(self, *statuses: str) -> int:
        with acting_as(self.engine.user.pk):
            return tasks_of(self.id).filter(status__in=statuses).count()

    def statuses(self) -> dict[str, str]:
        return {task.name: task.status for task in self.tasks()}

    def cancel(self) -> None:
        with acting_as(self.engine.user.pk):
            cancel_execution(actor=self.engine.user, execution=self.execution())

    def wait_for(
        self, condition: Callable[[Run], object], what: str, seconds: float = PATIENCE, *, tended: bool = False
    ) -> None:
        def look() -> object:
            if tended:
                self.engine.tend()
            return condition(self)

        eventually(look, what, seconds, self.state)

    def wait(self, seconds: float = PATIENCE, *, tended: bool = False) -> Execution:
        """Until the run has ended. With `tended`, processes that end meanwhile are started again."""
        self.wait_for(lambda run: run.execution().status in ENDED, "the run has ended", seconds, tended=tended)
        return self.execution()

    def wait_for_completed(self, count: int, *, tended: bool = False) -> None:
        """Until as many tasks are completed."""
        what = f"{count} tasks are completed"
        self.wait_for(lambda run: run.count("completed") >= count, what, tended=tended)

    def state(self) -> str:
        """What a test says when it has waited in vain."""
        open_tasks = [
            f"{task.name}: {task.status} attempt {task.attempt} sends {task.sends} due {task.due_at} at {task.worker}"
            for task in self.tasks()
            if task.status not in {*OVER, "pending"}
        ]
        failures = [f"{task.name}: {task.error}" for task in self.tasks() if task.status == "failed"]
        counts = dict(Counter(task.status for task in self.tasks()))
        told = [f"{self.execution().status} {counts}", *failures[:5], *open_tasks[:20], self.engine.logs()]
        return "\n".join(told)


def assert_each_completed_once(run: Run) -> None:
    """The run is complete, and its history tells of every task exactly once that it was completed."""
    assert run.execution().status == "completed", run.state()
    events = run.events()
    told = Counter((event.task_id, event.event_type) for event in events)
    for task in run.tasks():
        assert task.status == "completed", (task, task.error)
        assert told[task.pk, "task_completed"] == 1, task
        assert told[task.pk, "task_lost"] == task.attempt - 1, task
        if task.phase == 0:  # a loop starts once and may be lost when it collects
            begun = task.attempt + told[task.pk, "task_handed_over"]  # by a worker that ended, with the same attempt
            assert told[task.pk, "task_started"] == begun, task
    of_run = Counter(event.event_type for event in events if event.task_id is None)
    assert of_run == {"execution_created": 1, "execution_started": 1, "execution_completed": 1}
    assert_nothing_after_the_end(events, "task_completed")


def assert_nothing_after_the_end(events: list[Event], *last_words: str) -> None:
    """Of no task anything is told after its end."""
    ended: set[UUID | None] = set()
    for event in events:
        if event.event_type in {"task_started", "task_lost", *last_words}:
            assert event.task_id not in ended, (event.event_type, event.task_id)
        if event.event_type in last_words:
            ended.add(event.task_id)
