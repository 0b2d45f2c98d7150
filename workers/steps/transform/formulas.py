"""The expressions of an operation: one, or a map or list of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.melodies.definition.expressions import Allowance, Scope, compile_expression

Evaluate = Callable[[Scope, Allowance], Any]

_TIMES = 20


def allowance() -> Allowance:
    """What the expressions of one operation may spend on all items together; some seconds at most."""
    return Allowance(_TIMES)


def formula(source: Any) -> Evaluate:
    """An expression, or a map or list of expressions; other values stand for themselves."""
    if isinstance(source, str):
        return compile_expression(source).evaluate_within
    if isinstance(source, Mapping):
        entries = {str(key): formula(value) for key, value in source.items()}
        return lambda scope, left: {key: evaluate(scope, left) for key, evaluate in entries.items()}
    if isinstance(source, list):
        items = [formula(value) for value in source]
        return lambda scope, left: [evaluate(scope, left) for evaluate in items]
    return lambda scope, left: source


def check_formula(source: Any) -> None:
    """Raise ExpressionError when an expression in it cannot be read."""
    formula(source)
