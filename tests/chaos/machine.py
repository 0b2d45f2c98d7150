"""A state machine over the ledger: workers, a sweep and people, each on a connection of their own, in any order.

What somebody does may stay uncommitted while others go on, and may be taken back. Who finds a row locked gives up after
an instant and has done nothing. So interleavings of several processes are tried one after the other, in one thread of
control, and a failing one is made small. After each step the committed rows are compared with the model.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import OperationalError, connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from apps.core.tenancy import acting_as, sweeping
from apps.executions import ledger
from apps.executions.models import Task
from apps.executions.services import start_execution
from apps.melodies.models import MelodyVersion
from tests.chaos.model import OVER, RUN_OVER, Change, Model
from tests.chaos.proof import reading, verdict
from tests.chaos.proof.record import Submitted
from tests.unit.compiler.melodies import Sketch

Given = dict[str, Any]
Act = Callable[[Model], None]
LOCKED = "55P03"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SEATS = 3


class Blocked(Exception):
    """Somebody else holds a row."""


class Seat:
    """A connection of its own, in a thread of its own; at most one transaction open at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._open: Any = None
        self.then: Callable[[], None] | None = None
        """What the model says once it is committed."""
        self.holds: frozenset[int] = frozenset()
        """Steps that nobody else can change till then."""

    @property
    def busy(self) -> bool:
        return self._open is not None

    def do(self, act: Callable[[], Any]) -> Any:
        """In a transaction that stays open; `Blocked` when it could not be done."""
        return self._thread.submit(self._do, act).result()

    def _do(self, act: Callable[[], Any]) -> Any:
        block = transaction.atomic()
        block.__enter__()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '15ms'")
            found = act()
        except OperationalError as error:
            block.__exit__(type(error), error, error.__traceback__)
            if getattr(error.__cause__, "pgcode", None) == LOCKED:
                raise Blocked from None
            raise
        except BaseException as error:
            block.__exit__(type(error), error, error.__traceback__)
            raise
        self._open = block
        return found

    def commit(self) -> None:
        block, self._open = self._open, None
        self._thread.submit(block.__exit__, None, None, None).result()
        then, self.then, self.holds = self.then, None, frozenset()
        if then is not None:
            then()

    def roll_back(self) -> None:
        block, self._open, self.then, self.holds = self._open, None, None, frozenset()

        def leave() -> None:
            transaction.set_rollback(True)
            block.__exit__(None, None, None)

        self._thread.submit(leave).result()

    def close(self) -> None:
        if self.busy:
            self.roll_back()
        self._thread.submit(lambda: connection.close()).result()  # noqa: PLW0108 - the thread's own connection
        self._thread.shutdown()


@dataclass(slots=True)
class Ground:
    """What the examples share: melodies that are published, their sketches, who starts them, and how rows are read."""

    user: Any
    melodies: list[tuple[MelodyVersion, list[Sketch]]]
    query: Callable[[], Any]
    seats: list[Seat] = field(default_factory=lambda: [Seat() for _ in range(SEATS)])
    judged: int = 0
    claims: int = 0
    until: float = math.inf
    """When the clock shows this, examples end where they are."""

    @property
    def time_is_up(self) -> bool:
        return time.monotonic() > self.until

    def close(self) -> None:
        for seat in self.seats:
            seat.close()


WHAT = (
    ("claim",) * 6
    + ("completed",) * 4
    + ("time passes",) * 4
    + ("failed", "skipped", "renew", "timer", "retry", "give back")
)
WHAT += ("commit",) * 2 + ("roll back", "pause", "resume", "resume", "cancel?", "decide")
_END_EVENTS = {"completed": "task_completed", "failed": "error_occurred", "skipped": "task_skipped"}
Claimed = tuple[int, int, Given]
"""A claim there once was: step, number of the lease, what the ledger said."""


