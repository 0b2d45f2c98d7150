"""What a run did, and a small language of claims about it.

A `History` is read once, after the run; a `Claim` is a function of it that raises AssertionError. Claims stand in tables,
next to the melodies they are about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, pairwise
from typing import Any

from apps.core.tenancy import acting_as
from apps.executions.models import Task
from apps.executions.queries import task_output, tasks_of
from tests.engine import Run


@dataclass(frozen=True, slots=True)
class Span:
    """One task: when it was at work, how it ended, and what it gave."""

    name: str
    kind: str
    status: str
    began: datetime | None
    ended: datetime | None
    result: Any
    error: Mapping[str, Any] | None

    def overlaps(self, other: Span) -> bool:
        return _moment(self.began) < _moment(other.ended) and _moment(other.began) < _moment(self.ended)


@dataclass(frozen=True, slots=True)
class History:
    """A run that has ended, and its tasks."""

    status: str
    message: str
    spans: tuple[Span, ...]

    def named(self, name: str) -> list[Span]:
        """The tasks of a step, in order of their beginning; those that never began come last."""
        found = [span for span in self.spans if span.name == name]
        assert found, f"no step {name!r}; there are {sorted({span.name for span in self.spans})}"
        return sorted(found, key=lambda span: (span.began is None, span.began))

    def completed(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name and span.status == "completed"]

    def only(self, name: str) -> Span:
        found = self.named(name)
        assert len(found) == 1, f"{name} has {len(found)} tasks\n{self.told()}"
        return found[0]

    def result(self, name: str) -> Any:
        return self.only(name).result

    def told(self) -> str:
        """The whole run, for the message of a claim that does not hold."""
        lines = [f"run {self.status} {self.message}"]
        for span in sorted(self.spans, key=lambda span: (span.began is None, span.began)):
            times = " - ".join(
                moment.strftime("%S.%f")[:-3] if moment else "never" for moment in (span.began, span.ended)
            )
            lines.append(f"  {span.name}: {span.status} {times} {json.dumps(span.error or span.result)[:160]}")
        return "\n".join(lines)


def history_of(run: Run) -> History:
    execution = run.execution()
    with acting_as(run.engine.user.pk):
        tasks = list(tasks_of(run.id))
        spans = tuple(_span(task) for task in tasks)
    return History(execution.status, execution.error_message or execution.status_message, spans)


def _span(task: Task) -> Span:
    result = task_output(task)
    return Span(
        task.name, task.kind, task.status, task.begun_at or task.started_at, task.completed_at, result, task.error
    )


Claim = Callable[[History], None]


def ran(*names: str) -> Claim:
    """Each of these steps completed, exactly once."""
    return lambda seen: _all(seen, names, lambda spans: [span.status for span in spans] == ["completed"], "ran once")


def times(name: str, count: int) -> Claim:
    """The step completed that often."""

    def claim(seen: History) -> None:
        assert len(seen.completed(name)) == count, f"{name}: not {count} times\n{seen.told()}"

    return claim


def ended(status: str, *names: str) -> Claim:
    """Every task of these steps ended like this."""
    return lambda seen: _all(seen, names, lambda spans: {span.status for span in spans} == {status}, status)


def never_ran(*names: str) -> Claim:
    """None of these steps was ever at work: skipped, or cancelled before it began; there may be no task at all."""

    def claim(seen: History) -> None:
        for span in seen.spans:
            idle = span.began is None or span.status == "skipped"
            assert span.name not in names or idle, f"{span.name} ran\n{seen.told()}"

    return claim


def in_order(*names: str) -> Claim:
    """All tasks of each step ended before the first of the next one began."""

    def claim(seen: History) -> None:
        for earlier, later in pairwise(names):
            last = max(_moment(span.ended) for span in seen.named(earlier))
            first = min(_moment(span.began) for span in seen.named(later))
            assert last <= first, f"{later} began before {earlier} had ended\n{seen.told()}"

    return claim


def goes_on(name: str, *, before_the_end_of: str) -> Claim:
    """The step's first task ended while (at least one task of) the other step had not."""

    def claim(seen: History) -> None:
        first = min(_moment(span.ended) for span in seen.named(name))
        last = max(_moment(span.ended) for span in seen.named(before_the_end_of))
        assert first < last, f"{name} waited for {before_the_end_of}\n{seen.told()}"

    return claim


