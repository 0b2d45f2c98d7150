"""One golden result at least for every function and every operator of the language, types included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
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
from apps.melodies.definition.expressions.functions import FUNCTIONS, PER_ITEM_USAGE

ROWS = [{"name": "Ada", "score": 9, "tags": ["a"]}, {"name": "Bob", "score": 4.5, "tags": []}, {"name": "Cy"}]
SCOPE = Scope(
    steps={"my-step": {"x": 4}, "rows": ROWS, "told": {"result": {"ok": True}}, "plain": "text"},
    state={"n": 5, "half": 2.5, "text": "Moonlight", "list": [3, 1, 2], "none": None, "map": {"a": 1, "b": 2}},
    inputs={"limit": 3},
    loop={"file": {"path": "a.py"}, "index": 1, "total": 4, "first": False, "last": False, "parent": {"team": "red"}},
    builtins={"date": "2026-01-31"},
)

FUNCTION_RESULTS: dict[str, list[tuple[str, Any]]] = {
    "add": [("add(state.n, 2)", 7), ("add('x', 2)", 2)],
    "subtract": [("subtract(1, state.n)", -4)],
    "multiply": [("multiply(state.half, 2)", 5.0)],
    "divide": [("divide(6, 3)", 2), ("divide(1, 4)", 0.25), ("divide(1, 0)", 0)],
    "max": [("max(1, state.n, 3)", 5), ("max(state.list)", 3), ("max([])", None)],
    "min": [("min(state.list)", 1), ("min(2, 1.5)", 1.5)],
    "sum": [("sum(state.list)", 6), ("sum([1, 'x', null])", 1), ("sum([])", 0)],
    "average": [("average(state.list)", 2), ("average([1, 2])", 1.5), ("average([])", 0)],
    "round": [("round(2.5)", 3), ("round(-2.5)", -3), ("round(3.14159, 2)", 3.14)],
    "floor": [("floor(2.9)", 2), ("floor(-2.1)", -3)],
    "ceil": [("ceil(2.1)", 3)],
    "abs": [("abs(-7)", 7)],
    "sqrt": [("sqrt(9)", 3.0)],
    "pow": [("pow(2, 10)", 1024), ("pow(2, -1)", 0.5)],
    "number": [("number('12')", 12), ("number('1.5')", 1.5), ("number(true)", 1), ("number(null)", 0)],
    "length": [("length(state.list)", 3), ("length('abc')", 3), ("length(state.map)", 2), ("length(5)", 0)],
    "append": [("append(state.list, 'x')", [3, 1, 2, "x"])],
    "concat": [("concat([1], 2, [3])", [1, 2, 3]), ("concat('a', 1)", "a1")],
    "keys": [("keys(state.map)", ["a", "b"])],
    "values": [("values(state.map)", [1, 2])],
    "merge": [("merge(state.map, {b: 3})", {"a": 1, "b": 3})],
    "range": [("range(1, 3)", [1, 2, 3])],
    "first": [("first(state.list)", 3), ("first([])", None)],
    "last": [("last(state.list)", 2), ("last('abc')", None)],
    "reverse": [("reverse(state.list)", [2, 1, 3])],
    "sort": [("sort(state.list)", [1, 2, 3]), ("sort(['b', 2, null, 'a', 1.5])", [1.5, 2, "a", "b", None])],
    "unique": [("unique([1, 1.0, '1', {a: 1}, {a: 1}, null, true])", [1, "1", {"a": 1}, None, True])],
    "flatten": [("flatten([[1], [2, [3]], 4])", [1, 2, [3], 4])],
    "coalesce": [("coalesce(state.none, '', 0)", 0), ("coalesce(nobody)", None)],
    "default": [("default(nobody, 'x')", "x")],
    "is_empty": [("is_empty([])", True), ("isEmpty(null)", True), ("isEmpty(0)", False)],
    "empty": [("empty('')", True)],
    "exists": [("exists(state.n)", True), ("exists(state.none)", False)],
    "contains": [("contains('abc', 'b')", True), ("contains(state.list, 3)", True), ("contains(5, 5)", False)],
    "between": [("between(2, 1, 3)", True), ("between('b', 'a', 'c')", False)],
    "matches": [("matches(state.text, '^Moon')", True), ("matches('x', '[')", False)],
    "starts_with": [("startsWith(state.text, 'Moon')", True)],
    "ends_with": [("endsWith(state.text, 'Moon')", False)],
    "upper": [("upper('aß')", "ASS"), ("upper(null)", None)],
    "to_upper_case": [("toUpperCase('a')", "A")],
    "uppercase": [("uppercase('a')", "A")],
    "lower": [("lower('A')", "a")],
    "to_lower_case": [("toLowerCase('A')", "a")],
    "lowercase": [("lowercase('A')", "a")],
    "trim": [("trim('  a ')", "a")],
    "substring": [("substring(state.text, 0, 4)", "Moon"), ("substring('abc', 1)", "bc")],
    "replace": [("replace('a-b-c', '-', '+')", "a+b+c")],
    "hash": [("hash('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")],
    "join": [("join(state.list, '/')", "3/1/2"), ("join(['a', null])", "a, ")],
    "split": [("split('a,b')", ["a", "b"]), ("split('a b  c', '')", ["a", "b", "c"])],
    "text": [("text(5)", "5"), ("text(null)", ""), ("text([1])", "[1]")],
    "string": [("string(true)", "true")],
    "to_json": [("to_json({a: [1, null]})", '{"a":[1,null]}'), ("to_json('a')", '"a"')],
    "parse_json": [("parse_json('{\"a\": [1]}').a[0]", 1), ("parse_json(state.list)", [3, 1, 2])],
    "from_json": [("fromJson('```json\n[1]\n```')", [1])],
    "now": [("now() > date('2026-01-01')", True)],
    "date": [
        ("date('2026-01-31')", datetime(2026, 1, 31, tzinfo=UTC)),
        ("date('2026-01-31', 'DD.MM.YYYY')", "31.01.2026"),
        ("date('2026-01-31T07:08:09Z', 'YY/MM/DD HH:mm:ss')", "26/01/31 07:08:09"),
        ("length(date('YYYY-MM-DD'))", 10),
    ],
    "days": [("days(7)", 604_800)],
    "hours": [("hours(1.5)", 5400.0)],
    "minutes": [("minutes(2)", 120)],
    "seconds": [("seconds(3)", 3)],
    "any": [("any(steps.rows, 'score > 5')", True), ("any([0, null])", True), ("any([])", False)],
    "all": [("all(steps.rows, 'score > 5')", False), ("all([1, 2], '@ > 0')", True)],
    "count": [("count(steps.rows, 'score > 1')", 2), ("count(state.list)", 3), ("count(state.map)", 2)],
    "filter": [("filter(state.list, '@ >= 2')", [3, 2]), ("filter(steps.rows, 'score < 5')[0].name", "Bob")],
    "map": [("map(steps.rows, 'name')", ["Ada", "Bob", "Cy"]), ("map(state.list, '@ * 2')", [6, 2, 4])],
}

OPERATOR_RESULTS: list[tuple[str, Any]] = [
    ("1 + 2", 3),
    ("1 + 2.5", 3.5),
    ("'a' + 'b'", "ab"),
    ("'a' + 1", "a1"),
    ("'5' + 1", 6),
    ("[1] + [2]", [1, 2]),
    ("5 - 7", -2),
    ("2 * 2.5", 5.0),
    ("6 / 3", 2),
    ("7 / 2", 3.5),
    ("7 / 0", 0),
    ("7 % 0", 0),
    ("7.9 % 4.2", 3),
    ("-7 % 3", -1),
    ("2 + 3 * 4", 14),
    ("(2 + 3) * 4", 20),
    ("-state.n", -5),
    ("state.none + 1", 1),
    ("1 == 1.0", True),
    ("1 == '1'", False),
    ("true == 1", False),
    ("state.nobody == null", True),
    ("state.text != 'x'", True),
    ("{a: [1]} == {a: [1.0]}", True),
    ("2 > 1", True),
    ("'b' > 'a'", True),
    ("'2' > 1", False),
    ("null < 1", False),
    ("1 <= 1", True),
    ("1 >= 2", False),
    ("'text' * 5 == 0", False),
    ("state.text contains 'light'", True),
    ("state.list contains '3'", False),
    ("state.map contains 'a'", False),
    ("state.text matches 'l.ght$'", True),
    ("state.text matches '('", False),
    ("state.text starts_with 'Moon'", True),
    ("state.text ends_with 'Moon'", False),
    ("'x' in ['x', 'y']", True),
    ("'oon' in state.text", True),
    ("3 not_in state.list", False),
    ("3 not in state.list", False),
    ("4 not in state.list", True),
    ("state.text not contains 'x'", True),
    ("state.n between 5 and 6", True),
    ("state.n not between 1 and 4", True),
    ("'b' between 'a' and 'c'", False),
    ("state.n exists", True),
    ("state.nobody exists", False),
    ("state.none not exists", True),
    ("state.nobody empty", True),
    ("state.list not empty", True),
    ("steps.rows any 'score > 5'", True),
    ("steps.rows all 'score > 5'", False),
    ("steps.rows not all 'score > 5'", True),
    ("state.list any [7, 3]", True),
    ("state.list all [3, 4]", False),
    ("steps.rows any 'name == \\'Cy\\'' and state.n == 5", True),
    ("1 > 2 or 2 > 1", True),
    ("1 > 2 || 2 > 1 && false", False),
    ("not state.none", True),
    ("!state.n", False),
    ("0 and 'zero is true'", "zero is true"),
    ("state.none or 'else'", "else"),
    ("state.n > 3 ? 'many' : 'few'", "many"),
    ("false ? 1 : true ? 2 : 3", 2),
    ("now() - days(7) < now()", True),
    ("date('2026-01-31') - days(30)", datetime(2026, 1, 1, tzinfo=UTC)),
    ("date('2026-01-31') - date('2026-01-30')", 86_400),
    ("'2026-01-31' > date('2026-01-30')", True),
    ("state.list[0]", 3),
    ("state.list[-1]", 2),
    ("state.list[state.n - 4]", 1),
    ("state.list.length", 3),
    ("state.list.1", 1),
    ("steps.rows[*].name", ["Ada", "Bob", "Cy"]),
    ("steps.rows[0]['name']", "Ada"),
    ("steps.my-step.x - 1", 3),
    ("my-step.x", 4),
    ("steps.my-step.result.x", 4),
    ("steps.told.ok", True),
    ("told.ok", True),
    ("steps.plain.result", "text"),
    ("previous_response:my-step.x", 4),
    ("loop.file.path", "a.py"),
    ("file.path", "a.py"),
    ("loop.parent.team", "red"),
    ("team", "red"),
    ("{{state.n}} > {{inputs.limit}}", True),
]


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type, all the way down."""
    if isinstance(left, datetime) or isinstance(right, datetime):
        return bool(left == right)
    return json.dumps(left) == json.dumps(right)


