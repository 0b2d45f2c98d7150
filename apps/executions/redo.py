"""What of a run that has ended is done again, and what is kept. Pure.

A retry goes on with the same run, a rerun makes a new one from it; both ask here first. The answer says for each task:

- KEEP: it stays as it ended.
- FRESH: it begins anew.
- REOPEN: a composite step whose frames go on where they were: it waits for them again.
- LATER: its result is kept, and recorded when its turn comes, because something before it is done again.
- DROP: it belongs to what begins anew as a whole.

`begin` names what is done again in any case; the rest follows along the edges of the plan. *Strongly* begun tasks take all
that follows with them. *Weakly* begun ones take what did not complete, and what ran because of how they ended (clean-up,
handlers, joins that nothing but a failure let begin); what had completed all the same is left as it is (retry) or LATER (rerun).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple
from uuid import UUID

from apps.executions.past import ExpansionFacts, FrameFacts, NodeFacts, Past, TaskFacts
from apps.executions.states import COMPENSATION_KIND, JOIN_KIND, Phase

EFFECTS: Final = "mmhnhsmmshsssmsmmmmmmmhmh"
"""As in sql/rules.sql: by edge (success, failure, skipped, done, order) and outcome code."""
_STRIPED: Final = 8
_UPSTREAM: Final = frozenset({"upstream_failed", "withdrawn", "not_needed"})
"""Why a task was cancelled that nobody misses: it follows from other tasks, or was wanted so."""


class How(IntEnum):
    KEEP = 0
    FRESH = 1
    REOPEN = 2
    LATER = 3
    DROP = 4


@dataclass(frozen=True, slots=True)
class Rules:
    """`retry`: the same run goes on. `strong`: failed steps take all that follows with them. `seq` and `index` name a step
    to begin from, or an iteration of it."""

    retry: bool = False
    strong: bool = False
    seq: int | None = None
    index: int | None = None


class FrameMove(NamedTuple):
    """A frame of the new state: `pending` and `running` ones are done again."""

    id: UUID
    status: str


class ExpansionMove(NamedTuple):
    task: int
    total: int
    next: int
    remaining: int
    base: int
    round_first: int
    reopened: bool


@dataclass(frozen=True, slots=True)
class Redo:
    """`how` by sequence number. `frames` are all that remain, `expansions` those of composites that remain. `again` are the
    steps that are done again, as people know them."""

    how: Mapping[int, How]
    frames: Sequence[FrameMove]
    expansions: Sequence[ExpansionMove]
    again: Sequence[TaskFacts]

    def digits(self) -> str:
        """One digit for each sequence number from 0; what is missing between them is dropped."""
        size = max(self.how, default=-1) + 1
        return "".join(str(int(self.how.get(seq, How.DROP))) for seq in range(size))


class CannotBegin(ValueError):
    """The step that is named is not one to begin from."""


def decide(past: Past, rules: Rules) -> Redo:
    """Raises CannotBegin for a named step that belongs to an attempt that was given up, a handler, or nothing at all."""
    deciding = _Deciding(past, rules)
    deciding.seed()
    deciding.spread()
    return deciding.result()


@dataclass(slots=True)
class _Deciding:
    past: Past
    rules: Rules
    inside: dict[int, list[FrameFacts]] = field(default_factory=lambda: defaultdict(list))
    frame_of: dict[UUID, FrameFacts] = field(default_factory=dict)
    live: set[UUID] = field(default_factory=set)
    cut: dict[int, int] = field(default_factory=dict)
    """Composite step: the index after which its rounds are forgotten."""
    how: dict[int, How] = field(default_factory=dict)
    strong: dict[int, bool] = field(default_factory=dict)
    queue: deque[int] = field(default_factory=deque)
    _sources: dict[tuple[UUID, int], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """By version and node: the nodes before it, each with the kind of its edge."""
    _met: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for frame in sorted(self.past.frames, key=lambda frame: (frame.parent, frame.number)):
            self.inside[frame.parent].append(frame)
            self.frame_of[frame.id] = frame
        for version, nodes in self.past.plans.items():
            for number, node in nodes.items():
                for target, edge in node.edges:
                    self._sources[version, target].append((number, edge % _STRIPED))

    # -- where anything can begin ----------------------------------------------------------------------------------
    def seed(self) -> None:
        way = self._way_to_step()
        self._find_live(way)
        for task in self.past.tasks.values():
            if task.frame is None or task.frame in self.live:
                self._seed_task(task)
        self._seed_undone()
        if self.rules.seq is not None:
            self._seed_step(self.rules.seq)

    def _way_to_step(self) -> dict[int, int]:
        """The composite steps around the named step, and which of their frames it is in (by index)."""
        way: dict[int, int] = {}
        if self.rules.seq is None:
            return way
        task = self.past.tasks.get(self.rules.seq)
        if task is None or task.kind in (JOIN_KIND, COMPENSATION_KIND):
            raise CannotBegin("the run has no such step")
        if self.rules.index is not None:
            way[task.seq] = self.rules.index
        while task.parent is not None and task.frame is not None:
            way[task.parent] = self.frame_of[task.frame].number
            task = self.past.tasks[task.parent]
        return way

    def _find_live(self, way: Mapping[int, int]) -> None:
        """Frames that count: those of the last round of composite steps that may be reopened, and those on the way."""
        waiting = deque(task.seq for task in self.past.tasks.values() if task.frame is None)
        while waiting:
            seq = waiting.popleft()
            expansion = self.past.expansions.get(seq)
            if expansion is None or not (seq in way or self._may_reopen(self.past.tasks[seq], expansion)):
                continue
            if expansion.phase != Phase.RESUME or self.past.tasks[seq].kind == COMPENSATION_KIND:
                continue
            for frame in self.inside[seq]:
                on_way = frame.number == way.get(seq) and frame.number >= expansion.base
                if on_way or frame.number >= expansion.round_first:
                    self.live.add(frame.id)
                    waiting.extend(range(frame.first, frame.first + frame.size))

    def _may_reopen(self, task: TaskFacts, expansion: ExpansionFacts) -> bool:
        if task.status in ("failed", "cancelled"):
            return not self.rules.retry or self._is_missed(task)
        return not self.rules.retry and task.status == "completed" and not expansion.watch

    def _is_missed(self, task: TaskFacts) -> bool:
        """It failed, or was cut off, so that the run is the poorer for it."""
        if task.status == "failed":
            node = self.past.node(task)
            return not (self.rules.retry and (node.tolerates or node.handled))
        if task.status == "cancelled":
            return task.code not in _UPSTREAM and not (task.code == "ended" and self._scope_is_complete(task))
        if task.kind == "end" and task.status == "completed":
            return not self._scope_is_complete(task)
        return task.status in ("pending", "dispatched", "executing", "waiting")

    def _scope_is_complete(self, task: TaskFacts) -> bool:
        if task.frame is None:
            return self.past.status == "completed"
        return self.past.status == "completed" and self.frame_of[task.frame].status == "completed"

    def _seed_task(self, task: TaskFacts) -> None:
        if task.kind == COMPENSATION_KIND:
            if task.status != "pending" or not self.rules.retry:
                self._mark(task.seq, How.FRESH, strong=False)
        elif self._is_missed(task):
            self._seed_missed(task)

    def _seed_missed(self, task: TaskFacts) -> None:
        expansion = self.past.expansions.get(task.seq)
        frames = [frame for frame in self.inside[task.seq] if frame.id in self.live]
        broken = [frame for frame in frames if frame.status != "completed"]
        if expansion is None or not frames or (task.status == "failed" and not broken):
            self._mark(task.seq, How.FRESH, strong=self.rules.strong)
            return
        self._mark(task.seq, How.REOPEN, strong=self.rules.strong)
        for frame in broken:
            own = [self.past.tasks[seq] for seq in _seqs(frame) if seq in self.past.tasks]
            if not any(self._is_missed(one) for one in own):
                for one in own:
                    self._mark(one.seq, How.FRESH, strong=self.rules.strong)

    def _seed_undone(self) -> None:
        """Steps that were undone after a failure have left nothing that could be kept."""
        undone = {
            (frame.label, frame.lineage[:-1])
            for task in self.past.tasks.values()
            if task.kind == COMPENSATION_KIND and task.begun
            for frame in self.inside[task.seq]
            if frame.status == "completed" and frame.number >= self.past.expansions[task.seq].base
        }
        if not undone:
            return
        for task in self.past.tasks.values():
            lineage = self.frame_of[task.frame].lineage if task.frame is not None else ()
            if (
                task.status == "completed"
                and (task.frame is None or task.frame in self.live)
                and (task.name, lineage) in undone
                and self.past.node(task).compensates
            ):
                self._mark(task.seq, How.FRESH, strong=True)

    def _seed_step(self, seq: int) -> None:
        task = self.past.tasks[seq]
        if task.frame is not None and task.frame not in self.live:
            raise CannotBegin("it belongs to an attempt that was given up, or to the handling of a failure")
        if self.rules.index is None:
            self._mark(seq, How.FRESH, strong=True)
            return
        frame = next((one for one in self.inside[seq] if one.number == self.rules.index and one.id in self.live), None)
        if frame is None:
            raise CannotBegin(f"it has no iteration {self.rules.index} to begin from")
        self._mark(seq, How.REOPEN, strong=True)
        self._begin_frame(frame)

    def _begin_frame(self, frame: FrameFacts) -> None:
        for seq in _seqs(frame):
            if seq in self.past.tasks:
                self._mark(seq, How.FRESH, strong=True)

    # -- what follows ----------------------------------------------------------------------------------------------
    def _mark(self, seq: int, how: How, *, strong: bool) -> None:
        """FRESH and LATER go before REOPEN: what begins anew, or waits for its turn, has no frames to go on with."""
        before, was_strong = self.how.get(seq), self.strong.get(seq, False)
        if before is not None and before != how:
            how = How.FRESH if How.FRESH in (before, how) or How.REOPEN in (before, how) else how
        if before == how and was_strong >= strong:
            return
        self.how[seq], self.strong[seq] = how, was_strong or strong
        self.queue.append(seq)

    def spread(self) -> None:
        while self.queue:
            task = self.past.tasks[self.queue.popleft()]
            self._spread_out(task)
            self._spread_along(task)

    def _spread_out(self, task: TaskFacts) -> None:
        """What is around a task that is done again goes on too; and the iterations behind it, one after the other."""
        if task.frame is None or task.parent is None:
            return
        strong = self.strong[task.seq]
        self._mark(task.parent, How.REOPEN, strong=strong)
        expansion, frame = self.past.expansions[task.parent], self.frame_of[task.frame]
        if frame.number < expansion.round_first:
            self.cut[task.parent] = min(frame.number, self.cut.get(task.parent, frame.number))
        elif strong and (expansion.at_once or 1) == 1:
            for later in self.inside[task.parent]:
                if later.number > frame.number and later.id in self.live:
                    self._begin_frame(later)

    def _spread_along(self, task: TaskFacts) -> None:
        how, strong, node = self.how[task.seq], self.strong[task.seq], self.past.node(task)
        outcome = _code_of(task, node)
        for target, edge in node.edges:
            following = self.past.tasks.get(task.seq - task.node + target)
            if following is None:
                continue
            kind = edge % _STRIPED
            if strong or following.kind == JOIN_KIND or following.status != "completed":
                self._mark(following.seq, How.FRESH, strong=strong)
            elif outcome is None or (_effect(kind, outcome) == "h" and self._had_met(following)):
                continue
            elif self.rules.retry or (how != How.LATER and kind in (1, 2, 3)):
                self._mark(following.seq, How.FRESH, strong=False)
            else:
                self._mark(following.seq, How.LATER, strong=False)

    def _had_met(self, task: TaskFacts) -> bool:
        """Whether something it needed completed. If not, what was skipped was not all there was: a failure let it begin."""
        if task.seq not in self._met:
            self._met[task.seq] = any(
                self._outcome_for(task, node, kind) == "m" for node, kind in self._sources[task.version, task.node]
            )
        return self._met[task.seq]

    def _outcome_for(self, task: TaskFacts, node: int, kind: int) -> str:
        """What an edge from a node before it means for a task."""
        source = self.past.tasks.get(task.seq - task.node + node)
        code = None if source is None else _code_of(source, self.past.node(source))
        return "" if code is None else _effect(kind, code)

    # -- what comes of it ------------------------------------------------------------------------------------------
    def result(self) -> Redo:
        how = {seq: self.how.get(seq, How.KEEP) for seq in self.past.tasks}
        frames: list[FrameMove] = []
        expansions: list[ExpansionMove] = []
        waiting = deque(task.seq for task in self.past.tasks.values() if task.frame is None)
        dropped: set[int] = set()
        while waiting:
            seq = waiting.popleft()
            if seq in dropped:
                how[seq] = How.DROP
            own = self.inside.get(seq)
            if own is None:
                continue
            gone = how[seq] in (How.FRESH, How.DROP)
            for frame in own:
                out = gone or frame.number > self.cut.get(seq, frame.number)
                inner = [one for one in _seqs(frame) if one in self.past.tasks]
                waiting.extend(inner)
                if out:
                    dropped.update(inner)
            if not gone:
                moved, move = self._moves(seq, how)
                frames.extend(moved)
                expansions.append(move)
        again = [
            task
            for seq, task in self.past.tasks.items()
            if how[seq] in (How.FRESH, How.REOPEN) and task.kind not in (JOIN_KIND, COMPENSATION_KIND)
        ]
        return Redo(how, frames, expansions, again)

    def _moves(self, seq: int, how: Mapping[int, How]) -> tuple[list[FrameMove], ExpansionMove]:
        """The frames of a composite step that remain, and how far it is with them."""
        old = self.past.expansions[seq]
        last = self.cut.get(seq)
        own = [frame for frame in self.inside[seq] if last is None or frame.number <= last]
        first = old.round_first if last is None else last
        total = old.total if last is None else last + 1
        again = [frame for frame in own if how[seq] == How.REOPEN and frame.number >= first and self._goes_on(frame)]
        begun = {frame.id for frame in again[: old.at_once or 1]}
        pending = [frame.number for frame in again if frame.id not in begun]
        ids = {frame.id for frame in again}
        moves = [
            FrameMove(frame.id, frame.status if frame.id not in ids else "running" if frame.id in begun else "pending")
            for frame in own
        ]
        next_one = min(pending, default=total)
        if how[seq] != How.REOPEN:
            return moves, ExpansionMove(seq, old.total, old.total, old.remaining, old.base, old.round_first, False)
        return moves, ExpansionMove(seq, total, next_one, len(again), old.base, first, bool(pending))

    def _goes_on(self, frame: FrameFacts) -> bool:
        return any(self.how.get(seq, How.KEEP) != How.KEEP for seq in _seqs(frame))


def _code_of(task: TaskFacts, node: NodeFacts) -> int | None:
    """The outcome as the rules number it; None for one that has not ended."""
    if task.status == "failed":
        return 2 if node.tolerates else 3
    return {"completed": 1, "skipped": 4, "cancelled": 5}.get(task.status)


def _effect(kind: int, code: int) -> str:
    return EFFECTS[kind * 5 + code - 1]


def _seqs(frame: FrameFacts) -> range:
    return range(frame.first, frame.first + frame.size)
