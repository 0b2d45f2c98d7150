"""Hostile expressions and data end quickly, with an ExpressionError."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from apps.melodies.definition.expressions import (
    ExpressionError,
    Scope,
    compile_condition,
    compile_expression,
    compile_source,
    compile_template,
)
from apps.melodies.definition.expressions.patterns import written_out_size

SECONDS = 10.0
"""Generous, because the machine may be busy; what these tests guard against would take hours."""


def refused(action: Callable[[], Any], message: str | None = None) -> None:
    """The action ends in an ExpressionError, soon."""
    started = time.process_time()
    with pytest.raises(ExpressionError, match=message):
        action()
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "(" * 70 + "1" + ")" * 70,
        "[" * 5000,
        "{a:" * 3000,
        "not " * 2000 + "x",
        "!" * 9000 + "x",
        "- " * 4000 + "1",
        "a ? " * 2000,
        "1 ? 1 : " * 1000 + "1",
        "upper(" * 1500,
        "a[" * 3000,
        "{{" * 4000,
        "x" * 10_001,
        "1" * 301,
        "1e999",
        "any(a, " * 1000,
        "'" * 9999,
    ],
)
def test_hostile_texts_do_not_compile(text: str) -> None:
    refused(lambda: compile_expression(text))


def test_long_flat_expressions_are_fine() -> None:
    assert compile_expression("+".join(["1"] * 5000)).evaluate(Scope()) == 5000
    assert compile_expression(" and ".join(["true"] * 1100)).evaluate(Scope()) is True
    assert compile_expression("x" + ".a" * 4999).evaluate(Scope()) is None
    assert compile_expression("[" + ",".join(["[]"] * 3000) + "].length").evaluate(Scope()) == 3000


BIG = {
    "text": "a" * 1_000_000,
    "list": list(range(100_000)),
    "huge": list(range(100_001)),
    "maps": [{"n": n, "tags": ["x", "y"]} for n in range(20_000)],
    "integer": 10**250,
    "float": 1e300,
}


@pytest.mark.parametrize(
    "text",
    [
        "map(state.list, 'map(range(1, 100), \"@ * 2\")')",
        "map(state.list, state.list)",
        "map(range(1, 50000), 'state.text')",
        "map(range(1, 1000), \"'' + state.text + @\")",
        "map(range(1, 1000), 'upper(state.text)')",
        "map(range(1, 1000), 'hash(state.maps)')",
        "count(state.list, 'state.text contains \"b\"')",
        "count(state.list, 'state.list contains @ + 200000')",
        "count(state.list, 'state.maps == state.list')" + " + count(state.list, '@ > 1 and @ < 3')",
        "any(state.huge, 'false')",
        "state.text + state.text",
        "concat(state.text, 'b')",
        "replace(state.text, 'a', 'bb')",
        "state.list + [1]",
        "append(state.list, 1)",
        "concat(state.list, state.list)",
        "range(0, 100000)",
        "range(0, pow(10, 200))",
        "state.integer * state.integer",
        "pow(state.integer, 9)",
        "pow(10, state.integer)",
        "pow(2.5, 100000)",
        "state.float * state.float",
        "sum([state.float * 99999999, state.float * 99999999])" + " * state.float",
        "[" + ",".join(["state.text"] * 11) + "]",
        "[" + ",".join(["state.maps"] * 400) + "]",
        "[state.text, state.list] + '!'",
        "'x' * 10000000000",
        "join(state.list, state.text)",
        "map(state.list, 'join(state.list, \"\")')",
        "split(state.text, 'a')",
        "map(state.list, 'split(state.text, \"b\")')",
        "to_json(state.maps) + to_json(state.maps)",
        "map(state.list, 'to_json(state.maps)')",
        "parse_json(replace(state.text, 'a', '['))",
        "map(state.list, 'sort(state.list)')",
        "map(state.list, 'unique(state.list)')",
        "flatten([state.list, state.list])",
        "map(state.list, 'reverse(state.list)')",
        "date('YYYY' + state.text)",
        "state.list all state.list",
        "state.maps any state.list",
        "now() + days(state.integer)",
        "substring(state.text, 0, 90000) matches '(a+)+b' or substring(state.text, 0, 90000) matches '(a|a)*c'",
    ],
)
def test_hostile_work_ends(text: str) -> None:
    expression = compile_expression(text)
    refused(lambda: expression.evaluate(Scope(state=BIG)))


@pytest.mark.parametrize(
    "text",
    [
        "'x' * 10000000000",
        "map(state.list, 'state.text + @')",
        "map(range(1, 1000), 'upper(state.text)')",
        "join(map(state.list, 'state.text'), state.text)",
        "replace(state.text, 'a', state.text)",
        "map(state.list, 'concat(state.list, @)')",
        "pow(10, pow(10, 100))",
        "'{{state.text}}{{state.text}}'",
    ],
)
def test_hostile_work_takes_little_memory(text: str) -> None:
    expression = compile_expression(text)
    tracemalloc.start()
    try:
        refused(lambda: expression.evaluate(Scope(state=BIG)))
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_ten_megabytes_of_text() -> None:
    """Kept as it is where nothing has to be made of it, else refused."""
    scope = Scope(state={"t": "a" * 10_000_000})
    assert compile_template("{{state.t}}").render(scope) is scope.state["t"]
    assert compile_expression("state.t.length + length(state.t)").evaluate(scope) == 20_000_000
    assert compile_expression("state.t contains 'b' or state.t starts_with 'b'").evaluate(scope) is False
    for text in (
        "upper(state.t)",
        "hash(state.t)",
        "state.t + ''",
        "split(state.t)",
        "parse_json(state.t)",
        "[state.t]",
    ):
        refused(lambda text=text: compile_expression(text).evaluate(scope))  # type: ignore[misc]
    refused(lambda: compile_template("a" * 10_000_000 + "{{1}}").render(scope))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("count(state.list, '@ >= 50000')", 50_000),
        ("length(filter(state.maps, 'n >= 19999'))", 1),
        ("sum(state.list)", 4_999_950_000),
        ("length(state.maps[*].tags[*])", 40_000),
        ("any(state.list, '@ == 5')", True),
        ("state.list contains 99999", True),
        ("length(state.text)", 1_000_000),
    ],
)
def test_large_data_within_the_bounds_works(text: str, value: Any) -> None:
    started = time.process_time()
    assert compile_expression(text).evaluate(Scope(state=BIG)) == value
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        ("^(a+)+$", "a" * 5000 + "b"),
        ("(?:a|aa)+$", "a" * 5000 + "b"),
        ("(?:(?:(?:a{1000}){1000}){1000}){1000}", "a"),
        ("(?x)(?:(?:a{1000}) {1000}) {1000}", "a"),
        ("(?:(?:a{1000})(?#c){1000})(?#c){1000}", "a"),
        ("x" * 501, "a"),
        ("a", "b" * 100_001),
    ],
)
def test_hostile_patterns(pattern: str, subject: str) -> None:
    scope = Scope(state={"pattern": pattern, "subject": subject})
    refused(lambda: compile_expression("state.subject matches state.pattern").evaluate(scope))


@pytest.mark.parametrize("pattern", ["(" * 499, "[", "(?<n>a)(?<n", "*a", "a{2,1}", "(?P=x)"])
def test_patterns_that_cannot_be_read_match_nothing(pattern: str) -> None:
    scope = Scope(state={"pattern": pattern})
    assert compile_expression("'aaa' matches state.pattern").evaluate(scope) is False


def test_many_slow_patterns_share_one_allowance() -> None:
    scope = Scope(state={"list": ["a" * 17 + "b"] * 1000})
    refused(lambda: compile_expression("count(state.list, '@ matches \"^(a|aa|aaa)+$\"')").evaluate(scope), "too long")


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("abc", 3),
        ("a{3}", 3),
        ("(ab{3}){2}", 8),
        ("[abc]{2,5}", 5),
        ("\\d{4}-\\d{2}", 7),
        ("(a(b){2}){3}c", 10),
        ("", 0),
    ],
)
def test_size_of_patterns(pattern: str, size: int) -> None:
    assert written_out_size(pattern) == size


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_deep_values() -> None:
    scope = Scope(state={"v": deep(5000), "w": deep(5000)})
    assert compile_expression("state.v == state.w").evaluate(scope) is True
    assert compile_template("{{state.v}}").render(scope) is scope.state["v"]
    refused(lambda: compile_template("text {{state.v}}").render(scope), "no JSON form")
    refused(lambda: compile_template("{{ [now(), state.v] }}").render(scope), "too deep")
    refused(lambda: compile_template(deep(200)), "nests deeper")
    refused(lambda: compile_source(deep(200)), "nests deeper")


def test_deep_conditions() -> None:
    condition: Any = "true"
    for _ in range(100):
        condition = {"not": condition}
    refused(lambda: compile_condition(condition), "nests deeper")


def test_a_long_text_is_refused() -> None:
    scope = Scope(state={"t": "a" * 600_000})
    refused(lambda: compile_template("{{state.t}}{{state.t}}").render(scope), "longer than")


def test_many_expressions_share_one_allowance() -> None:
    scope = Scope(state=BIG)
    slow = "count(state.list, '@ > 1')"
    refused(lambda: compile_template(["{{" + slow + "}}"] * 500).render(scope), "together take too long")
    refused(lambda: compile_template(("{{" + slow + "}} ") * 500).render(scope), "together take too long")
    refused(lambda: compile_condition({"and": [slow] * 500}).holds(scope), "together take too long")
    refused(lambda: compile_template({"a": ["{{state.text}}{{''}}"] * 500}).render(scope), "texts here together")


def test_nothing_of_python_can_be_reached() -> None:
    scope = Scope(state={"s": "text", "l": [1], "m": {"k": 1}})
    for root in ("state.s", "state.l", "state.m", "state", "steps.x", "@", "now()", "'a'", "[]", "{}"):
        for name in ("__class__", "__globals__", "__dict__", "keys", "get", "items", "format", "year"):
            assert compile_expression(f"{root}.{name}").evaluate(scope) is None
            assert compile_expression(f"{root}['{name}']").evaluate(scope) is None
    for text in ("__import__('os')", "eval('1')", "open('x')", "state.s.upper()", "().__class__", "lambda: 1"):
        refused(lambda text=text: compile_expression(text).evaluate(scope))  # type: ignore[misc]


@pytest.mark.parametrize("text", ["{{ ' }} " * 20_001, "{{'}}" * 20_001, '{{"' * 20_001, "{{" * 200_000, "{{a" * 5_000])
def test_hostile_templates_do_not_compile(text: str) -> None:
    refused(lambda: compile_template(text))


def test_many_templates_in_one_text() -> None:
    assert compile_template("{{a}}" * 20_000).render(Scope(state={"a": 1})) == "1" * 20_000