def function_cases() -> Iterator[tuple[str, Any]]:
    for cases in FUNCTION_RESULTS.values():
        yield from cases


@pytest.mark.parametrize(("text", "value"), [*function_cases(), *OPERATOR_RESULTS])
def test_golden_results(text: str, value: Any) -> None:
    assert same(compile_expression(text).evaluate(SCOPE), value)
    assert same(compile_template("{{ " + text + " }}").render(SCOPE), as_json(value))


def as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def test_every_function_has_a_golden_result() -> None:
    camel = {name for name in FUNCTIONS if any(character.isupper() for character in name)}
    assert {*FUNCTIONS, *PER_ITEM_USAGE} - camel == set(FUNCTION_RESULTS)
    assert {name.replace("_", "").lower() for name in camel} <= {name.replace("_", "") for name in FUNCTIONS}


@pytest.mark.parametrize(
    "name",
    [
        "add",
        "subtract",
        "multiply",
        "divide",
        "max",
        "min",
        "round",
        "floor",
        "ceil",
        "length",
        "count",
        "sum",
        "average",
        "any",
        "all",
        "filter",
        "map",
        "append",
        "concat",
        "keys",
        "merge",
        "upper",
        "substring",
        "replace",
        "hash",
        "now",
        "date",
        "hours",
        "days",
        "contains",
        "matches",
        "startsWith",
        "endsWith",
        "toLowerCase",
        "toUpperCase",
        "trim",
        "isEmpty",
        "minutes",
        "seconds",
        "abs",
        "sqrt",
        "pow",
        "between",
    ],
)
def test_every_function_of_the_language_is_known_by_its_name(name: str) -> None:
    assert name in FUNCTIONS or name in PER_ITEM_USAGE


