"""What the ledger should say of one run, as a pure model: claims, outcomes, losses, waiting, pausing, cancelling."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.unit.compiler.melodies import Sketch, run_fails
from workers.compiler.countdown import Counter, Outcome, effect
from workers.compiler.plan import EDGE_CODES

OVER = frozenset({"completed", "failed", "skipped", "cancelled"})
RUN_OVER = frozenset({"completed", "failed", "cancelled"})
ALIVE = frozenset({"pending", "running", "paused"})


@dataclass(slots=True)
class Step:
    """`lease` is whose claim it is, a number that is never used twice; `wait` why it waits."""

    status: str = "pending"
    attempt: int = 0
    lease: int | None = None
    wait: str = ""


@dataclass(slots=True)
class Model:
    sketches: list[Sketch]
    run: str = "pending"
    steps: list[Step] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = [Step() for _ in self.sketches]
        self._settle()

    # -- may it be? ----------------------------------------------------------------------------------------------------
    def claimable(self, index: int) -> bool:
        return self.steps[index].status == "dispatched" and self.run in {"pending", "running"}

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
            self._end(index, "cancelled")
        elif self.steps[index].wait == "timer":
            self.ended(index, "completed")
        else:
            self.steps[index].status, self.steps[index].wait = "dispatched", ""

    def lost(self, index: int, status: str = "dispatched") -> None:
        """Its worker is lost. It may be let wait a little (`status` waiting) before it is given to another."""
        if self.run not in ALIVE:
            self._end(index, "cancelled")
            return
        step = self.steps[index]
        step.status, step.lease, step.wait = status, None, "loss" if status == "waiting" else ""

    def handed_over(self, index: int) -> None:
        """Given back by a worker that leaves: nothing has been tried."""
        step = self.steps[index]
        step.status, step.lease, step.attempt = "dispatched", None, step.attempt - 1

    def paused(self) -> None:
        self.run = "paused"

    def resumed(self) -> None:
        self.run = "running"
        self._settle()

    def cancelled(self, but: frozenset[int]) -> None:
        """The run is over; of its steps those that somebody else is just changing are left to come to their end."""
        self.run = "cancelled"
        for index, step in enumerate(self.steps):
            if step.status not in OVER and index not in but:
                self._end(index, "cancelled")

    # -- rules ---------------------------------------------------------------------------------------------------------
    def _end(self, index: int, status: str) -> None:
        step = self.steps[index]
        step.status, step.lease, step.wait = status, None, ""

    def _settle(self) -> None:
        """What is decided by now, wave after wave; in the end perhaps the run."""
        if self.run not in ALIVE:
            return
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
            if status in OVER:
                tolerated = status == "failed" and self.sketches[source].tolerates
                outcome: Outcome = "tolerated" if tolerated else status  # type: ignore[assignment]
                counter.arrive(effect(EDGE_CODES[on], outcome))
        return counter
