"""Results that go over to another version: laws, whatever the plan was, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.executions.carrying import Carried, PlacedNode, carry_over, place_nodes
from apps.executions.redo import How, Redo, Rules, decide
from tests.unit.pasts import SUCCESS, Step, edges_of, looped, plans, played


def rows(steps: Sequence[Step], first: int = 0, changed: Mapping[int, Mapping[str, Any]] | None = None) -> Any:
    """Rows of a plan, its numbers beginning with `first`; `changed` are other values of some steps."""
    return [
        {"node": first + number, "name": f"s{number}", "kind": "test_echo", "parent": None, "params": {}, "condition": None,
         "options": {}, "bodies": [], "successors": [first + target for target, _ in edges],
         "edge_on": [kind for _, kind in edges], **((changed or {}).get(number) or {})}
        for number, edges in enumerate(edges_of(steps))
    ]  # fmt: skip


def placed(steps: Sequence[Step], changed: Mapping[int, Mapping[str, Any]] | None = None) -> dict[int, PlacedNode]:
    return place_nodes(rows(steps, changed=changed))


def decided(steps: list[Step]) -> Redo:
    return decide(played(steps), Rules())


@given(plans())
def test_the_same_plan_changes_nothing(steps: list[Step]) -> None:
    redo = decided(steps)
    carried = carry_over(played(steps), redo, placed(steps), placed(steps))
    assert isinstance(carried, Carried)
    numbers = list(range(len(steps)))
    assert (list(carried.new), list(carried.before), carried.redo.how) == (numbers, numbers, redo.how)
    assert list(carried.redo.again) == list(redo.again)


@given(plans(), st.data())
def test_what_differs_is_refused_exactly_where_its_result_would_be_kept(steps: list[Step], data: st.DataObject) -> None:
    redo = decided(steps)
    some = data.draw(st.sets(st.integers(0, len(steps) - 1)))
    for what, other in (("parameters", {"params": {"value": 2}}), ("kind", {"kind": "wait"})):
        carried = carry_over(played(steps), redo, placed(steps), placed(steps, dict.fromkeys(some, other)))
        kept = [number for number in sorted(some) if redo.how[number] != How.FRESH]
        if kept:
            assert carried == [(f"s{number}", what) for number in kept]
        else:
            assert isinstance(carried, Carried)


@given(plans(), st.data())
def test_what_is_kept_follows_only_what_is_kept_also_over_new_edges(steps: list[Step], data: st.DataObject) -> None:
    more = [
        Step((*step.needs, *((before, SUCCESS) for before in sorted(data.draw(st.sets(st.integers(0, number - 1)))) if before
              not in dict(step.needs))), step.fails, step.tolerates) if number else step
        for number, step in enumerate(steps)
    ]  # fmt: skip
    past = played(steps)
    carried = carry_over(past, decided(steps), placed(steps), placed(more))
    assert isinstance(carried, Carried)
    how = carried.redo.how
    for number, step in enumerate(more):
        if how[number] == How.KEEP:
            assert {how[before] for before, _ in step.needs} <= {How.KEEP}
        if how[number] == How.LATER:
            assert past.tasks[number].status == "completed"


@given(plans())
def test_a_new_step_before_all_others_moves_their_numbers_and_lets_them_wait(steps: list[Step]) -> None:
    first = {"node": 0, "name": "new", "kind": "test_echo", "parent": None, "params": {}, "condition": None, "options": {},
             "bodies": [], "successors": [1], "edge_on": [SUCCESS]}  # fmt: skip
    carried = carry_over(played(steps), decided(steps), placed(steps), place_nodes([first, *rows(steps, 1)]))
    assert isinstance(carried, Carried)
    assert list(carried.new) == list(range(1, len(steps) + 1))
    assert list(carried.before) == [None, *range(len(steps))]
    assert carried.redo.how[0] != How.KEEP


def loop_rows(inner: str = "i1", value: int = 1) -> Any:
    common: dict[str, Any] = {"condition": None, "options": {}, "bodies": []}
    body = {"field": "steps", "label": "", "first": 2, "size": 2}
    return [
        common | {"node": 0, "name": "each", "kind": "for_loop", "parent": None, "params": {}, "bodies": [body], "successors": [1],
                  "edge_on": [SUCCESS]},
        common | {"node": 1, "name": "after", "kind": "test_echo", "parent": None, "params": {}, "successors": [], "edge_on": []},
        common | {"node": 2, "name": "i0", "kind": "test_echo", "parent": 0, "params": {}, "successors": [3], "edge_on": [SUCCESS]},
        common | {"node": 3, "name": inner, "kind": "test_echo", "parent": 0, "params": {"value": value}, "successors": [],
                  "edge_on": []},
    ]  # fmt: skip


def test_inside_of_a_loop_everything_must_be_the_same_where_it_goes_on() -> None:
    old = place_nodes(loop_rows())
    for outcomes, refused in ((["completed", "failed"], True), (["completed", "completed"], False)):
        past = looped(outcomes, 1)
        for other in (loop_rows(inner="other"), loop_rows(value=2)):
            carried = carry_over(past, decide(past, Rules()), old, place_nodes(other))
            assert (carried == [("each", "inside")]) == refused
    past = looped(["failed"], 1)
    anew = decide(past, Rules(seq=0))
    assert isinstance(carry_over(past, anew, old, place_nodes(loop_rows(value=2))), Carried)