ENVIRONMENT = Scope(environment={"CITY": "Wien", "EMPTY": "", "N": "3"}, state={"n": 2})


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        ("${CITY}", "Wien"),
        ("in ${CITY}!", "in Wien!"),
        ("${NOBODY:-nowhere}", "nowhere"),
        ("${NOBODY:-}", ""),
        ("${EMPTY:-filled}|${EMPTY}", "filled|"),
        ("$${CITY} {{state.n}}", "${CITY} 2"),
        ("$CITY ${no-name} ${a.b} ${", "$CITY ${no-name} ${a.b} ${"),
        ("{{ ${CITY} == 'Wien' ? 1 : 2 }}", 1),
        ("{{ '${CITY}-' + ${N} }}", "Wien-3"),
        ("{{ ${N} * state.n }}", 6),
        ({"a": ["${N:-1}"]}, {"a": ["3"]}),
        ("{{environment.CITY}}", "Wien"),
        ("{{CITY}}", "Wien"),
    ],
)
def test_variables_of_the_environment(value: Any, rendered: Any) -> None:
    template = compile_template(value)
    assert same(template.render(ENVIRONMENT), rendered)


def test_variables_of_the_environment_elsewhere() -> None:
    assert compile_condition("${CITY} == 'Wien' and ${X:-2} == '2'").holds(ENVIRONMENT)
    assert compile_source("${CITY}").evaluate(ENVIRONMENT) == "Wien"
    assert compile_template("${A} {{ ${B} }} $${C}").references.environment == {"A", "B"}