class Play:
    """One run, what is done to it, and what the model says of it."""

    def __init__(self, ground: Ground, which: int) -> None:
        self.ground = ground
        self.version, sketches = ground.melodies[which]
        user = ground.user
        with acting_as(user.pk):
            execution = start_execution(actor=user, melody=self.version.melody, version=self.version, input={})
            tasks = {task.name: task.pk for task in Task.objects.filter(execution_id=execution.pk)}
        self.id, self.organization = execution.pk, execution.organization_id
        self.tasks = [tasks[f"s{index}"] for index in range(len(sketches))]
        self.model = Model(sketches)
        self.given: list[Claimed] = []
        self.numbers = itertools.count(1)

    def attempt(self, seat: Seat, act: Callable[[], Any], then: Callable[[Any], Act | None], *, hold: bool) -> None:
        """Do it on that seat. `then` checks what came back and says what the model does when it is committed."""
        try:
            found = seat.do(act)
        except Blocked:
            return
        try:
            said = then(found)
            change = Change(None, {}, frozenset()) if said is None else self.model.change(said)
        except BaseException:
            seat.roll_back()
            raise
        seat.then, seat.holds = partial(self.model.apply, change), change.holds
        if not hold:
            seat.commit()

    def step(self, pick: int, *likely: str) -> int:
        """Mostly a step in one of these states, sometimes any."""
        chosen = [index for index, step in enumerate(self.model.steps) if step.status in likely]
        among = chosen * 4 + list(range(len(self.tasks)))
        return among[pick % len(among)]

    def some_claim(self, pick: int) -> Claimed:
        """Mostly of a step that is at work, by whoever; sometimes any there ever was."""
        at_work = [one for one in self.given if self.model.steps[one[0]].status == "executing"]
        among = at_work * 4 + self.given
        return among[pick % len(among)]

    def happens(self, what: str, seat: Seat, pick: int, *, hold: bool) -> None:
        if seat.busy:
            seat.roll_back() if what == "roll back" else seat.commit()
        if what in {"commit", "roll back"}:
            return
        if what == "claim" or (not self.given and what not in {"pause", "resume", "cancel?", "decide"}):
            self.claim(seat, self.step(pick, "dispatched"), hold=hold)
        elif what == "time passes":
            self.time_passes(seat, self.step(pick, "executing", "waiting"))
        elif what in {"pause", "resume"}:
            (self.pause if what == "pause" else self.resume)(seat, hold=hold)
        elif what == "cancel?":
            if pick % 4 == 0:
                self.cancel(seat, hold=hold)
        elif what == "decide":
            self.decide(seat, self.step(pick, "pending"), "skipped" if pick % 2 else "completed", hold=hold)
        elif what == "renew":
            self.renew(seat, self.some_claim(pick))
        elif what == "give back":
            self.give_back(seat, self.some_claim(pick), hold=hold)
        elif what in {"timer", "retry"}:
            self.wait(seat, self.some_claim(pick), what, hold=hold)
        else:
            self.finish(seat, self.some_claim(pick), what, hold=hold)

    # -- workers -------------------------------------------------------------------------------------------------------
    def claim(self, seat: Seat, index: int, *, hold: bool) -> None:
        expected = self.model.claimable(index)

        def check(taken: list[Given]) -> Act | None:
            assert bool(taken) == expected, f"s{index}: {self.model.steps[index]}, run {self.model.run}, got {taken}"
            if not taken:
                return None
            number = next(self.numbers)
            self.given.append((index, number, taken[0]))
            return lambda model: model.claimed(index, number)

        def act() -> list[Given]:
            return ledger.claim(str(self.organization), str(self.tasks[index]), "machine").taken

        self.attempt(seat, act, check, hold=hold)

    def finish(self, seat: Seat, claimed: Claimed, status: str, *, hold: bool) -> None:
        """Any claim there ever was: old ones are refused."""
        index, number, given = claimed
        held = self.model.holds(index, number)
        error = {"code": "meant", "message": "meant to fail"} if status == "failed" else None
        row = {key: given[key] for key in ("task", "attempt", "lease")}
        row |= {"status": status, "output": None, "error": error, "events": [[_END_EVENTS[status], {}]]}

        def check(handed: Any) -> Act | None:
            assert bool(handed.stale) != held, f"s{index} lease {number}: {self.model.steps[index]}, {handed.stale}"
            return (lambda model: model.ended(index, status)) if held else None

        self.attempt(seat, lambda: ledger.finish(given["organization"], [row], "machine"), check, hold=hold)

    def wait(self, seat: Seat, claimed: Claimed, reason: str, *, hold: bool) -> None:
        index, number, given = claimed
        held = self.model.holds(index, number)
        due = datetime.now(UTC) + timedelta(hours=2)

        def check(_: Any) -> Act | None:
            return (lambda model: model.waits(index, reason)) if held else None

        self.attempt(seat, lambda: ledger.wait(given, reason, due), check, hold=hold)

    def give_back(self, seat: Seat, claimed: Claimed, *, hold: bool) -> None:
        """By a worker that leaves: the next claim has the number of this one."""
        index, number, given = claimed
        held = self.model.holds(index, number)

        def check(released: list[ledger.Release]) -> Act | None:
            assert held or not released, f"s{index} lease {number}: {self.model.steps[index]}, {released}"
            return (lambda model: model.handed_over(index)) if held else None

        def act() -> list[ledger.Release]:
            return ledger.give_back(given["organization"], [(given["task"], given["lease"])], "machine")

        self.attempt(seat, act, check, hold=hold)

    def renew(self, seat: Seat, claimed: Claimed) -> None:
        index, number, given = claimed
        valid = self.model.holds(index, number) and self.model.run in {"running", "paused"}

        def check(still: set[str]) -> None:
            assert still == ({given["lease"]} if valid else set()), f"s{index}: {self.model.steps[index]}"

        held = {given["lease"]: given["task"]}
        self.attempt(seat, lambda: ledger.renew(given["organization"], held), check, hold=False)

    # -- the sweep -----------------------------------------------------------------------------------------------------
    def time_passes(self, seat: Seat, index: int) -> None:
        """The moment a row waits for has come: its lease is over, or its timer is due."""
        before = self.model.steps[index].status
        if before not in {"executing", "waiting"}:
            return

        def sweep() -> str:
            with sweeping():
                Task.objects.filter(pk=self.tasks[index]).update(due_at=LONG_AGO)
                ledger.sweep(100)
                return str(Task.objects.values_list("status", flat=True).get(pk=self.tasks[index]))

        def check(after: str) -> Act:
            if before == "waiting":
                return lambda model: model.due(index)
            return lambda model: model.lost(index, "waiting" if after == "waiting" else "dispatched")

        self.attempt(seat, sweep, check, hold=False)

    # -- people --------------------------------------------------------------------------------------------------------
    def pause(self, seat: Seat, *, hold: bool) -> None:
        may = self.model.run in {"pending", "running"}

        def check(status: str) -> Act | None:
            assert (status == "paused") == (may or self.model.run == "paused"), (status, self.model.run)
            return Model.paused if may else None

        self.attempt(seat, lambda: self._as_owner(lambda: ledger.pause(self.id, "machine")), check, hold=hold)

    def resume(self, seat: Seat, *, hold: bool) -> None:
        may = self.model.run == "paused"

        def check(released: Any) -> Act | None:
            assert (released is not None) == may, (released, self.model.run)
            return Model.resumed if may else None

        self.attempt(seat, lambda: self._as_owner(lambda: ledger.resume(self.id)), check, hold=hold)

    def decide(self, seat: Seat, index: int, status: str, *, hold: bool) -> None:
        may = self.model.decidable(index)

        def check(done: ledger.Overridden) -> Act | None:
            assert (done.outcome == "done") == may, f"s{index}: {self.model.steps[index]}, {done.outcome}"
            return (lambda model: model.decided(index, status)) if may else None

        def act() -> ledger.Overridden:
            return self._as_owner(lambda: ledger.override(self.tasks[index], status, 1, "machine", "meant"))

        self.attempt(seat, act, check, hold=hold)

    def cancel(self, seat: Seat, *, hold: bool) -> None:
        may = self.model.run not in RUN_OVER
        others = frozenset[int]().union(*(other.holds for other in self.ground.seats if other is not seat))

        def check(cancelled: Any) -> Act | None:
            assert bool(cancelled is not None and cancelled != []) == may, (cancelled, self.model.run)
            return (lambda model: model.cancelled(others)) if may else None

        self.attempt(seat, lambda: self._as_owner(lambda: ledger.cancel(self.id, "machine")), check, hold=hold)

    def settle_ended(self, seat: Seat) -> None:
        """Steps that somebody held when their run ended are gone over again."""
        if self.model.run not in RUN_OVER:
            return

        def act() -> None:
            with sweeping():
                ledger.settle_ended(self.id)

        self.attempt(seat, act, lambda _: Model.left_over, hold=False)

    def _as_owner(self, act: Callable[[], Any]) -> Any:
        with acting_as(self.ground.user.pk):
            return act()

    # -- is it so? -----------------------------------------------------------------------------------------------------
    def seen(self) -> tuple[str, list[tuple[str, int]]]:
        """The run's status, and status and attempt of each step, as committed."""
        with acting_as(self.ground.user.pk), connection.cursor() as cursor:
            cursor.execute(
                "SELECT x.status, t.id, t.status, t.attempt FROM executions_execution x"
                " JOIN executions_task t ON t.execution_id = x.id WHERE x.id = %s",
                [self.id],
            )
            rows = {row[1]: row for row in cursor.fetchall()}
        return rows[self.tasks[0]][0], [(rows[task][2], rows[task][3]) for task in self.tasks]

    def compare(self) -> None:
        """The committed rows, and the model."""
        expected = [(step.status, step.attempt) for step in self.model.steps]
        assert self.seen() == (self.model.run, expected)

    def bring_to_an_end(self) -> None:
        """All is committed, and what is left is done: the run ends as the model says, and its history is sound."""
        first = self.ground.seats[0]
        for seat in self.ground.seats:
            if seat.busy:
                seat.commit()
        self.resume(first, hold=False)
        for _ in range(60):
            if self.model.run in RUN_OVER and all(step.status in OVER for step in self.model.steps):
                break
            for index, step in enumerate(self.model.steps):
                if step.status == "dispatched" and self.model.run not in RUN_OVER:
                    self.claim(first, index, hold=False)
                    self._finish_last(first)
                elif step.status in {"executing", "waiting"}:
                    self.time_passes(first, index)
            self.settle_ended(first)
            self.compare()
        assert self.model.run in RUN_OVER, self.model
        self._judge()

    def _finish_last(self, seat: Seat) -> None:
        """What was claimed last is completed; every other time the run is paused meanwhile, so that it may end by being resumed."""
        paused = len(self.given) % 2 == 0
        if paused:
            self.pause(seat, hold=False)
        self.finish(seat, self.given[-1], "completed", hold=False)
        if paused:
            self.resume(seat, hold=False)

    def _judge(self) -> None:
        with self.ground.query() as query:
            record = reading.read(query)
            query("TRUNCATE chaos_witness", [])
        record.submitted = [Submitted("machine", self.id, self.organization, self.version.sha256, None)]
        assert verdict.judge(record) == []
        self.ground.judged += 1
        self.ground.claims += len(self.given)


def machine(ground: Ground) -> type[RuleBasedStateMachine]:
    """The machine on that ground."""

    class Ledger(RuleBasedStateMachine):
        play: Play | None = None

        @initialize(which=st.integers(0, len(ground.melodies) - 1))
        def begin(self, which: int) -> None:
            if not ground.time_is_up:
                self.play = Play(ground, which)

        # One rule for all: Hypothesis leaves whole rules out of an example, and without claims nothing happens.
        @rule(
            what=st.sampled_from(WHAT),
            which=st.integers(0, SEATS - 1),
            pick=st.integers(0, 60),
            hold=st.sampled_from([True, False, False]),
        )
        def happens(self, what: str, which: int, pick: int, *, hold: bool) -> None:
            if self.play is not None:
                self.play.happens(what, ground.seats[which], pick, hold=hold)

        @invariant()
        def rows_are_as_the_model_says(self) -> None:
            if self.play is not None:
                self.play.compare()

        def teardown(self) -> None:
            if self.play is not None:
                self.play.bring_to_an_end()

    return Ledger
