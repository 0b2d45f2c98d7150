"""Runs that have ended, made up for tests: what the ledger's rules would have let happen, without a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from apps.executions.past import ExpansionFacts, FrameFacts, NodeFacts, Past, TaskFacts
from apps.executions.redo import EFFECTS

RUN = UUID(int=1 << 64)
PLAN = UUID(int=7)
SUCCESS, FAILURE, SKIPPED, DONE, ORDER = range(5)


class Step(NamedTuple):
    """`needs` are (number of an earlier step, kind of edge); what it does when it is its turn."""

    needs: tuple[tuple[int, int], ...] = ()
    fails: bool = False
    tolerates: bool = False


def edges_of(steps: Sequence[Step]) -> list[tuple[tuple[int, int], ...]]:
    """By step: what it leads to."""
    return [
        tuple((later, kind) for later, step in enumerate(steps) for before, kind in step.needs if before == number)
        for number in range(len(steps))
    ]


def played(steps: Sequence[Step]) -> Past:
    """The run of a plan without composite steps, to its end."""
    nodes = {
        number: NodeFacts("test_echo", edges, steps[number].tolerates, False, False)
        for number, edges in enumerate(edges_of(steps))
    }
    codes: list[int] = []
    tasks: dict[int, TaskFacts] = {}
    for number, step in enumerate(steps):
        effects = [EFFECTS[kind * 5 + codes[before] - 1] for before, kind in step.needs]
        status, code = "completed", None
        if "h" in effects:
            status, code = "cancelled", "upstream_failed"
        elif effects and set(effects) == {"n"}:
            status, code = "skipped", "not_needed"
        elif step.fails:
            status, code = "failed", "meant"
        codes.append({"completed": 1, "failed": 2 if step.tolerates else 3, "skipped": 4, "cancelled": 5}[status])
        tasks[number] = TaskFacts(
            number, number, PLAN, None, None, f"s{number}", "test_echo", status, code, status in ("completed", "failed")
        )
    failed = any(task.status == "failed" and not steps[task.seq].tolerates for task in tasks.values())
    return Past(RUN, "failed" if failed else "completed", tasks, [], {}, {PLAN: nodes})


@st.composite
def plans(draw: st.DrawFn) -> list[Step]:
    """Up to eight steps that depend on earlier ones in any way."""
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 8))):
        before = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
        needs = tuple((one, draw(st.sampled_from((SUCCESS, SUCCESS, FAILURE, SKIPPED, DONE, ORDER)))) for one in before)
        steps.append(Step(needs, draw(st.booleans()), draw(st.booleans())))
    return steps


def looped(outcomes: Sequence[str], at_once: int) -> Past:
    """A loop (0) with an iteration of two steps for each outcome, the first of them completed, and a step after it (1). The loop
    has taken failures of its iterations for results, as long as `cancelled` is not among them."""
    inner = (
        NodeFacts("test_echo", ((3, SUCCESS),), False, False, False),
        NodeFacts("test_echo", (), False, False, False),
    )
    outer = NodeFacts("for_loop", ((1, SUCCESS),), False, False, False)
    nodes = dict(enumerate((outer, NodeFacts("test_echo", (), False, False, False), *inner)))
    over = "cancelled" if "cancelled" in outcomes else "completed"
    code = "execution_cancelled" if over == "cancelled" else None
    tasks = {
        0: TaskFacts(0, 0, PLAN, None, None, "each", "for_loop", over, code, True),
        1: TaskFacts(1, 1, PLAN, None, None, "after", "test_echo", over, code, over == "completed"),
    }
    frames = []
    for number, outcome in enumerate(outcomes):
        first, frame = 2 + 2 * number, UUID(int=1000 + number)
        frames.append(FrameFacts(frame, 0, number, "", first, 2, outcome, (frame,)))
        why = {"failed": "meant", "cancelled": "execution_cancelled"}.get(outcome)
        for place, status in enumerate(("completed", outcome)):
            tasks[first + place] = TaskFacts(
                first + place, 2 + place, PLAN, frame, 0, f"i{place}", "test_echo", status, why if place else None, True
            )
    left = sum(outcome == "cancelled" for outcome in outcomes)
    expansion = ExpansionFacts(0, len(outcomes), left, 0, 0, False, 1, at_once)
    return Past(RUN, over, tasks, frames, {0: expansion}, {PLAN: nodes})
