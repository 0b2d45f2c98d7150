"""How people name a step of a run, or an iteration of it: `build`, `loop[3]`, `loop[3].inner`, or the id of its task. Pure.

Iterations count from 0, as the API shows them. Where a step has run what is inside it once (a switch, a nested melody), the
number may be left out: `call.inner`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from apps.executions.past import FrameFacts, Past, TaskFacts, task_seq
from apps.executions.states import COMPENSATION_KIND, JOIN_KIND

LONGEST = 1000
_INDEX = re.compile(r"\[([0-9]{1,9})\]")


class NoSuchStep(ValueError):
    """Nothing in the run is called so; the message says how far it was found."""


def find_step(past: Past, address: str) -> tuple[int, int | None]:
    """The sequence number of a step, and the iteration if one is named. Raises NoSuchStep."""
    if len(address) > LONGEST:
        raise NoSuchStep(f"the address is longer than {LONGEST} characters")
    try:
        return _by_id(past, UUID(address)), None
    except ValueError as error:
        if isinstance(error, NoSuchStep):
            raise
    inside: Mapping[int, Sequence[FrameFacts]] = _by_parent(past)
    names = {task.name: task for task in past.tasks.values() if task.frame is None and _is_shown(task)}
    rest = address
    while True:
        task, rest = _first(names, rest, address)
        found = _INDEX.match(rest)
        index = int(found[1]) if found else None
        rest = rest[found.end() :] if found else rest
        if not rest:
            return task.seq, index
        if not rest.startswith("."):
            raise NoSuchStep(f"after {task.name!r} comes [NUMBER] or a dot, not {rest[:20]!r}")
        names, rest = _names_in(past, _frame(past, task, inside[task.seq], index)), rest[1:]


def _by_id(past: Past, identifier: UUID) -> int:
    seq = task_seq(identifier)
    if past.tasks.get(seq) is None or identifier.int >> 32 != past.run.int >> 32:
        raise NoSuchStep("the run has no task with this id")
    return seq


def _by_parent(past: Past) -> Mapping[int, Sequence[FrameFacts]]:
    inside: defaultdict[int, list[FrameFacts]] = defaultdict(list)
    for frame in sorted(past.frames, key=lambda frame: frame.number):
        inside[frame.parent].append(frame)
    return inside


def _is_shown(task: TaskFacts) -> bool:
    return task.kind not in (JOIN_KIND, COMPENSATION_KIND)


def _first(names: Mapping[str, TaskFacts], rest: str, address: str) -> tuple[TaskFacts, str]:
    """The step that begins an address, and what is left of it; names may hold dots, so the longest one counts."""
    for end in range(len(rest), 0, -1):
        if (end == len(rest) or rest[end] in ".[") and rest[:end] in names:
            return names[rest[:end]], rest[end:]
    known = ", ".join(sorted(names)[:10])
    where = f" in {address[: len(address) - len(rest)].rstrip('.')!r}" if len(rest) < len(address) else ""
    raise NoSuchStep(f"there is no step {rest[:100]!r}{where}; there are {known or 'none'}")


def _frame(past: Past, task: TaskFacts, frames: Sequence[FrameFacts], index: int | None) -> FrameFacts:
    if not frames:
        raise NoSuchStep(f"nothing has run inside of {task.name!r}")
    if index is None:
        last = [frame for frame in frames if frame.number >= past.expansions[task.seq].round_first]
        if len(last) != 1:
            raise NoSuchStep(f"say which iteration of {task.name!r} you mean, as {task.name}[0]")
        return last[0]
    named = next((frame for frame in frames if frame.number == index), None)
    if named is None:
        raise NoSuchStep(f"{task.name!r} has the iterations {frames[0].number} to {frames[-1].number}, not {index}")
    return named


def _names_in(past: Past, frame: FrameFacts) -> dict[str, TaskFacts]:
    own = (past.tasks.get(seq) for seq in range(frame.first, frame.first + frame.size))
    return {task.name: task for task in own if task is not None and _is_shown(task)}
