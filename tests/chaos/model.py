"""What the ledger should say of one run, as a pure model: claims, outcomes, losses, waiting, pausing, cancelling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from tests.unit.compiler.melodies import Sketch, run_fails
from workers.compiler.countdown import Counter, Outcome, effect
from workers.compiler.plan import EDGE_CODES

OVER = frozenset({"completed", "failed", "skipped", "cancelled"})
RUN_OVER = frozenset({"completed", "failed", "cancelled"})
ALIVE = frozenset({"pending", "running", "paused"})


@dataclass(slots=True)
class Step:
    """`lease` is whose claim it is, a number that is never used twice; `wait` why it waits. `unheard`: it ended with its run,
    so that what depends on it was not told."""

    status: str = "pending"
    attempt: int = 0
    lease: int | None = None
    wait: str = ""
    unheard: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction does when it is committed: to its run (None: nothing) and to steps. Nobody else can change the
    steps it `holds` meanwhile: they become another, or what they wait for is counted."""

    run: str | None
    steps: Mapping[int, Step]
    holds: frozenset[int]


@dataclass(slots=True)
class Model:
    sketches: list[Sketch]
    run: str = "pending"
    steps: list[Step] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = [Step() for _ in self.sketches]
        self._settle()

    # -- transactions --------------------------------------------------------------------------------------------------
    def change(self, act: Callable[[Model], None]) -> Change:
        """What the act would do now; it is not done."""
        then = deepcopy(self)
        act(then)
        steps = {index: step for index, step in enumerate(then.steps) if step != self.steps[index]}
        ended = {index for index, step in steps.items() if step.status in OVER and not step.unheard}
        told = {index for index, sketch in enumerate(self.sketches) if ended & {source for source, _ in sketch.edges}}
        return Change(None if then.run == self.run else then.run, steps, frozenset(steps) | told)

    def apply(self, change: Change) -> None:
        self.run = change.run or self.run
        for index, step in change.steps.items():
            self.steps[index] = step

    # -- may it be? ----------------------------------------------------------------------------------------------------
    def claimable(self, index: int) -> bool:
        return self.steps[index].status == "dispatched" and self.run in {"pending", "running"}

    def decidable(self, index: int) -> bool:
        return self.steps[index].status in {"pending", "dispatched", "waiting"} and self.run in ALIVE

    def holds(self, index: int, lease: int) -> bool:
        return self.steps[index].status == "executing" and self.steps[index].lease == lease

    # -- it has been ---------------------------------------------------------------------------------------------------
    def claimed(self, index: int, lease: int) -> None:
        step = self.steps[index]
        step.status, step.lease, step.attempt = "executing", lease, step.attempt + 1
        self.run = "running" if self.run == "pending" else self.run

    def ended(self, index: int, status: str) -> None:
        self._end(index, status)
        self._settle()

    def waits(self, index: int, reason: str) -> None:
        step = self.steps[index]
        step.status, step.lease, step.wait = "waiting", None, reason

    def due(self, index: int) -> None:
        """The moment has come for which it waited."""
        if self.run not in ALIVE:
            self._end_unheard(index)
        elif self.steps[index].wait == "timer":
            self.ended(index, "completed")
        else:
            self.steps[index].status, self.steps[index].wait = "dispatched", ""

    def lost(self, index: int, status: str = "dispatched") -> None:
        """Its worker is lost. It may be let wait a little (`status` waiting) before it is given to another."""
        if self.run not in ALIVE:
            self._end_unheard(index)
            return
        step = self.steps[index]
        step.status, step.lease, step.wait = status, None, "loss" if status == "waiting" else ""

    def handed_over(self, index: int) -> None:
        """Given back by a worker that leaves: nothing has been tried."""
        step = self.steps[index]
        step.status, step.lease, step.attempt = "dispatched", None, step.attempt - 1

    def decided(self, index: int, status: str) -> None:
        """By a person, whatever leads to it. In a run that nobody has begun, the last of all ends it."""
        self._end(index, status)
        if self.run == "pending" and all(step.status in OVER for step in self._settled()):
            self.run = "running"
        self._settle()

    def paused(self) -> None:
        self.run = "paused"

    def resumed(self) -> None:
        self.run = "running"
        self._settle()

    def cancelled(self, but: frozenset[int]) -> None:
        """The run is over; of its steps those that somebody else is just changing are left to come to their end."""
        self.run = "cancelled"
        self.left_over(but)

    def left_over(self, but: frozenset[int] = frozenset()) -> None:
        """The run is over, and what was left open then is gone over again."""
        for index, step in enumerate(self.steps):
            if step.status not in OVER and index not in but:
                self._end_unheard(index)

    # -- rules ---------------------------------------------------------------------------------------------------------
    def _end(self, index: int, status: str) -> None:
        step = self.steps[index]
        step.status, step.lease, step.wait = status, None, ""

    def _end_unheard(self, index: int) -> None:
        self._end(index, "cancelled")
        self.steps[index].unheard = True

    def _settled(self) -> list[Step]:
        then = deepcopy(self)
        then._settle()
        return then.steps

    def _settle(self) -> None:
        """What is decided by now, wave after wave; in the end perhaps the run."""
        moved = True
        while moved:
            moved = False
            for index, step in enumerate(self.steps):
                if step.status != "pending":
                    continue
                verdict = self._counter(index).verdict()
                if verdict != "wait":
                    step.status = {"ready": "dispatched", "skip": "skipped", "cancel": "cancelled"}[verdict]
                    moved = True
        if self.run == "running" and all(step.status in OVER for step in self.steps):
            failed = run_fails(self.sketches, [step.status for step in self.steps])
            self.run = "failed" if failed else "completed"

    def _counter(self, index: int) -> Counter:
        sketch = self.sketches[index]
        total = len(sketch.edges)
        need = total if sketch.join == "all" else 1 if sketch.join == "any" else int(sketch.join)
        counter = Counter(total, need, sum(on == "success" for _, on in sketch.edges), total)
        for source, on in sketch.edges:
            status = self.steps[source].status
            if status in OVER and not self.steps[source].unheard:
                tolerated = status == "failed" and self.sketches[source].tolerates
                outcome: Outcome = "tolerated" if tolerated else status  # type: ignore[assignment]
                counter.arrive(effect(EDGE_CODES[on], outcome))
        return counter
