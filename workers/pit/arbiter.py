"""Arbiter of the Pit: whose turn it is in a queue. The rules, pure; `sql/arbiter.sql` and `ledger_enter` apply them.

- Between organizations: start-time fair queueing. Each has a virtual time that grows by 1/weight with each grant; the least
  goes first. Who comes anew begins at the least there is: it has neither saved anything up nor owes anything.
- Between the runs of an organization: a run is owed a step every `STEP_SECONDS`. Its first task is due when it comes, each
  further one a step later, all of them earlier by the head start of its priority. The least goes first. So a small run
  passes a large one, an important one passes others by so many seconds, and whoever has waited long enough passes all that
  come later.
- Inside a run: the task of the highest rank (critical path), whichever of its turns has come.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

STEP_SECONDS: Final = 2.0


@dataclass(slots=True)
class _Run:
    owner: Hashable
    turns: list[float] = field(default_factory=list)
    tasks: list[tuple[float, int, Hashable]] = field(default_factory=list)
    """(minus rank, order of arrival, task)."""


class Arbiter:
    """One queue's backlog. Times are seconds on any clock."""

    def __init__(self) -> None:
        self.vtimes: dict[Hashable, float] = {}
        self._weights: dict[Hashable, float] = {}
        self._runs: dict[Hashable, _Run] = {}
        self._arrived = 0

    def __len__(self) -> int:
        return sum(len(run.tasks) for run in self._runs.values())

    def enter(
        self,
        owner: Hashable,
        run: Hashable,
        ranked: Sequence[tuple[Hashable, float]],
        *,
        now: float,
        weight: float = 1.0,
        head_start: float = 0.0,
    ) -> None:
        """Tasks of a run with their ranks, highest first."""
        waiting = self._runs.setdefault(run, _Run(owner))
        due = max(now, max(waiting.turns) + head_start + STEP_SECONDS) if waiting.turns else now
        for place, (task, rank) in enumerate(ranked):
            waiting.turns.append(due - head_start + place * STEP_SECONDS)
            waiting.tasks.append((-rank, self._arrived, task))
            self._arrived += 1
        if owner not in self.vtimes:
            self.vtimes[owner] = min(self.vtimes.values(), default=0.0)
            self._weights[owner] = weight

    def pick(self) -> tuple[Hashable, Hashable] | None:
        """The owner and the task that is next; None when nothing waits."""
        while self.vtimes:
            owner = min(self.vtimes, key=lambda each: self.vtimes[each])
            runs = [run for run in self._runs.values() if run.owner == owner and run.tasks]
            if not runs:
                del self.vtimes[owner], self._weights[owner]
                continue
            if len(self.vtimes) > 1:
                self.vtimes[owner] += 1 / self._weights[owner]
            first = min(runs, key=lambda run: min(run.turns))
            chosen = min(first.tasks)
            first.tasks.remove(chosen)
            first.turns.remove(min(first.turns))
            return owner, chosen[2]
        return None


def jain(shares: Sequence[float]) -> float:
    """Jain's index of fairness: 1 when all have the same, 1/n when one has everything."""
    largest = max(shares, default=0.0)
    if largest <= 0:
        return 1.0
    # Of the largest, so that the squares of what is tiny do not vanish.
    parts = [share / largest for share in shares]
    return sum(parts) ** 2 / (len(parts) * sum(part * part for part in parts))
