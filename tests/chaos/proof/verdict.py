"""What must never be untrue, asked of a record. Each check yields what breaks it; none is silent about what it cannot know.

The first seven are the invariants of the design, in its words; the others are what follows from them for leases, limits
and results.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from apps.executions.states import (
    COMPENSATION_KIND,
    EXECUTION_TERMINAL,
    JOIN_KIND,
    TASK_AGAIN,
    TASK_MOVES,
    Phase,
    TaskStatus,
)
from tests.chaos.proof.record import EventRow, Move, Record, TaskRow
from workers.compiler import countdown

RUN_OVER = {status.value for status in EXECUTION_TERMINAL}
TASK_OVER = {"completed", "failed", "skipped", "cancelled"}
NAMED_WAITS = {"timer", "retry", "loss", "frames", "approval", "signal", "limit"}
WITHOUT_END = {"frames", "approval", "signal"}
"""Reasons for which a task may wait without a moment at which it is looked at again."""
LATE = timedelta(seconds=1.5)
"""A claim that was under way when its run ended may be committed a little later."""

AT_ONCE = timedelta(seconds=0.1)
"""Which of two steps completed first is decided by their rows' own clock, not by the order the witness saw them in."""


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    subject: UUID | str
    told: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.told} ({self.subject})"


Check = Callable[[Record], Iterator[Violation]]


def judge(record: Record) -> list[Violation]:
    """Everything that is untrue of runs that should have ended."""
    return [violation for check in CHECKS for violation in check(record)]


def forgotten(record: Record) -> list[Violation]:
    """Invariant 3, of a look at runs under way: each has something running, waiting for a named reason, or about to be
    swept, and no task is left for which nobody would ever come."""
    return list(_forgotten(record))


# -- the seven ---------------------------------------------------------------------------------------------------------
def completed_once(record: Record) -> Iterator[Violation]:
    """1. A task is recorded as completed at most once, whatever is delivered how often; once more when its run is retried."""
    done = Counter((move.subject, move.resets) for move in record.task_moves() if move.after == "completed")
    lives = Counter(task for task, _ in done)
    told = Counter(event.task for event in record.events if event.type == "task_completed" and event.task)
    for (task, _), count in done.items():
        if count > 1:
            yield Violation("completed once", task, f"recorded as completed {count} times")
    for task, count in told.items():
        if count > max(1, lives[task]):
            yield Violation("completed once", task, f"told {count} times that it was completed")


def started_when_joined(record: Record) -> Iterator[Violation]:
    """2. A task starts only when its join rule is satisfied."""
    by_seq = record.by_seq()
    sources = _sources(record)
    became: dict[UUID, str] = {}
    for move in record.task_moves():
        task = record.tasks.get(move.subject)
        if task is not None and move.after in {"dispatched", "executing"} and move.before in {None, "pending"}:
            told = _too_early(record, task, by_seq, sources, became)
            if told:
                yield Violation("started when joined", task.id, f"{task.name} started {told}")
        became[move.subject] = move.after


def _too_early(
    record: Record,
    task: TaskRow,
    by_seq: dict[tuple[UUID, int], TaskRow],
    sources: dict[tuple[UUID, int], list[tuple[int, int]]],
    became: dict[UUID, str],
) -> str:
    if task.kind == COMPENSATION_KIND:
        open_ = [
            other.name
            for other in record.tasks.values()
            if other.execution == task.execution and other.parent is None and other.id != task.id
            if became.get(other.id) not in TASK_OVER
        ]
        return f"before {open_[0]} had ended" if open_ else ""
    if task.parent is not None and became.get(task.parent) in {None, "pending", *TASK_OVER}:
        return f"while the step around it was {became.get(task.parent)}"
    counter = _counted(record, task, by_seq, sources, became)
    verdict = counter.verdict()
    return "" if verdict == "ready" else f"though its join says {verdict} ({counter})"


