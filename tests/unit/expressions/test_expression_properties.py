"""Properties that hold for every text and every value."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.melodies.definition.expressions import (
    ExpressionError,
    Scope,
    compile_condition,
    compile_expression,
    compile_source,
    compile_template,
    to_text,
)
from apps.melodies.definition.expressions.functions import FUNCTIONS, PER_ITEM_USAGE
from apps.melodies.definition.expressions.operators import ARITHMETIC, COMPARISONS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
WORDS = """
    steps .a .b-c state .n x @ ( ) [ ] [*] [0] { } {{ }} , : ? + - * / % == < >= and or not ! contains in matches between
    exists empty any( map( upper( now() range( sum( 'a' '@>1' " 1 2.5 null length previous_response:a loop item true '{{x}}'
"""
SOUP = st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join) | st.text(max_size=30)
SCOPE = Scope(
    steps={"a": {"b-c": [1, {"x": "t"}], "result": {"n": [2]}}, "x": "text"},
    state={"n": [3, 1, None, "z", {"x": 2}]},
    loop={"item": {"x": 1}, "parent": None},
)


@settings(max_examples=400, deadline=None)
@given(SOUP)
def test_nothing_but_expression_errors(text: str) -> None:
    for compile_value in (compile_expression, compile_template, compile_condition, compile_source):
        error = error_of(compile_value, text)
        assert error is None or (error.text == text and 0 <= error.position <= len(text))


def error_of(compile_value: Callable[[str], Any], text: str) -> ExpressionError | None:
    try:
        compiled = compile_value(text)
        run = getattr(compiled, "evaluate", None) or getattr(compiled, "render", None) or compiled.holds
        run(SCOPE)
    except ExpressionError as error:
        return error
    return None


ODD = st.sampled_from([10**299, -(10**299), 1e308, -1e-308, "\ud800", "\u202e\u0000", "9" * 400, "İı\u0345", "${X}"])
ARGUMENTS = st.lists(JSON | ODD, min_size=0, max_size=3)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted({*FUNCTIONS, *PER_ITEM_USAGE})), ARGUMENTS)
def test_functions_take_any_values(name: str, values: list[Any]) -> None:
    given_names = ", ".join(f"state.a{number}" for number in range(len(values)))
    outcome_of(f"{name}({given_names})", {f"a{number}": value for number, value in enumerate(values)})


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([*ARITHMETIC, *COMPARISONS, "any", "all", "and", "or"]), JSON | ODD, JSON | ODD)
def test_operators_take_any_values(operator: str, left: Any, right: Any) -> None:
    outcome_of(f"state.a {operator} state.b", {"a": left, "b": right})


def outcome_of(text: str, state: dict[str, Any]) -> None:
    """An ExpressionError, or a value that has a JSON form."""
    try:
        value = compile_expression(text).evaluate_json(Scope(state=state))
    except ExpressionError:
        return
    json.dumps(value, allow_nan=False)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_values_without_templates_render_as_themselves(value: Any) -> None:
    if "{{" not in to_text(value) and "${" not in to_text(value):
        assert compile_template(value).render(Scope()) is value


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_a_single_template_keeps_the_value(value: Any) -> None:
    scope = Scope(state={"v": value})
    assert compile_template("{{state.v}}").render(scope) is value
    assert compile_template("{{ [state.v] }}").render(scope) == [value]
    assert compile_template("<{{state.v}}>").render(scope) == f"<{to_text(value)}>"


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_equality_is_an_equivalence_that_knows_types(left: Any, right: Any) -> None:
    scope = Scope(state={"l": left, "r": right})
    assert compile_expression("state.l == state.l").evaluate(scope) is True
    forth = compile_expression("state.l == state.r").evaluate(scope)
    assert forth is compile_expression("state.r == state.l").evaluate(scope)
    assert forth is not compile_expression("state.l != state.r").evaluate(scope)
    assert not forth or left == right


NUMBERS = st.integers(min_value=0, max_value=9)
OPERATORS = st.sampled_from(["+", "-", "*", "/", "%", "<", "==", "and", "or"])
TIGHT_FIRST = (("*", "/", "%"), ("+", "-"), ("<", "=="), ("and",), ("or",))


def apply(operator: str, a: Any, b: Any) -> Any:
    """One operation on small whole numbers, written out once more in the plainest way."""
    if operator == "and":
        return a if a is False else b
    if operator == "or":
        return b if a is False else a
    if operator in ("<", "=="):
        return a < b if operator == "<" else a == b
    if operator in ("/", "%") and int(b) == 0 and (operator == "%" or b == 0):
        return 0
    if operator == "%":
        rest = abs(int(a)) % abs(int(b))
        return -rest if int(a) < 0 else rest
    if operator == "/":
        return a // b if isinstance(a, int) and isinstance(b, int) and a % b == 0 else a / b
    return {"+": a + b, "-": a - b, "*": a * b}[operator]


def by_levels(numbers: list[Any], operators: list[str]) -> Any:
    """The reference: take the operators level by level, each from left to right."""
    for level in TIGHT_FIRST:
        index = 0
        while index < len(operators):
            if operators[index] in level:
                numbers[index : index + 2] = [apply(operators.pop(index), numbers[index], numbers[index + 1])]
            else:
                index += 1
    return numbers[0]


def without_chained_comparisons(operators: list[str]) -> bool:
    compared = False
    for operator in operators:
        if operator in ("and", "or"):
            compared = False
        elif operator in ("<", "=="):
            if compared:
                return False
            compared = True
    return True


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_precedence_against_a_reference(data: st.DataObject) -> None:
    operators = data.draw(st.lists(OPERATORS, max_size=9).filter(without_chained_comparisons))
    numbers = data.draw(st.lists(NUMBERS, min_size=len(operators) + 1, max_size=len(operators) + 1))
    text = str(numbers[0]) + "".join(
        f" {operator} {number}" for operator, number in zip(operators, numbers[1:], strict=True)
    )
    found = compile_expression(text).evaluate(Scope())
    wanted = by_levels(list(numbers), list(operators))
    assert (type(found), found) == (type(wanted), wanted)
