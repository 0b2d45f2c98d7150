"""Conditions: a text, a list (all must hold), or a map with `and`, `or` or `not`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.expression import compile_expression
from apps.melodies.definition.expressions.limits import MAX_DEPTH, Allowance
from apps.melodies.definition.expressions.references import NOTHING, References, union
from apps.melodies.definition.expressions.scope import Scope
from apps.melodies.definition.expressions.values import is_list, kind_of, truthy

_SHAPE = "a condition is a text, a list of conditions, or a map with one key: and, or, not"


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition."""

    references: References
    test: Callable[[Scope, Allowance], bool]

    def holds(self, scope: Scope) -> bool:
        return self.test(scope, Allowance())


def compile_condition(value: Any) -> Condition:
    """Compile a condition as it stands in a document; null is always true. Errors carry a JSON pointer."""
    return _compile(value, 0)


def _compile(value: Any, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise ExpressionError(f"The condition nests deeper than {MAX_DEPTH} levels", 0, "")
    if value is None or isinstance(value, bool):
        outcome = value is not False
        return Condition(NOTHING, lambda scope, allowance: outcome)
    if isinstance(value, str):
        expression = compile_expression(value)
        return Condition(
            expression.references, lambda scope, allowance: truthy(expression.evaluate_within(scope, allowance))
        )
    if is_list(value):
        return _group("and", value, depth)
    if isinstance(value, Mapping):
        return _map(value, depth)
    raise ExpressionError(f"This is {kind_of(value)}; {_SHAPE}", 0, str(value)[:100])


def _map(value: Mapping[Any, Any], depth: int) -> Condition:
    if len(value) != 1 or (key := next(iter(value))) not in ("and", "or", "not"):
        found = ", ".join(str(name) for name in value) or "none"
        raise ExpressionError(f"This map has the keys: {found[:200]}; {_SHAPE}", 0, found[:200])
    try:
        inner = _operand(key, value[key], depth + 1)
    except ExpressionError as error:
        raise error.below(key) from None
    negated = key == "not"
    return Condition(inner.references, lambda scope, allowance: _holds(inner, key, scope, allowance) is not negated)


def _operand(key: str, operand: Any, depth: int) -> Condition:
    if key == "not":
        return _compile(operand, depth)
    if not is_list(operand):
        raise ExpressionError(f"'{key}' needs a list of conditions, got {kind_of(operand)}", 0, str(operand)[:100])
    return _group(key, operand, depth)


def _group(operator: str, values: list[Any] | tuple[Any, ...], depth: int) -> Condition:
    conditions: list[Condition] = []
    for index, value in enumerate(values):
        try:
            conditions.append(_compile(value, depth + 1))
        except ExpressionError as error:
            raise error.below(index) from None
    references = union(condition.references for condition in conditions)
    decide = any if operator == "or" else all

    def test(scope: Scope, allowance: Allowance) -> bool:
        return decide(_holds(part, index, scope, allowance) for index, part in enumerate(conditions))

    return Condition(references, test)


def _holds(condition: Condition, key: str | int, scope: Scope, allowance: Allowance) -> bool:
    try:
        return condition.test(scope, allowance)
    except ExpressionError as error:
        raise error.below(key) from None