def _counted(
    record: Record,
    task: TaskRow,
    by_seq: dict[tuple[UUID, int], TaskRow],
    sources: dict[tuple[UUID, int], list[tuple[int, int]]],
    became: dict[UUID, str],
) -> countdown.Counter:
    counter = countdown.Counter(task.total, task.need, task.wants, task.total)
    for node, edge in sources.get((task.version, task.node), []):
        source = by_seq.get((task.execution, task.seq - task.node + node))
        status = became.get(source.id) if source is not None else None
        if status in TASK_OVER:
            tolerated = status == "failed" and record.nodes[task.version, node].tolerates
            outcome: countdown.Outcome = "tolerated" if tolerated else status  # type: ignore[assignment]
            counter.arrive(countdown.effect(edge, outcome))
    return counter


def _sources(record: Record) -> dict[tuple[UUID, int], list[tuple[int, int]]]:
    found: dict[tuple[UUID, int], list[tuple[int, int]]] = defaultdict(list)
    for row in record.nodes.values():
        for target, edge in zip(row.successors, row.edge_on, strict=True):
            found[row.version, target].append((row.node, edge))
    return found


def _forgotten(record: Record) -> Iterator[Violation]:
    by_seq, sources = record.by_seq(), _sources(record)
    became = {task.id: task.status for task in record.tasks.values()}
    open_of: dict[UUID, list[TaskRow]] = defaultdict(list)
    for task in record.tasks.values():
        if task.status not in TASK_OVER:
            open_of[task.execution].append(task)
    for run in record.runs.values():
        if run.status in RUN_OVER or run.status in {"queued", "paused"}:
            continue
        moving = [task for task in open_of[run.id] if task.kind != COMPENSATION_KIND or task.status != "pending"]
        if not moving:
            yield Violation("nothing forgotten", run.id, f"the run is {run.status} and none of its tasks is open")
        for task in moving:
            told = _left_alone(record, task, by_seq, sources, became)
            if told:
                yield Violation("nothing forgotten", task.id, f"{task.name} is {task.status} {told}")


def _left_alone(
    record: Record,
    task: TaskRow,
    by_seq: dict[tuple[UUID, int], TaskRow],
    sources: dict[tuple[UUID, int], list[tuple[int, int]]],
    became: dict[UUID, str],
) -> str:
    if task.status == "executing":
        return "" if task.lease and task.due_at else "without a lease or without an end of it"
    if task.status == "dispatched":
        return "" if task.due_at or task.parked else "and nobody will send it again"
    if task.status == "waiting":
        if task.wait not in NAMED_WAITS:
            return f"for no named reason ({task.wait})"
        if task.wait == "frames":
            alive = any(f.status in {"pending", "running"} for f in record.frames.values() if f.parent == task.id)
            return "" if alive else "for frames that have all ended"
        return "" if task.due_at or task.parked or task.wait in WITHOUT_END else f"for {task.wait} without a moment"
    if task.frame is not None and record.frames[task.frame].status == "pending":
        return ""
    verdict = _counted(record, task, by_seq, sources, became).verdict()
    return "" if verdict == "wait" else f"though everything before it has ended and its join says {verdict}"


def needed_no_broker(record: Record) -> Iterator[Violation]:
    """4. No message, result or lock in the broker is needed to recover. 3, at the end: every run ends. (The storm empties
    the broker after its last blow: whatever has ended since needed none of what was in it.)"""
    for one in record.submitted:
        run = record.runs.get(one.execution)
        if run is None:
            yield Violation("every run ends", one.execution, f"it was accepted under {one.key} and is not there")
        elif run.status not in RUN_OVER:
            open_ = Counter(
                t.status for t in record.tasks.values() if t.execution == run.id and t.status not in TASK_OVER
            )
            yield Violation("every run ends", run.id, f"it is {run.status}, with open tasks {dict(open_)}")
    for task in record.tasks.values():
        run = record.runs.get(task.execution)
        if run is not None and run.status in RUN_OVER and task.status not in TASK_OVER:
            yield Violation("every run ends", task.id, f"{task.name} is {task.status} after its run was {run.status}")
    for key, count in Counter(one.key for one in record.submitted).items():
        if count > 1:
            yield Violation("every run ends", key, f"one submission made {count} runs")


