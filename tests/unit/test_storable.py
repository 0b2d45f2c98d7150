from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.storable import LONGEST_POINTER, MOST_PROBLEMS, problems_of, text_is_sound

TEXT = st.text(st.characters(codec=None, categories=None), max_size=4) | st.sampled_from(
    ["\0", "\ud800", "𝄞", "\\u0000"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def can_be_stored(value: Any) -> bool:
    """As strict JSON in UTF-8, and without NUL."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return False
    return "\0" not in json.dumps(value, ensure_ascii=False).replace("\\\\", "").replace("\\u0000", "\0")


@given(VALUES)
def test_problems_are_found_where_there_are_any(value: Any) -> None:
    assert (problems_of(value, "") == []) == can_be_stored(value)


@pytest.mark.parametrize(
    ("value", "pointers"),
    [
        ({"a": ["x\0", {"b/c~": float("nan")}]}, ["/p/a/0", "/p/a/1/b~1c~0"]),
        ({"\ud800": "\0", "b": {"\0": 1}}, ["/p", "/p/b"]),
        ("\udfff", ["/p"]),
        ([float("inf"), 1.5, 10**400], ["/p/0"]),
        (
            {"NaN": "Infinity", "a": "\\u0000", "b": "\ud834\udd1e".encode("utf-16", "surrogatepass").decode("utf-16")},
            [],
        ),
    ],
)
def test_each_problem_has_its_place(value: Any, pointers: list[str]) -> None:
    assert [problem["pointer"] for problem in problems_of(value, "/p")] == pointers


def test_hostile_values_cost_little_and_answers_stay_short() -> None:
    name = "n" * 1_000_000
    began = time.process_time()
    found = problems_of({"a": {name: ["\0"] * 300_000}}, "/p")
    assert len(found) == MOST_PROBLEMS
    assert {problem["pointer"] for problem in found} == {"/p/a"}
    assert len(problems_of({name: "\ud800"}, "/p")[0]["pointer"]) <= LONGEST_POINTER
    assert problems_of([[0] * 300_000, "𝄞"], "") == []
    assert time.process_time() - began < 5


def test_text() -> None:
    assert all(map(text_is_sound, ("", "𝄞é", "\\u0000")))
    assert not any(map(text_is_sound, ("a\0", "é\udc00")))