def together(*names: str) -> Claim:
    """There was a moment when all tasks of these steps were at work."""

    def claim(seen: History) -> None:
        spans = [span for name in names for span in seen.named(name)]
        assert max(_moment(span.began) for span in spans) < min(_moment(span.ended) for span in spans), seen.told()

    return claim


def apart(*names: str) -> Claim:
    """No two tasks of these steps were ever at work at the same time."""

    def claim(seen: History) -> None:
        spans = [span for name in names for span in seen.named(name)]
        for one, other in combinations(spans, 2):
            assert not one.overlaps(other), f"{one.name} and {other.name} at the same time\n{seen.told()}"

    return claim


def gives(name: str, value: Any) -> Claim:
    """The step's result."""

    def claim(seen: History) -> None:
        assert seen.result(name) == value, f"{name} gave {seen.result(name)!r}, not {value!r}\n{seen.told()}"

    return claim


def each_gives(name: str, values: list[Any]) -> Claim:
    """The results of a step's completed tasks, in any order."""

    def claim(seen: History) -> None:
        found = [span.result for span in seen.completed(name)]
        assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, values)), f"{name}: {found}\n{seen.told()}"

    return claim


def last_gives(name: str, value: Any) -> Claim:
    """The result of that task of a step which ended last."""

    def claim(seen: History) -> None:
        last = max(seen.named(name), key=lambda span: _moment(span.ended))
        assert last.result == value, f"{name} gave {last.result!r}, not {value!r}\n{seen.told()}"

    return claim


def one_after_another(name: str) -> Claim:
    """Tasks of the step began one after the other, each while the one before it was still at work."""

    def claim(seen: History) -> None:
        for earlier, later in pairwise(seen.named(name)):
            assert _moment(later.began) < _moment(earlier.ended), seen.told()
            assert _moment(later.began) > _moment(earlier.began), seen.told()

    return claim


def rounds_apart(*names: str) -> Claim:
    """The n-th tasks of these steps all ended before the next task of any of them began."""

    def claim(seen: History) -> None:
        for earlier, later in pairwise(zip(*(seen.named(name) for name in names), strict=True)):
            last = max(_moment(span.ended) for span in earlier)
            assert all(_moment(span.began) >= last for span in later), seen.told()

    return claim


def each_round(name: str, *, before_the_end_of: str) -> Claim:
    """Every time, the step ended before the other one did."""

    def claim(seen: History) -> None:
        for one, other in zip(seen.named(name), seen.named(before_the_end_of), strict=True):
            assert _moment(one.ended) < _moment(other.ended), seen.told()

    return claim


def that(what: str, holds: Callable[[History], bool]) -> Claim:
    """Whatever else is to be said."""

    def claim(seen: History) -> None:
        assert holds(seen), f"not true: {what}\n{seen.told()}"

    return claim


def run_is(status: str, message: str = "") -> Claim:
    def claim(seen: History) -> None:
        assert seen.status == status, seen.told()
        assert message in seen.message, seen.told()

    return claim


def _all(seen: History, names: tuple[str, ...], holds: Callable[[list[Span]], bool], what: str) -> None:
    for name in names:
        assert holds(seen.named(name)), f"{name}: not {what}\n{seen.told()}"


def _moment(moment: datetime | None) -> datetime:
    assert moment is not None, "never began or ended"
    return moment


__all__ = [
    "Claim",
    "History",
    "Span",
    "apart",
    "each_gives",
    "each_round",
    "ended",
    "gives",
    "goes_on",
    "history_of",
    "in_order",
    "last_gives",
    "never_ran",
    "one_after_another",
    "ran",
    "rounds_apart",
    "run_is",
    "that",
    "times",
    "together",
]