def pinned(record: Record) -> Iterator[Violation]:
    """5. An execution is pinned to its version's hash; publishing a new version never changes a running one."""
    for one in record.submitted:
        run = record.runs.get(one.execution)
        if run is not None and run.sha256 != one.sha256:
            yield Violation("pinned", run.id, f"begun as {one.sha256[:8]}, it is {run.sha256[:8]} now")
    for task in record.tasks.values():
        run = record.runs.get(task.execution)
        frame = record.frames.get(task.frame) if task.frame else None
        allowed = {run.version if run else None, frame.version if frame else None}
        if run is not None and task.version not in allowed and (frame is None or frame.version is not None):
            yield Violation("pinned", task.id, f"{task.name} is of version {task.version}, its run of {run.version}")


def kept_apart(record: Record) -> Iterator[Violation]:
    """6. Nobody reads or writes a row of an organization they are not in: the database itself refuses."""
    owner = {run.id: run.organization for run in record.runs.values()}
    rows: Iterable[tuple[UUID, UUID, UUID | int]] = [
        *((row.execution, row.organization, row.id) for row in record.tasks.values()),
        *((row.execution, row.organization, row.id) for row in record.frames.values()),
        *((row.execution, row.organization, row.id) for row in record.events),
    ]
    for execution, organization, row_id in rows:
        if owner.get(execution, organization) != organization:
            yield Violation("kept apart", execution, f"row {row_id} of it belongs to organization {organization}")
    for one in record.submitted:
        if owner.get(one.execution, one.organization) != one.organization:
            yield Violation(
                "kept apart", one.execution, f"begun for {one.organization}, it is of {owner[one.execution]}"
            )
    for told in record.strangers:
        yield Violation("kept apart", "a stranger", told)


def true_addresses(record: Record) -> Iterator[Violation]:
    """7. What an artifact's address says is what its bytes hash to."""
    stored = {(one.organization, one.address) for one in record.stored}
    for one in record.stored:
        if one.actual != one.address:
            told = "nothing is stored there" if one.actual is None else f"its bytes hash to {one.actual}"
            yield Violation("true addresses", one.address, told)
    for task in record.tasks.values():
        if record.stored and task.output_ref and (task.organization, task.output_ref) not in stored:
            yield Violation("true addresses", task.id, f"the result of {task.name} is at no known address")


# -- leases, events, ends ----------------------------------------------------------------------------------------------
def legal_moves(record: Record) -> Iterator[Violation]:
    """Each task goes from state to state as the table of moves says, and each move begins where the last one ended."""
    for task, moves in record.moves_by_task().items():
        state: str | None = None
        resets = 0
        for move in moves:
            if move.before != state:
                yield Violation("legal moves", task, f"it was {state} and moved from {move.before} to {move.after}")
            same = move.before == move.after
            if not same and move.before is not None and move.after not in _allowed(move, resets):
                yield Violation("legal moves", task, f"{move.before} became {move.after}")
            state, resets = move.after, move.resets
        row = record.tasks.get(task)
        if row is not None and row.status != state:
            yield Violation("legal moves", task, f"it is {row.status} and was last seen to become {state}")


def _allowed(move: Move, resets: int) -> frozenset[TaskStatus]:
    """What a task may become that a retry of its run has begun anew so often before this move."""
    before = TaskStatus(move.before or "")
    return TASK_AGAIN.get(before, frozenset()) if move.resets > resets else TASK_MOVES[before]


def one_lease_at_a_time(record: Record) -> Iterator[Violation]:
    """No two attempts hold a valid lease at the same time: one is given back before the next is given out, none is given
    out twice, none is taken away before its time, and what ends a task holds it."""
    given: set[UUID] = set()
    events = record.events_by_task()
    for task, moves in record.moves_by_task().items():
        ends = [
            event
            for event in events.get(task, [])
            if event.type in {"task_lost", "task_handed_over"} and not event.payload.get("until")
        ]
        for move in moves:
            if move.after == "executing":
                if move.before == "executing":
                    yield Violation("one lease at a time", task, f"attempt {move.attempt} began while another held it")
                if move.lease is None or move.lease in given:
                    yield Violation("one lease at a time", task, f"attempt {move.attempt} has no lease of its own")
                elif move.lease is not None:
                    given.add(move.lease)
            elif move.lease is not None:
                yield Violation("one lease at a time", task, f"it is {move.after} and still lent out")
            if move.before == "executing" and move.after == "dispatched" and move.phase != Phase.TIMED_OUT and ends:
                yield from _taken_away_in_time(move, ends.pop(0))