@pytest.mark.parametrize("value", ["x ${HOME}", "{{ 'x' + ${HOME} }}"])
def test_a_variable_that_may_not_be_read(value: str) -> None:
    with pytest.raises(ExpressionError, match="SYMPHONY_MELODY_ENVIRONMENT") as caught:
        compile_template(value).render(ENVIRONMENT)
    assert caught.value.position == value.index("${")


NAMES = Scope(
    locals={"mine": "local", "n": 1},
    state={"n": 2, "s": "state"},
    workflow={
        "name": "w",
        "variables": {"n": 3, "v": "declared"},
        "environment": {"mode": "test"},
        "config": {"x": 1},
        "defaults": {"gemini_model": "m"},
        "global_vars": {"g": "global"},
    },
    config={"x": 2},
    step={"name": "me"},
    error={"code": "timeout", "message": "Too slow.", "step": "ask"},
    builtins={"execution_id": "e1"},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mine", "local"),
        ("n", 1),
        ("state.n", 1),
        ("variables.n", 1),
        ("step.variables.n", 1),
        ("step.variables.s", None),
        ("step.name", "me"),
        ("workflow.variables.n", 3),
        ("variables.v", "declared"),
        ("state.s", "state"),
        ("s", "state"),
        ("state == {n: 2, s: 'state'}", True),
        ("workflow.name", "w"),
        ("workflow.workflow.name", "w"),
        ("environment.mode", "test"),
        ("config.x", 2),
        ("config.gemini_model", "m"),
        ("global_vars.g", "global"),
        ("execution_id", "e1"),
        ("error.code + ' in ' + error.step", "timeout in ask"),
        ("error.message", "Too slow."),
        ("error.nothing", None),
    ],
)
def test_names_of_the_document_the_step_and_its_failure(text: str, value: Any) -> None:
    assert same(compile_expression(text).evaluate(NAMES), value)


def test_error_is_an_ordinary_name_outside_handlers() -> None:
    assert compile_expression("error").evaluate(Scope(state={"error": 5})) == 5
    assert compile_expression("error.code").evaluate(Scope()) is None
    assert compile_expression("filter(rows, 'error == 1')").evaluate(
        Scope(state={"rows": [{"error": 1}, {"error": 2}]}, error={"code": "x"})
    ) == [{"error": 1}]


@pytest.mark.parametrize("value", ["{{secrets.KEY}}", "Bearer {{ upper(secrets['KEY']) }}"])
def test_secrets_are_refused(value: str) -> None:
    with pytest.raises(ExpressionError, match="Secrets cannot be read") as caught:
        compile_template(value)
    assert caught.value.position == value.index("secrets")


def test_secrets_may_be_a_field_of_items() -> None:
    rows = [{"secrets": {"kept": 1}}, {"secrets": {"kept": 2}}]
    assert compile_expression("filter(rows, 'secrets.kept == 1')").evaluate(Scope(state={"rows": rows})) == rows[:1]


@pytest.mark.parametrize("text", ["state.count-1", "count-1", "steps.a.total-b", "inputs.n-2", "state.list[0].n-1"])
def test_a_minus_that_became_part_of_a_name(text: str) -> None:
    scope = Scope(state={"count": 3, "list": [{"n": 1}]}, steps={"a": {"total": 1.5}}, inputs={"n": 2})
    with pytest.raises(ExpressionError, match="put spaces around the minus"):
        compile_expression(text).evaluate(scope)
    assert compile_expression("state.count-x.y-1").evaluate(Scope(state={"count": "text"})) is None
