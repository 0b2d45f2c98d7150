"""An execution on a terminal: bars and a status per step while it runs, a table when it is over.

Where the output is no terminal, one plain line per event.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from symphony.demo.client import StreamEvent

OVER = frozenset({"completed", "failed", "skipped", "cancelled"})
STYLES = {
    "completed": "green",
    "failed": "bold red",
    "skipped": "dim",
    "cancelled": "dim",
    "executing": "yellow",
    "waiting": "cyan",
    "dispatched": "blue",
    "pending": "dim",
}
BAR_WIDTH = 24
SPAN_WIDTH = 28
WIDE = 100
HASH_SHOWN = 12


class Fetched(NamedTuple):
    """An artifact that was downloaded: its name, bytes, SHA-256 and where it is now."""

    name: str
    size: int
    content_hash: str
    path: Path


@dataclass(slots=True)
class StepState:
    """All tasks of one step name: a map has many. `inside` is the name of the step around it."""

    name: str
    kind: str
    inside: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    started: datetime | None = None
    completed: datetime | None = None

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return sum(count for status, count in self.counts.items() if status in OVER)

    @property
    def seconds(self) -> float | None:
        if self.started is None or self.completed is None:
            return None
        return (self.completed - self.started).total_seconds()


def steps_of(tasks: Sequence[Mapping[str, Any]]) -> list[StepState]:
    """Tasks by step name, in the order they appeared, those inside another step below it; from the first start to the
    last end."""
    names = {task["id"]: task["name"] for task in tasks if "id" in task}
    steps: dict[str, StepState] = {}
    for task in tasks:
        inside = names.get(task.get("parent"))
        step = steps.setdefault(task["name"], StepState(task["name"], task["kind"], inside))
        step.counts[task["status"]] += 1
        started, completed = _time(task.get("started_at")), _time(task.get("completed_at"))
        if started is not None:
            step.started = started if step.started is None else min(step.started, started)
        if completed is not None:
            step.completed = completed if step.completed is None else max(step.completed, completed)
    return _nested(steps)


def _nested(steps: Mapping[str, StepState]) -> list[StepState]:
    below: dict[str | None, list[StepState]] = {}
    for step in steps.values():
        # Names may come again further in: such a step stands at the left.
        inside = step.inside if step.inside != step.name and step.inside in steps else None
        below.setdefault(inside, []).append(step)
    ordered: list[StepState] = []
    pending = below.pop(None, [])[::-1]
    while pending:
        step = pending.pop()
        ordered.append(step)
        pending.extend(below.pop(step.name, [])[::-1])
    # What is left goes round in circles.
    return ordered + [step for rest in below.values() for step in rest]


def seconds_of_work(tasks: Iterable[Mapping[str, Any]]) -> float:
    """What all tasks took together; a task with tasks inside only waits for them."""
    tasks = list(tasks)
    around = {task.get("parent") for task in tasks}
    spans = [
        (_time(task.get("started_at")), _time(task.get("completed_at"))) for task in tasks if task["id"] not in around
    ]
    return sum((end - start).total_seconds() for start, end in spans if start and end)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class View:
    """Shows what is going on; `events` counts what the stream brought."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._live: Live | None = None
        self._began = time.monotonic()
        self._first: datetime | None = None
        self.events = 0

    @contextmanager
    def following(self) -> Iterator[None]:
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, refresh_per_second=8, transient=True) as self._live:
            yield
        self._live = None

    def event(self, event: StreamEvent) -> None:
        self.events += 1
        if self._live is not None:
            return
        name, occurred = event.data.get("task_name") or "", _time(event.data.get("occurred_at"))
        self._first = self._first or occurred
        after = (occurred - self._first).total_seconds() if occurred and self._first else 0.0
        self._console.print(f"{after:8.3f} s  {event.type:<19} {name}".rstrip(), highlight=False, markup=False)

    def tasks(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        if self._live is not None:
            self._live.update(self._board(steps_of(tasks)))

    def summary(self, tasks: Sequence[Mapping[str, Any]], artifacts: Sequence[Fetched]) -> None:
        """Every step with its time, drawn to scale; then where the artifacts are."""
        steps = steps_of(tasks)
        first, last = _run_of(steps)
        self._console.print(_table(self._title, steps, wide=self._console.width >= WIDE))
        if first is not None and last is not None:
            work, passed = seconds_of_work(tasks), (last - first).total_seconds()
            line = f"  {len(tasks)} tasks, {work:.1f} seconds of work in {passed:.1f} seconds"
            self._console.print(line, highlight=False)
        if artifacts:
            self._console.print("\nArtifacts", style="bold")
        for artifact in artifacts:
            line = f"  {artifact.name}  {artifact.size:,} bytes, sha256 {artifact.content_hash[:HASH_SHOWN]}…  {artifact.path}"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _board(self, steps: Sequence[StepState]) -> Group:
        done, total = sum(step.done for step in steps), sum(step.total for step in steps)
        head = Table.grid(padding=(0, 2))
        passed = time.monotonic() - self._began
        head.add_row(
            Text(self._title, "bold"),
            ProgressBar(total=max(total, 1), completed=done, width=BAR_WIDTH),
            f"{done}/{total} tasks",
            f"{self.events} events",
            f"{passed:.1f} s",
        )
        grid = Table.grid(padding=(0, 2))
        for step in steps:
            bar = ProgressBar(total=max(step.total, 1), completed=step.done, width=BAR_WIDTH)
            grid.add_row(_label(step), bar, f"{step.done}/{step.total}", _statuses(step))
        return Group(head, Text(), grid)


def _run_of(steps: Iterable[StepState]) -> tuple[datetime | None, datetime | None]:
    """The first start and the last end."""
    steps = list(steps)
    first = min((step.started for step in steps if step.started), default=None)
    return first, max((step.completed for step in steps if step.completed), default=None)


def _table(title: str, steps: Sequence[StepState], *, wide: bool) -> Table:
    """`wide` has room for the kinds of the steps."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in ("step", *(["kind"] if wide else []), "status", "seconds", "when"):
        table.add_column(column, justify="right" if column == "seconds" else "left", no_wrap=True)
    first, last = _run_of(steps)
    for step in steps:
        seconds = "" if step.seconds is None else f"{step.seconds:.3f}"
        kind = [step.kind] if wide else []
        table.add_row(_label(step), *kind, _statuses(step), seconds, _span(step, first, last))
    return table


def _span(step: StepState, first: datetime | None, last: datetime | None) -> Text:
    """The step's time as a bar, on the scale of the whole run."""
    if (
        first is None
        or last is None
        or step.started is None
        or step.completed is None
        or step.counts["skipped"] == step.total
    ):
        return Text()
    scale = SPAN_WIDTH / max((last - first).total_seconds(), 0.001)
    start = min(int((step.started - first).total_seconds() * scale), SPAN_WIDTH - 1)
    length = max(1, round((step.completed - step.started).total_seconds() * scale))
    return Text(" " * start + "━" * min(length, SPAN_WIDTH - start), "cyan")


def _label(step: StepState) -> str:
    return step.name if step.inside is None else f"└ {step.name}"


def _statuses(step: StepState) -> Text:
    text = Text()
    for status, count in sorted(step.counts.items()):
        text.append(f"{status} " if step.total == 1 else f"{count} {status} ", STYLES.get(status, ""))
    return text