def _taken_away_in_time(move: Move, event: EventRow) -> Iterator[Violation]:
    expired = event.payload.get("reason") == "lease_expired"
    if expired and move.due_before is not None and move.due_before > move.at:
        told = f"its lease was taken away at {move.at:%X}, valid until {move.due_before:%X}"
        yield Violation("one lease at a time", move.subject, told)


def told_as_it_was(record: Record) -> Iterator[Violation]:
    """The events of a task tell of its moves, each once: of every claim, every loss, and its end."""
    events = record.events_by_task()
    for task, moves in record.moves_by_task().items():
        row = record.tasks.get(task)
        if row is None or row.kind == JOIN_KIND:
            continue
        told = Counter(event.type for event in events.get(task, []))
        claims = sum(move.after == "executing" and move.phase == 0 for move in moves)
        lost = sum(move.before == "executing" and move.after in {"dispatched", "waiting"} for move in moves)
        completed = sum(move.after == "completed" for move in moves)
        if told["task_started"] != claims:
            yield Violation("told as it was", task, f"{row.name}: {claims} claims, {told['task_started']} told")
        if told["task_lost"] + told["task_handed_over"] > lost:
            yield Violation("told as it was", task, f"{row.name}: given back {lost} times, more often told")
        if completed and row.kind != COMPENSATION_KIND and not row.kept and told["task_completed"] != completed:
            yield Violation("told as it was", task, f"{row.name} is completed, told {told['task_completed']} times")


def nothing_after_the_end(record: Record) -> Iterator[Violation]:
    """What begins belongs to a run that has not ended."""
    over: dict[UUID, Move] = {}
    for move in record.moves:
        if move.what == "run":
            if move.after in RUN_OVER:
                over[move.execution] = move
            else:
                over.pop(move.execution, None)
        elif move.what == "task" and move.after == "executing":
            end = over.get(move.execution)
            if end is not None and move.at > end.at + LATE:
                late = (move.at - end.at).total_seconds()
                yield Violation(
                    "nothing after the end", move.subject, f"claimed {late:.1f} s after its run was {end.after}"
                )


# -- limits and results ------------------------------------------------------------------------------------------------
def within_limits(record: Record) -> Iterator[Violation]:
    """At no moment more than as many: of a run's steps (`max_parallel`), of those that exclude each other, of a loop's
    iterations, of a pool's slots; and nothing that says `limit` begins without a slot."""
    yield from _side_by_side(record)
    yield from _frames_side_by_side(record)
    yield from _pools(record)


def _side_by_side(record: Record) -> Iterator[Violation]:
    at_work: dict[UUID, set[UUID]] = defaultdict(set)
    inside: dict[tuple[UUID, str], set[UUID]] = defaultdict(set)
    for move in record.task_moves():
        if move.gate is None:
            continue
        working, group = at_work[move.execution], inside[move.execution, move.gate]
        claimed = move.after == "executing" and move.phase == 0
        (working.add if claimed else working.discard)(move.subject)
        run = record.runs.get(move.execution)
        if claimed and run is not None and run.max_parallel is not None and len(working) > run.max_parallel:
            yield Violation("within limits", move.execution, f"{len(working)} at once where {run.max_parallel} may")
        if move.gate != "*":
            if claimed and group - {move.subject} - _around(record, move.subject):
                yield Violation("within limits", move.subject, f"it began while another was inside {move.gate!r}")
            kept = move.after in {"executing", "waiting"} or (move.after == "dispatched" and move.phase > 0)
            (group.add if kept else group.discard)(move.subject)


def _around(record: Record, task: UUID) -> set[UUID]:
    found: set[UUID] = set()
    row = record.tasks.get(task)
    while row is not None and row.parent is not None:
        found.add(row.parent)
        row = record.tasks.get(row.parent)
    return found


