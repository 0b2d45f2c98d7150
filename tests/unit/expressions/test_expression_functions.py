"""The functions, in both ways to write their names."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from apps.melodies.definition.expressions import ExpressionError, Scope, compile_expression

SCOPE = Scope(
    steps={
        "tests": {"results": [{"name": "a", "ok": True, "n": 3}, {"name": "b", "ok": False, "n": 5}, {"name": "c"}]},
    },
    state={
        "list": [3, 1, 2],
        "mixed": [1, "x", None, 2.5, True],
        "map": {"k": 1},
        "word": " Abc ",
        "limit": 4,
        "d": "7",
    },
)


def evaluate(text: str) -> Any:
    return compile_expression(text).evaluate(SCOPE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("add(1, 2)", 3),
        ("add(state.d, 1)", 8),
        ("add('text', 1)", 1),
        ("subtract(5, 7)", -2),
        ("multiply(state.limit, 2.5)", 10.0),
        ("divide(7, 2)", 3.5),
        ("divide(8, 2)", 4),
        ("divide(8, 0)", 0),
        ("max(1, 5, 3)", 5),
        ("min(4, 2)", 2),
        ("max(state.list)", 3),
        ("min(state.mixed)", 1),
        ("max([])", None),
        ("min(state.nothing)", None),
        ("sum(state.list)", 6),
        ("sum(state.mixed)", 3.5),
        ("sum([])", 0),
        ("sum(null)", 0),
        ("average(state.list)", 2),
        ("average([1, 2])", 1.5),
        ("average([])", 0),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(2.4999)", 2),
        ("round(3.14159, 2)", 3.14),
        ("round(1250, -2)", 1300),
        ("round('3.7')", 4),
        ("floor(-1.5)", -2),
        ("ceil(1.2)", 2),
        ("abs(-3)", 3),
        ("sqrt(9)", 3.0),
        ("pow(2, 10)", 1024),
        ("pow(2, -1)", 0.5),
        ("pow(0, -1)", 0),
        ("days(1)", 86_400),
        ("hours(2)", 7_200),
        ("minutes(3)", 180),
        ("seconds(4)", 4),
        ("range(1, 4)", [1, 2, 3, 4]),
        ("range(3, 1)", []),
    ],
)
def test_numbers(text: str, value: Any) -> None:
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("length(state.list)", 3),
        ("length('abc')", 3),
        ("length(state.map)", 1),
        ("length(null)", 0),
        ("length(5)", 0),
        ("append(state.list, 9)", [3, 1, 2, 9]),
        ("append(null, 1)", [1]),
        ("concat([1], [2], 3)", [1, 2, 3]),
        ("concat('a', 1, null, true)", "a1true"),
        ("keys({b: 1, a: 2})", ["b", "a"]),
        ("keys(null)", []),
        ("values({b: 1, a: 2})", [1, 2]),
        ("merge({a: 1, b: 1}, {b: 2}, null)", {"a": 1, "b": 2}),
        ("isEmpty(null)", True),
        ("is_empty([])", True),
        ("isEmpty(0)", False),
        ("exists(state.nothing)", False),
        ("contains('abc', 'b')", True),
        ("contains(state.list, 3)", True),
        ("between(2, 1, 3)", True),
        ("upper('abc')", "ABC"),
        ("toUpperCase('abc')", "ABC"),
        ("to_lower_case('ABC')", "abc"),
        ("toLowerCase(null)", None),
        ("trim(state.word)", "Abc"),
        ("startsWith('abc', 'a')", True),
        ("starts_with('abc', 'b')", False),
        ("endsWith('abc', 'c')", True),
        ("matches('a1', '\\d')", True),
        ("substring('abcdef', 1, 3)", "bc"),
        ("substring('abcdef', 2)", "cdef"),
        ("substring('abc', 2, 1)", ""),
        ("substring('abc', -5, 99)", "abc"),
        ("substring(12345, 0, 2)", "12"),
        ("replace('a.b.c', '.', '-')", "a-b-c"),
        ("replace('abc', '', '-')", "abc"),
        ("hash('x')", hashlib.sha256(b"x").hexdigest()),
        ("hash({b: 1, a: 2}) == hash({a: 2, b: 1})", True),
        ("toUpperCase(trim(substring(state.word, 0, 3)))", "AB"),
    ],
)
def test_texts_lists_maps(text: str, value: Any) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("any(steps.tests.results, 'ok == false')", True),
        ("any(steps.tests.results, \"name == 'b' and n > 4\")", True),
        ("any(steps.tests.results, 'name == \"z\"')", False),
        ("all(steps.tests.results, 'name exists')", True),
        ("all(steps.tests.results, 'ok')", False),
        ("all([], 'x')", True),
        ("all(steps.nobody.results, 'ok')", False),
        ("any(steps.nobody.results, 'ok')", False),
        ("any([0])", True),
        ("all([1, null])", False),
        ("count(state.list)", 3),
        ("count(steps.tests.results, 'ok')", 1),
        ("count(state.list, '@ >= 2')", 2),
        ("count(null)", 0),
        ("filter(state.list, '@ > 1')", [3, 2]),
        ("filter(state.list, @ > 1)", [3, 2]),
        ("filter(steps.tests.results, 'n > state.limit')", [{"name": "b", "ok": False, "n": 5}]),
        ("filter(steps.tests.results, 'n > limit')", [{"name": "b", "ok": False, "n": 5}]),
        ("filter(null, 'x')", []),
        ("map(steps.tests.results, 'name')", ["a", "b", "c"]),
        ("map(steps.tests.results, 'n')", [3, 5, None]),
        ("map(steps.tests.results, 'item.name + item.n')", ["a3", "b5", "c"]),
        ("map(state.list, '{v: @, twice: @ * 2}')[0]", {"v": 3, "twice": 6}),
        ("map([[1, 2], [3]], 'count(@, \"@ > 1\")')", [1, 1]),
        ("map([[1, 2], [3]], sum(map(@, @ * 10)))", [30, 30]),
        ("sum(map(filter(steps.tests.results, 'n exists'), 'n'))", 8),
        ("any(state.list, \"@ == 3\") ? 'yes' : 'no'", "yes"),
        ("any(steps.tests.results, \"name == '{{upper(state.d)}}'\")", False),
    ],
)
def test_per_item(text: str, value: Any) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sqrt(-1)", "no square root"),
        ("pow(-8, 0.5)", "no real number"),
        ("date('soon')", "ISO 8601"),
        ("filter(5, '@')", "needs a list, got a number"),
        ("append('a', 1)", "needs a list, got a text"),
        ("merge([1], {})", "needs a map, got a list"),
        ("upper('a' * 2)", "Cannot multiply a text and a number"),
        ("[1 - 'x']", "Cannot subtract"),
        ("[1] + 2", "use append"),
        ("true + 1", "a boolean and a number"),
        ("state.list[true]", "index must be"),
    ],
)
def test_impossible_operations_say_what_to_mend(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        evaluate(text)
