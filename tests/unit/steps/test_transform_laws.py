"""Laws of the data operations, on data nobody thought of."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.melodies.definition.expressions import Scope
from apps.melodies.definition.kinds import known_kinds
from workers.contract import StepContext, StepFailed
from workers.steps import data_transform
from workers.steps.rendering import prepare
from workers.steps.transform.values import at, identity

VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3, allow_nan=False) | st.text("ab1", max_size=2)
ITEMS = st.lists(st.fixed_dictionaries({"n": st.integers()}, optional={"k": VALUES, "j": VALUES}), max_size=12)
ANYTHING = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("kn$.", max_size=3), inner, max_size=4),
    max_leaves=12,
)


def transform(data: Any, *operations: dict[str, Any]) -> Any:
    context = StepContext("it", "e", "t", 1, Scope(state={"data": data}), Path())
    params = {"input_source": "state.data", "operations": list(operations), "output_field": "out"}
    return data_transform.run(prepare(known_kinds()["data_transform"], params, context.scope), context)["out"]


@given(ITEMS)
def test_filter_and_its_negation_part_the_items(items: list[Any]) -> None:
    condition = "k > 0 or j == 'a'"
    kept = transform(items, {"operation": "filter", "condition": condition})
    left = transform(items, {"operation": "filter", "condition": {"not": condition}})
    assert sorted(map(id, items)) == sorted(map(id, kept + left))
    assert [item for item in items if any(item is one for one in kept)] == kept


@given(ITEMS)
def test_sort_orders_keeps_everything_and_is_stable(items: list[Any]) -> None:
    for order in ("asc", "desc"):
        done = transform(items, {"operation": "sort", "by": "k", "order": order})
        assert sorted(map(id, done)) == sorted(map(id, items))
        assert list(map(id, transform(done, {"operation": "sort", "by": "k", "order": order}))) == list(map(id, done))
        positions = {id(item): place for place, item in enumerate(items)}
        for first, second in itertools.pairwise(done):
            if identity(at(first, "k")) == identity(at(second, "k")):
                assert positions[id(first)] < positions[id(second)]
        numbers = [item["k"] for item in done if type(item.get("k")) in (int, float)]
        assert numbers == sorted(numbers, reverse=order == "desc")


@given(ITEMS)
def test_sorting_by_two_fields_is_sorting_twice(items: list[Any]) -> None:
    both = transform(items, {"operation": "sort", "by": "k,j"})
    twice = transform(items, {"operation": "sort", "by": "j"}, {"operation": "sort", "by": "k"})
    assert list(map(id, both)) == list(map(id, twice))


@given(ITEMS)
def test_group_by_parts_the_items(items: list[Any]) -> None:
    groups = transform(items, {"operation": "group_by", "key": "k"})
    assert sorted(id(item) for group in groups.values() for item in group) == sorted(map(id, items))
    counts = transform(items, {"operation": "group_by", "key": "k", "aggregate": {"n": "sum(n)"}})
    assert sum(group["n"] for group in counts.values()) == sum(item["n"] for item in items)


@given(st.lists(ANYTHING, max_size=8))
def test_unique_is_idempotent_and_keeps_firsts(items: list[Any]) -> None:
    once = transform(items, {"operation": "unique"})
    assert transform(once, {"operation": "unique"}) == once
    assert len({identity(item) for item in items}) == len(once)
    assert {identity(item) for item in items} == {identity(item) for item in once}


@given(ITEMS, ITEMS)
def test_joins_add_up(left: list[Any], right: list[Any]) -> None:
    def size(kind: str) -> int:
        join = {"operation": "join", "right_source": right, "join_key": "k", "join_type": kind}
        return len(transform(left, join))

    assert size("left") == len(left)
    assert size("outer") - size("right") == size("left") - size("inner")


@given(ANYTHING)
def test_no_data_breaks_an_operation(data: Any) -> None:
    for operation in (
        {"operation": "unique"},
        {"operation": "flatten", "depth": 3},
        {"operation": "sort", "by": "k"},
        {"operation": "group_by", "key": "k.n"},
        {"operation": "aggregate", "field": "k"},
        {"operation": "extract", "path": "$..k"},
        {"operation": "map", "mapping": {"new": 1}},
        {"operation": "filter", "condition": "k == 1"},
    ):
        if data is not None:
            transform([data], operation)


MANY = [{"n": number, "text": "a" * 30 + "!", "list": list(range(20))} for number in range(5_000)]


@pytest.mark.parametrize(
    "operation",
    [
        {"operation": "filter", "condition": "text matches '^(a|aa)+$'"},
        {"operation": "filter", "condition": "any(state.numbers, '@ < 0')"},
        {"operation": "map", "expression": "{all: state.data}"},
        {"operation": "map", "expression": "text + 'x' * 10000000000"},
        {"operation": "map", "mapping": {"x": "{{item.text}}" * 80}},
        {"operation": "extract", "path": "$..*..*"},
    ],
)
def test_hostile_operations_end(operation: dict[str, Any]) -> None:
    """Each would take hours or fill the memory if every item had a bound of its own only."""
    scope = Scope(state={"data": MANY, "numbers": list(range(50_000))})
    context = StepContext("it", "e", "t", 1, scope, Path())
    params = prepare(
        known_kinds()["data_transform"], {"input_source": "state.data", "operations": [operation]}, context.scope
    )
    began = time.perf_counter()
    with pytest.raises(StepFailed, match="operation 1"):
        data_transform.run(params, context)
    assert time.perf_counter() - began < 60