def _frames_side_by_side(record: Record) -> Iterator[Violation]:
    running: dict[UUID, set[UUID]] = defaultdict(set)
    for move in record.moves:
        if move.what != "frame" or move.parent is None:
            continue
        frames = running[move.parent]
        (frames.add if move.after == "running" else frames.discard)(move.subject)
        task = record.tasks.get(move.parent)
        node = record.nodes.get((task.version, task.node)) if task is not None else None
        if node is not None and node.side_by_side is not None and len(frames) > node.side_by_side:
            told = f"{len(frames)} iterations at once where {node.side_by_side} may"
            yield Violation("within limits", move.parent, told)


def _pools(record: Record) -> Iterator[Violation]:
    of_pool: dict[str, list[tuple[datetime, int, int, UUID]]] = defaultdict(list)
    slots = {slot.pool: slot.slots for slot in record.slots}
    for slot in record.slots:
        of_pool[slot.pool].append((slot.taken, 1, slot.cost, slot.task))
        if slot.returned is not None:
            of_pool[slot.pool].append((slot.returned, 0, -slot.cost, slot.task))
    for pool, changes in of_pool.items():
        taken = 0
        for _, _, change, task in sorted(changes, key=lambda one: one[:2]):
            taken += change
            if taken > slots[pool]:
                yield Violation("within limits", task, f"{taken} of the {slots[pool]} slots of {pool} were taken")
    begun = {(slot.task, slot.attempt) for slot in record.slots if slot.claimed}
    for move in record.task_moves():
        if move.after != "executing" or move.phase > Phase.RUN or (move.subject, move.attempt) in begun:
            continue
        row = record.tasks.get(move.subject)
        node = record.nodes.get((row.version, row.node)) if row is not None else None
        if row is not None and node is not None and node.limited:
            told = f"{row.name} began its attempt {move.attempt} without a slot of its limit"
            yield Violation("within limits", row.id, told)


def undone_in_reverse(record: Record) -> Iterator[Violation]:
    """What completed last is undone first, and each when the one before is done with."""
    completed: dict[tuple[UUID, str], Move] = {}
    undoing: dict[UUID, Move] = {}
    for move in record.moves:
        task = record.tasks.get(move.parent if move.what == "frame" and move.parent else move.subject)
        if task is None:
            continue
        if move.what == "task":
            if move.after == "completed" and task.parent is None and not task.kept:
                completed[task.execution, task.name] = move
            elif move.after == "pending":
                undoing.pop(task.id, None)
        elif task.kind == COMPENSATION_KIND and move.after == "running" and move.before != "running":
            frame = record.frames.get(move.subject)
            done = completed.get((task.execution, frame.label)) if frame is not None else None
            before = undoing.get(task.id)
            if frame is None or done is None:
                continue
            if before is not None and done.at > before.at + AT_ONCE:
                told = f"{frame.label} was undone after a step that completed earlier than it"
                yield Violation("undone in reverse", move.subject, told)
            undoing[task.id] = done


def right_results(record: Record) -> Iterator[Violation]:
    """Each run's status and the results of its own steps are what the pure reference computes."""
    own: dict[UUID, dict[str, tuple[str, object]]] = defaultdict(dict)
    for task in record.tasks.values():
        if task.parent is None and task.kind not in {JOIN_KIND, COMPENSATION_KIND}:
            own[task.execution][task.name] = (task.status, record.outputs.get(task.id))
    for one in record.submitted:
        run = record.runs.get(one.execution)
        if run is not None and one.judge is not None and run.status in RUN_OVER:
            for told in one.judge(run.status, own[one.execution]):
                yield Violation("right results", run.id, told)


CHECKS: tuple[Check, ...] = (
    completed_once,
    started_when_joined,
    needed_no_broker,
    pinned,
    kept_apart,
    true_addresses,
    legal_moves,
    one_lease_at_a_time,
    told_as_it_was,
    nothing_after_the_end,
    within_limits,
    undone_in_reverse,
    right_results,
)
