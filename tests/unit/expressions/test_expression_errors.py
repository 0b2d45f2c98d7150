"""Errors say where the trouble is and how to mend it."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "expression is empty"),
        ("{{ }}", 3, "expression is empty"),
        ("a b", 2, "put quotes around texts"),
        ("a AND b", 2, "did you mean 'and'"),
        ("a containes b", 2, "did you mean 'contains'"),
        ("{{ state.x = 1 }}", 11, "compare with '=='"),
        ("a | upper", 2, "no filters"),
        ("'open", 0, "quote is not closed"),
        ("a == b == c", 7, "cannot be chained"),
        ("upcase(x)", 0, "no function 'upcase'"),
        ("1 + uper(x)", 4, "did you mean upper\\(text\\)"),
        ("substring(1)", 0, "2 to 3 arguments, got 1"),
        ("now(1)", 0, "takes 0 arguments"),
        ("filter(x)", 0, "filter\\(list, 'condition'\\)"),
        ("(a", 2, "'\\)' is missing"),
        ("[1, 2", 5, "'\\]' after the value"),
        ("a ? b", 5, "two outcomes"),
        ("a.", 2, "field name must follow"),
        ("a.$", 2, "field name must follow"),
        ("1 +", 3, "value or a name is missing"),
        ("* 2", 0, "value or a name is missing"),
        ("and b", 0, "needs a value on its left"),
        ("5 between 1", 11, "'and' is missing"),
        ("any(l, 'a ==')", 12, "value or a name is missing"),
        ("any(l, 'uper(@)')", 8, "did you mean upper"),
        ("steps[state.x].y", 0, "must be fixed"),
        ("loop.index-1", 5, "spaces around the minus"),
        ("{1.5.2: 1}", 4, "':' is missing"),
        ("{[1]: 2}", 1, "names as keys"),
        ("$x", 0, "'\\$' only stands before a variable of the environment"),
        ("a ; b", 2, "means nothing"),
    ],
)
def test_compile_errors(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        compile_expression(text)
    assert (caught.value.position, caught.value.text) == (position, text)
    assert caught.value.message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "position"),
    [("1 + 2 - 'a' * 2", 12), ("{{ 1 + upper('a' * 2) }}", 17), ('map([1], "sqrt(0 - @)")', 10), ("pow(10, 400)", 0)],
)
def test_evaluation_errors_have_positions(text: str, position: int) -> None:
    expression = compile_expression(text)
    with pytest.raises(ExpressionError) as caught:
        expression.evaluate(Scope())
    assert (caught.value.position, caught.value.text) == (position, text)


def test_not_a_text() -> None:
    with pytest.raises(ExpressionError, match="must be a text"):
        compile_expression(["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("compile_value", "value", "pointer", "position"),
    [
        (compile_template, {"a": ["ok", "so {{x +}}"]}, "/a/1", 8),
        (compile_template, {"a/b": {"~": "{{x"}}, "/a~1b/~0", 0),
        (compile_condition, {"and": ["a", {"not": "b =="}]}, "/and/1/not", 4),
        (compile_condition, ["a", 5], "/1", 0),
        (compile_condition, {"and": "a"}, "/and", 0),
        (compile_source, {"x": ["{{1 +}}"]}, "/x/0", 5),
        (compile_source, "previous_response:a.b[", "", 22),
        (compile_source, "file:a.b c", "", 9),
        (compile_source, "context:a b", "", 10),
    ],
)
def test_errors_in_larger_values_have_pointers(compile_value: Any, value: Any, pointer: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_value(value)
    assert (caught.value.pointer, caught.value.position) == (pointer, position)


def test_rendering_errors_have_pointers() -> None:
    template = compile_template({"a": ["x", "y {{upper('a' * n)}}"]})
    with pytest.raises(ExpressionError, match="Cannot multiply") as caught:
        template.render(Scope(state={"n": 2}))
    assert (caught.value.pointer, caught.value.position) == ("/a/1", 14)


@pytest.mark.parametrize("value", [{"x": 1}, {}, {"and": [], "or": []}, 3, 1.5, {"AND": ["a"]}, {"not": {"x": 1}}])
def test_conditions_of_another_shape(value: Any) -> None:
    with pytest.raises(ExpressionError, match="a condition is a text, a list"):
        compile_condition(value)
