"""What expressions mean, as tables: literals, operators, paths, names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.melodies.definition.expressions import MISSING, Scope, compile_expression, truthy

SCOPE = Scope(
    steps={
        "scan": {
            "count": 5,
            "ok": True,
            "name": "main.py",
            "none": None,
            "items": [{"id": 1, "tags": ["a"], "score": 2.5}, {"id": 2, "tags": ["b", "c"]}, {"id": 3}],
            "nested": {"result": {"x": 1}, "dotted.key": "found"},
        },
        "wrapped": {"result": {"total": 7, "list": [1, 2]}},
        "text": "plain text",
        "my-step": {"x-y": 3, "x": 10},
        "my step": {"a": 1},
        "number": 41,
    },
    state={"n": 4, "zero": 0, "word": "abc", "digits": "12", "list": [1, 2, 3], "map": {"b": 1, "a": 2}, "length": 9},
    inputs={"limit": 3, "scan": "never"},
    loop={"file": {"path": "a.txt"}, "index": 1, "total": 3, "length": 3, "parent": {"folder": "src", "index": 0}},
    workflow={"name": "demo", "variables": {"declared": 1, "n": 99}},
    builtins={"timestamp": "2025-01-02T03:04:05+00:00", "date": "2025-01-02", "execution_id": "e1"},
    global_vars={"region": "eu"},
    config={"mode": "fast"},
    environment={"mode": "production"},
    step={"name": "me"},
)


def evaluate(text: str, scope: Scope = SCOPE) -> Any:
    return compile_expression(text).evaluate(scope)


def same(found: Any, wanted: Any) -> bool:
    """Equal and of the same type, so that 1, 1.0 and true differ."""
    return type(found) is type(wanted) and found == wanted


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-3", -3),
        ("'a\\'b'", "a'b"),
        ('"a\\n\\d"', "a\n\\d"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("[1, 'a', [true]]", [1, "a", [True]]),
        ("[]", []),
        ("{a: 1, 'b c': {d: state.n}}", {"a": 1, "b c": {"d": 4}}),
        ("{}", {}),
        ("{{ {a: {b: 1}} }}", {"a": {"b": 1}}),
        ("{{ 'a }} b' }}", "a }} b"),
        ("'{{state.n}} of {{inputs.limit}}'", "4 of 3"),
        ("'{{'", "{{"),
    ],
)
def test_literals(text: str, value: Any) -> None:
    assert same(evaluate(text), value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 2 - 3", 5),
        ("12 / 3 / 2", 2),
        ("7 / 2", 3.5),
        ("6 / 3", 2),
        ("6.0 / 3", 2.0),
        ("5 / 0", 0),
        ("5 % 0", 0),
        ("7.9 % 3", 1),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("2 * -3", -6),
        ("-state.n", -4),
        ("- -state.n", 4),
        ("0.5 + 0.25", 0.75),
        ("'a' + 'b'", "ab"),
        ("'a' + 1", "a1"),
        ("1 + 'a'", "1a"),
        ("state.digits + 1", 13),
        ("state.digits * 2", 24),
        ("'1' + '2'", "12"),
        ("'x' + null", "x"),
        ("'x' + [1]", "x[1]"),
        ("state.missing + 1", 1),
        ("state.missing * 3", 0),
        ("[1] + [2, 3]", [1, 2, 3]),
        ("state.list + null", [1, 2, 3]),
        ("state.word + state.missing + '!'", "abc!"),
    ],
)
def test_arithmetic(text: str, value: Any) -> None:
    assert same(evaluate(text), value)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("1 == 1.0", True),
        ("1 == '1'", False),
        ("1 != '1'", True),
        ("true == 1", False),
        ("0 == false", False),
        ("[1] == [true]", False),
        ("[1, {a: 2}] == [1.0, {a: 2}]", True),
        ("{a: 1} == {a: 1, b: 2}", False),
        ("null == state.missing", True),
        ("steps.nobody.x == null", True),
        ("false == null", False),
        ("2 > 1", True),
        ("'b' > 'a'", True),
        ("2 > '1'", False),
        ("'2' < 3", False),
        ("null < 1", False),
        ("true > 0", False),
        ("2 >= 2.0", True),
        ("2<=1", False),
        ("'abc' contains 'b'", True),
        ("'abc' contains 1", False),
        ("state.list contains 2", True),
        ("state.list contains '2'", False),
        ("state.map contains 'a'", False),
        ("null contains 'a'", False),
        ("'b' in 'abc'", True),
        ("1 in [1, 2]", True),
        ("true in [1]", False),
        ("1 not_in [2]", True),
        ("1 not in [1]", False),
        ("1 not_in null", True),
        ("steps.scan.name matches '\\.py$'", True),
        ("steps.scan.name matches '^[a-z]+\\\\.py$'", True),
        ("steps.scan.name matches '['", False),
        ("5 matches '5'", False),
        ("steps.scan.name starts_with 'main'", True),
        ("steps.scan.name ends_with '.js'", False),
        ("steps.scan.name not ends_with '.js'", True),
        ("5 between 5 and 9", True),
        ("4.9 between 5 and 9", False),
        ("5 between 1 and 3 + 2", True),
        ("'5' between 1 and 9", False),
        ("5 between 1 and 9 and 1 > 2", False),
        ("steps.scan.count exists", True),
        ("steps.scan.none exists", False),
        ("steps.scan.nothing not exists", True),
        ("steps.scan.nothing empty", True),
        ("state.list not empty", True),
        ("'' empty", True),
        ("0 empty", False),
        ("'abc' * 2 == 0", False),
        ("'abc' * 2 != 0", True),
        ("state.word - 5 > 0", False),
        ("not state.word * 2", True),
        ("'2024-01-01' == '2024-01-01'", True),
        ("1 < 2 and 2 < 3 or false", True),
        ("false and false or true", True),
        ("true or false and false", True),
        ("not false and false", False),
        ("not 1 == 2", True),
        ("!state.missing && true", True),
        ("!(1 == 1) || 1 == 1", True),
    ],
)
def test_comparisons(text: str, *, holds: bool) -> None:
    assert truthy(evaluate(text)) is holds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("state.n > 3 ? 'big' : 'small'", "big"),
        ("false ? 1 : true ? 2 : 3", 2),
        ("state.missing or 'default'", "default"),
        ("state.zero or 'default'", 0),
        ("state.word and state.n", 4),
        ("'' || null", None),
        ("{{state.n}} + 1", 5),
        ("{{state.n + 1}} == 5", True),
        ("'{{state.word}}' == 'abc'", True),
    ],
)
def test_choices(text: str, value: Any) -> None:
    assert same(evaluate(text), value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("steps.scan.count", 5),
        ("scan.count", 5),
        ("steps.scan.result.count", 5),
        ("steps.wrapped.total", 7),
        ("steps.wrapped.result.total", 7),
        ("wrapped.total", 7),
        ("steps.wrapped.result", {"total": 7, "list": [1, 2]}),
        ("steps.text.result", "plain text"),
        ("steps.number.result + 1", 42),
        ("steps.text.result.deeper", None),
        ("steps.my-step.x-y", 3),
        ("my-step.x - 1", 9),
        ("steps['my step'].a", 1),
        ("steps.scan.nested['dotted.key']", "found"),
        ("steps.scan.items[0].id", 1),
        ("steps.scan.items.1.id", 2),
        ("steps.scan.items[-1].id", 3),
        ("steps.scan.items[9].id", None),
        ("steps.scan.items[state.n - 3].id", 2),
        ("state.map['a']", 2),
        ("state.map[state.nothing]", None),
        ("state.list[steps.nobody.x][0]", None),
        ("steps.scan.items[*].id", [1, 2, 3]),
        ("steps.scan.items[*].score", [2.5, None, None]),
        ("steps.scan.items[*].tags[*]", ["a", "b", "c"]),
        ("state.map[*]", [1, 2]),
        ("steps.scan.items.length", 3),
        ("steps.scan.name.length", 7),
        ("state.map.length", 2),
        ("state.length", 9),
        ("steps.nobody.length", None),
        ("steps.scan.name[0]", "m"),
        ("steps.scan.name.upper", None),
        ("steps.scan.count.real", None),
        ("state.list.append", None),
        ("n", 4),
        ("limit", 3),
        ("region", "eu"),
        ("variables.n", 4),
        ("variables.declared", 1),
        ("workflow.variables.declared", 1),
        ("workflow.name", "demo"),
        ("workflow.workflow.name", "demo"),
        ("inputs.limit", 3),
        ("global_vars.region", "eu"),
        ("config.mode", "fast"),
        ("environment.mode", "production"),
        ("step.name", "me"),
        ("timestamp", "2025-01-02T03:04:05+00:00"),
        ("date", "2025-01-02"),
        ("execution_id", "e1"),
        ("loop.file.path", "a.txt"),
        ("loop.index", 1),
        ("loop.length", 3),
        ("loop.parent.folder", "src"),
        ("file.path", "a.txt"),
        ("folder", "src"),
        ("index", None),
        ("nobody", None),
        ("previous_response:scan", SCOPE.steps["scan"]),
        ("previous_response:scan.items[0].id", 1),
        ("previous_response:wrapped:total", 7),
        ("true ? previous_response:wrapped.total : 0", 7),
        ("(state.map).a", 2),
        ("[1, 2, 3][1]", 2),
        ("{a: {b: 5}}.a.b", 5),
        ("keys(state.map)[0]", "b"),
    ],
)
def test_paths(text: str, value: Any) -> None:
    assert same(evaluate(text), value)


def test_no_loop_means_null() -> None:
    assert evaluate("loop.index", Scope()) is None
    assert evaluate("@", Scope()) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("@", {"price": 5, "state": "CA", "config": {"a": 1}}),
        ("@.price * 2", 10),
        ("price * 2", 10),
        ("item.price", 5),
        ("record.price", 5),
        ("state == 'CA'", True),
        ("state.n", 4),
        ("config.a", 1),
        ("config.mode", None),
        ("n", 4),
        ("unknown", None),
    ],
)
def test_fields_of_the_item_at_hand_come_first(text: str, value: Any) -> None:
    item = {"price": 5, "state": "CA", "config": {"a": 1}}
    assert same(evaluate(text, Scope(state=SCOPE.state, config=SCOPE.config, item=item)), value)


def test_item_that_is_no_map() -> None:
    assert evaluate("@ > 3 and item == 5", Scope(item=5)) is True
    assert Scope().item is MISSING


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, False),
        (False, False),
        ("", False),
        ([], False),
        ({}, False),
        (0, True),
        (0.0, True),
        ("false", True),
        ([0], True),
        ({"a": None}, True),
    ],
)
def test_truthy(value: Any, *, expected: bool) -> None:
    assert truthy(value) is expected


def test_time() -> None:
    now = evaluate("now()")
    assert datetime.now(UTC) - now < timedelta(seconds=30)
    assert abs((now - evaluate("now() - days(7)")).total_seconds() - 7 * 86_400) < 30
    assert evaluate("date('2024-03-01') - date('2024-02-01')") == 29 * 86_400
    assert evaluate("date('2024-01-01') + hours(36)") == datetime(2024, 1, 2, 12, tzinfo=UTC)
    assert evaluate("timestamp < now() - days(1)") is True
    assert evaluate("timestamp > date('2025-01-02') and timestamp < date('2025-01-03')") is True
    assert evaluate("timestamp between date('2025-01-02') and date('2025-01-03')") is True
    assert evaluate("'word' < now()") is False
    assert evaluate("date('2024-01-01') == '2024-01-01T00:00:00Z'") is True
    assert evaluate("now() - 'word' == 5") is False


def test_boolean_words_stay_names_after_a_dot() -> None:
    scope = Scope(steps={"and": {"in": 1, "not": 2}, "empty": {"x": 3}})
    assert evaluate("steps.and.in + steps.and.not", scope) == 3
    assert evaluate("empty.x == 3 and empty exists", scope) is True
