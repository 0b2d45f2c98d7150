"""The judge can find somebody guilty: a sound history has no violation, and each planted one is named by its rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.chaos.proof.record import (
    EventRow,
    FrameRow,
    Move,
    NodeRow,
    Record,
    RunRow,
    Slot,
    Stored,
    Submitted,
    TaskRow,
)
from tests.chaos.proof.verdict import CHECKS, forgotten, judge
from workers.compiler.plan import EDGE_CODES

OURS, THEIRS, RUN, VERSION, LOOP = (UUID(int=number) for number in range(1, 6))
FIRST, SECOND, LAST = (UUID(int=number) for number in range(10, 13))
NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
SUCCESS = EDGE_CODES["success"]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def lease(number: int) -> UUID:
    return UUID(int=1000 + number)


def task(task_id: UUID, seq: int, total: int, **changed: Any) -> TaskRow:
    row = TaskRow(
        id=task_id,
        execution=RUN,
        organization=OURS,
        version=VERSION,
        seq=seq,
        node=seq,
        name=f"s{seq}",
        kind="test_echo",
        status="completed",
        phase=0,
        attempt=1,
        retries=0,
        lease=None,
        due_at=None,
        wait=None,
        gate="*",
        parked=False,
        frame=None,
        parent=None,
        total=total,
        need=total,
        wants=total,
    )
    return replace(row, **changed)


def life(subject: UUID, place: int, began: float, number: int, *, first: str | None) -> list[Move]:
    """A task that is released, claimed and completed."""
    given = lease(number)
    common: dict[str, Any] = {"what": "task", "execution": RUN, "subject": subject, "gate": "*"}
    born = [] if first is None else [Move(place, at(began), before=None, after=first, **common)]
    return [
        *born,
        Move(place + 1, at(began + 1), before="pending", after="dispatched", **common)
        if first == "pending"
        else Move(place + 1, at(began), before=None, after="dispatched", **common),
        Move(place + 2, at(began + 2), before="dispatched", after="executing", attempt=1, lease=given, **common),
        Move(
            place + 3,
            at(began + 3),
            before="executing",
            after="completed",
            attempt=1,
            lease_before=given,
            due_before=at(began + 30),
            **common,
        ),
    ]


def told(number: int, subject: UUID | None, kind: str, **payload: Any) -> EventRow:
    return EventRow(number, RUN, OURS, subject, kind, payload)


def sound() -> Record:
    """Two steps one after the other on which a third depends; a run that has completed."""
    record = Record()
    record.runs[RUN] = RunRow(RUN, OURS, VERSION, "abc", "completed", 1, 0, None)
    record.tasks = {FIRST: task(FIRST, 0, 0), SECOND: task(SECOND, 1, 1), LAST: task(LAST, 2, 2)}
    for number, targets in enumerate([(1, 2), (2,), ()]):
        record.nodes[VERSION, number] = NodeRow(VERSION, number, "test_echo", targets, (SUCCESS,) * len(targets), False)
    record.moves = [
        Move(0, at(0), "run", RUN, RUN, None, "running"),
        *life(FIRST, 1, 0, 1, first=None),
        *life(SECOND, 10, 10, 2, first="pending"),
        *life(LAST, 20, 20, 3, first="pending"),
        Move(30, at(30), "run", RUN, RUN, "running", "completed"),
    ]
    record.events = [
        told(3 * place + shift, subject, kind)
        for place, subject in enumerate([FIRST, SECOND, LAST])
        for shift, kind in enumerate(["task_started", "task_completed"])
    ]
    record.outputs = {FIRST: 1, SECOND: 2, LAST: 3}
    record.stored = [Stored(OURS, "aa", "aa")]
    record.submitted = [Submitted("k", RUN, OURS, "abc", _third_is_three)]
    return record


def _third_is_three(status: str, outcomes: Any) -> list[str]:
    return [] if (status, outcomes.get("s2")) == ("completed", ("completed", 3)) else ["s2 should be 3"]


Plant = Callable[[Record], None]


def _move(record: Record, subject: UUID, after: str, **changed: Any) -> None:
    place = next(i for i, move in enumerate(record.moves) if (move.subject, move.after) == (subject, after))
    record.moves[place] = replace(record.moves[place], **changed)


def _insert(record: Record, subject: UUID, after: str, *new: Move) -> None:
    place = next(i for i, move in enumerate(record.moves) if (move.subject, move.after) == (subject, after))
    record.moves[place + 1 : place + 1] = new


def _moved(subject: UUID, before: str, after: str, **more: Any) -> Move:
    return Move(99, more.pop("at", at(25)), "task", RUN, subject, before, after, **more)


def completed_twice(record: Record) -> None:
    record.moves.append(_moved(FIRST, "completed", "completed"))


def told_twice(record: Record) -> None:
    record.events.append(told(50, FIRST, "task_completed"))


def began_too_early(record: Record) -> None:
    """The last step is released before the second has ended."""
    late = [move for move in record.moves if move.subject == SECOND and move.after == "completed"]
    record.moves = [move for move in record.moves if move not in late] + late


def began_in_a_step_that_was_over(record: Record) -> None:
    record.tasks[LAST] = replace(record.tasks[LAST], parent=FIRST, total=0, need=0, wants=0)


def never_ends(record: Record) -> None:
    record.runs[RUN] = replace(record.runs[RUN], status="running")


def vanished(record: Record) -> None:
    record.submitted.append(Submitted("other", UUID(int=77), OURS, "abc", None))


def doubled_submission(record: Record) -> None:
    record.submitted.append(record.submitted[0])


def left_open(record: Record) -> None:
    record.tasks[LAST] = replace(record.tasks[LAST], status="pending")


def other_version(record: Record) -> None:
    record.runs[RUN] = replace(record.runs[RUN], sha256="def")


def task_of_another_version(record: Record) -> None:
    record.tasks[LAST] = replace(record.tasks[LAST], version=THEIRS)
    record.nodes[THEIRS, 2] = replace(record.nodes[VERSION, 2], version=THEIRS)


def row_of_a_stranger(record: Record) -> None:
    record.frames[LOOP] = FrameRow(LOOP, RUN, THEIRS, FIRST, "completed", None)


def stranger_saw(record: Record) -> None:
    record.strangers.append("somebody saw a row")


def damaged_bytes(record: Record) -> None:
    record.stored.append(Stored(OURS, "bb", "cc"))


def missing_bytes(record: Record) -> None:
    record.tasks[LAST] = replace(record.tasks[LAST], output_ref="dd")


def illegal_move(record: Record) -> None:
    _move(record, FIRST, "executing", before="completed")


def row_and_witness_differ(record: Record) -> None:
    record.tasks[FIRST] = replace(record.tasks[FIRST], status="failed")


def two_leases(record: Record) -> None:
    _insert(record, FIRST, "executing", _moved(FIRST, "executing", "executing", lease=lease(7), gate="*"))


def lease_given_again(record: Record) -> None:
    _move(record, SECOND, "executing", lease=lease(1))


def lease_taken_too_soon(record: Record) -> None:
    lost = _moved(FIRST, "executing", "dispatched", at=at(2.1), due_before=at(9), gate="*")
    again = _moved(FIRST, "dispatched", "executing", at=at(2.2), lease=lease(8), gate="*")
    _insert(record, FIRST, "executing", lost, again)
    record.events[1:1] = [told(90, FIRST, "task_lost", reason="lease_expired"), told(91, FIRST, "task_started")]


def untold_claim(record: Record) -> None:
    record.events.pop(0)


def untold_end(record: Record) -> None:
    record.events.pop(1)


def began_after_the_end(record: Record) -> None:
    _move(record, LAST, "executing", at=at(40))
    record.moves.sort(key=lambda move: move.at)


def two_at_once(record: Record) -> None:
    late = [move for move in record.moves if move.subject == FIRST and move.after == "completed"]
    rest = [move for move in record.moves if move not in late]
    place = next(i for i, move in enumerate(rest) if (move.subject, move.after) == (SECOND, "executing"))
    record.moves = [*rest[: place + 1], *late, *rest[place + 1 :]]


def two_in_one_room(record: Record) -> None:
    record.runs[RUN] = replace(record.runs[RUN], max_parallel=None)
    two_at_once(record)
    record.moves = [replace(move, gate="room") if move.what == "task" else move for move in record.moves]


def too_many_iterations(record: Record) -> None:
    record.nodes[VERSION, 0] = replace(record.nodes[VERSION, 0], side_by_side=1)
    for number in (1, 2):
        record.moves.append(Move(60, at(3), "frame", RUN, UUID(int=500 + number), None, "running", parent=FIRST))


def too_many_slots(record: Record) -> None:
    record.slots = [Slot("gpu", 2, 1, one, at(0), at(9)) for one in (FIRST, SECOND, LAST)]


def no_slot_at_all(record: Record) -> None:
    record.nodes[VERSION, 2] = replace(record.nodes[VERSION, 2], limited=True)
    record.slots = [Slot("gpu", 2, 1, LAST, at(20), at(21), 1, claimed=False)]


def undone_in_the_order_of_completion(record: Record) -> None:
    """The steps are called s0 and s1, and completed in this order."""
    record.tasks[LOOP] = task(LOOP, 3, 0, kind="compensation", gate=None)
    for place, name in enumerate(["s0", "s1"]):
        frame = UUID(int=600 + place)
        record.frames[frame] = FrameRow(frame, RUN, OURS, LOOP, "completed", None, name)
        record.moves.append(Move(70 + place, at(29), "frame", RUN, frame, "pending", "running", parent=LOOP))


def completed_again_without_a_retry(record: Record) -> None:
    record.moves += [_moved(FIRST, "completed", "pending"), _moved(FIRST, "pending", "completed")]


def wrong_result(record: Record) -> None:
    record.outputs[LAST] = 4


PLANTED: dict[Plant, str] = {
    completed_twice: "completed once",
    told_twice: "completed once",
    began_too_early: "started when joined",
    began_in_a_step_that_was_over: "started when joined",
    never_ends: "every run ends",
    vanished: "every run ends",
    doubled_submission: "every run ends",
    left_open: "every run ends",
    other_version: "pinned",
    task_of_another_version: "pinned",
    row_of_a_stranger: "kept apart",
    stranger_saw: "kept apart",
    damaged_bytes: "true addresses",
    missing_bytes: "true addresses",
    illegal_move: "legal moves",
    row_and_witness_differ: "legal moves",
    two_leases: "one lease at a time",
    lease_given_again: "one lease at a time",
    lease_taken_too_soon: "one lease at a time",
    untold_claim: "told as it was",
    untold_end: "told as it was",
    began_after_the_end: "nothing after the end",
    two_at_once: "within limits",
    two_in_one_room: "within limits",
    too_many_iterations: "within limits",
    too_many_slots: "within limits",
    no_slot_at_all: "within limits",
    undone_in_the_order_of_completion: "undone in reverse",
    completed_again_without_a_retry: "legal moves",
    wrong_result: "right results",
}


def test_a_sound_history_has_no_violation() -> None:
    assert judge(sound()) == []


def test_slots_that_are_returned_in_time_are_no_violation() -> None:
    record = sound()
    record.slots = [Slot("gpu", 1, 1, one, at(n), at(n + 1)) for n, one in enumerate((FIRST, SECOND, LAST))]
    assert judge(record) == []


def test_what_a_retry_of_the_run_begins_anew_may_complete_again() -> None:
    record = sound()
    kind = {"attempt": 2, "gate": "*", "resets": 1}
    again = [
        _moved(LAST, "completed", "pending", **kind),
        _moved(LAST, "pending", "dispatched", **kind),
        _moved(LAST, "dispatched", "executing", lease=lease(9), **kind),
        _moved(LAST, "executing", "completed", **kind),
    ]
    run = [
        Move(31, at(31), "run", RUN, RUN, "completed", "queued"),
        Move(40, at(40), "run", RUN, RUN, "queued", "failed"),
    ]
    record.moves += [run[0], *again, run[1]]
    record.events += [told(60, LAST, "task_started"), told(61, LAST, "task_completed")]
    assert judge(record) == []


@pytest.mark.parametrize(("plant", "rule"), PLANTED.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_a_planted_violation_is_found(plant: Plant, rule: str) -> None:
    record = sound()
    plant(record)
    assert rule in {violation.rule for violation in judge(record)}


def test_each_check_finds_something_planted() -> None:
    found = set()
    for plant in PLANTED:
        record = sound()
        plant(record)
        found |= {check for check in CHECKS if list(check(record))}
    assert found == set(CHECKS)


# -- runs under way ----------------------------------------------------------------------------------------------------
def under_way(**changed: Any) -> Record:
    """The first step has completed, the second is at work, the last waits for it."""
    record = sound()
    record.runs[RUN] = replace(record.runs[RUN], status="running")
    at_work = task(SECOND, 1, 1, status="executing", lease=lease(2), due_at=at(99))
    record.tasks[SECOND] = replace(at_work, **changed)
    record.tasks[LAST] = task(LAST, 2, 2, status="pending")
    return record


def test_a_run_with_something_at_work_is_not_forgotten() -> None:
    assert forgotten(under_way()) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"lease": None},
        {"due_at": None},
        {"status": "dispatched", "due_at": None},
        {"status": "waiting", "wait": None},
        {"status": "waiting", "wait": "timer", "due_at": None},
        {"status": "waiting", "wait": "frames"},
        {"status": "completed"},
    ],
    ids=str,
)
def test_a_task_for_which_nobody_would_come_is_found(changed: dict[str, Any]) -> None:
    assert {violation.rule for violation in forgotten(under_way(**changed))} == {"nothing forgotten"}


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "dispatched", "due_at": None, "parked": True},
        {"status": "waiting", "wait": "timer"},
        {"status": "waiting", "wait": "signal", "due_at": None},
    ],
    ids=str,
)
def test_a_task_for_which_somebody_comes_is_no_violation(changed: dict[str, Any]) -> None:
    assert forgotten(under_way(**changed)) == []


def test_a_run_in_which_nothing_is_open_and_that_has_not_ended_is_found() -> None:
    record = sound()
    record.runs[RUN] = replace(record.runs[RUN], status="running")
    assert [violation.subject for violation in forgotten(record)] == [RUN]
