"""An execution on a terminal: bars and a status per step while it runs, a table when it is over.

Where the output is no terminal, one plain line per event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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


@dataclass(slots=True)
class StepState:
    """All tasks of one step name: a map has many."""

    name: str
    kind: str
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


def steps_of(tasks: Iterable[Mapping[str, Any]]) -> list[StepState]:
    """Tasks by step name, in the order they appeared; from the first start to the last end."""
    steps: dict[str, StepState] = {}
    for task in tasks:
        step = steps.setdefault(task["name"], StepState(task["name"], task["kind"]))
        step.counts[task["status"]] += 1
        started, completed = _time(task.get("started_at")), _time(task.get("completed_at"))
        if started is not None:
            step.started = started if step.started is None else min(step.started, started)
        if completed is not None:
            step.completed = completed if step.completed is None else max(step.completed, completed)
    return list(steps.values())


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class View:
    """Shows what is going on; `events` counts what the stream brought."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
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
        if self._live is None:
            name = event.data.get("task_name") or ""
            self._console.print(f"{event.data.get('occurred_at', '')} {event.type} {name}".rstrip(), highlight=False)

    def tasks(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        if self._live is not None:
            self._live.update(_board(steps_of(tasks), self.events))

    def summary(self, tasks: Sequence[Mapping[str, Any]], artifacts: Sequence[tuple[str, int, str]]) -> None:
        """`artifacts` are (name, bytes, path)."""
        table = Table(title="Tasks", title_justify="left")
        for column in ("step", "kind", "tasks", "status", "seconds"):
            table.add_column(column, justify="right" if column in {"tasks", "seconds"} else "left")
        for step in steps_of(tasks):
            seconds = "" if step.seconds is None else f"{step.seconds:.3f}"
            table.add_row(step.name, step.kind, str(step.total), _statuses(step), seconds)
        self._console.print(table)
        for name, size, path in artifacts:
            self._console.print(f"artifact {name} ({size:,} bytes): {path}", highlight=False, soft_wrap=True)


def _board(steps: Sequence[StepState], events: int) -> Group:
    done, total = sum(step.done for step in steps), sum(step.total for step in steps)
    grid = Table.grid(padding=(0, 2))
    for step in steps:
        bar = ProgressBar(total=max(step.total, 1), completed=step.done, width=24)
        grid.add_row(step.name, bar, f"{step.done}/{step.total}", _statuses(step))
    overall = ProgressBar(total=max(total, 1), completed=done, width=48)
    return Group(grid, Text(f"{done} of {total} tasks, {events} events"), overall)


def _statuses(step: StepState) -> Text:
    text = Text()
    for status, count in sorted(step.counts.items()):
        text.append(f"{status} " if step.total == 1 else f"{count} {status} ", STYLES.get(status, ""))
    return text
