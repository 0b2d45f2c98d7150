"""Conditions of `if`, `filter` and `switch` nodes, of all the forms they have had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from apps.melodies.definition.n8n.model import UntranslatableError
from apps.melodies.definition.n8n.scripts import Data
from apps.melodies.definition.n8n.texts import expression

MOST: Final = 50
_SIGNS: Final = {
    "equal": "==", "equals": "==", "notEqual": "!=", "notEquals": "!=",
    "larger": ">", "largerEqual": ">=", "smaller": "<", "smallerEqual": "<=",
    "gt": ">", "gte": ">=", "lt": "<", "lte": "<=",
    "after": ">", "afterOrEquals": ">=", "before": "<", "beforeOrEquals": "<=",
}  # fmt: skip
_FUNCTIONS: Final = {
    "contains": ("contains", False), "notContains": ("contains", True),
    "startsWith": ("starts_with", False), "notStartsWith": ("starts_with", True),
    "endsWith": ("ends_with", False), "notEndsWith": ("ends_with", True),
    "regex": ("matches", False), "notRegex": ("matches", True),
}  # fmt: skip
_ALONE: Final = {
    "exists": "({0} != null)", "notExists": "({0} == null)",
    "empty": "is_empty({0})", "isEmpty": "is_empty({0})",
    "notEmpty": "(not is_empty({0}))", "isNotEmpty": "(not is_empty({0}))",
    "true": "({0} == true)", "false": "({0} == false)",
}  # fmt: skip


def condition(parameters: Mapping[str, Any], data: Data) -> str:
    """The condition of an `if` or `filter`. Raises `UntranslatableError`."""
    written = parameters.get("conditions")
    if not isinstance(written, Mapping) or not written:
        raise UntranslatableError("a node without conditions")
    if isinstance(written.get("conditions"), list):
        return of_form(written, data)
    any_ = parameters.get("combineOperation") == "any"
    return _joined(list(_older(written, data)), "or" if any_ else "and")


def of_form(written: Mapping[str, Any], data: Data) -> str:
    """The form of today: a list of `leftValue`, `operator`, `rightValue`."""
    items = written.get("conditions")
    if not isinstance(items, list) or not items:
        raise UntranslatableError("a node without conditions")
    parts = []
    for item in items[: MOST + 1]:
        operator = item.get("operator") if isinstance(item, Mapping) else None
        if not isinstance(operator, Mapping):
            raise UntranslatableError("a condition without an operator")
        parts.append(compared(item.get("leftValue"), str(operator.get("operation")), item.get("rightValue"), data))
    return _joined(parts, "or" if written.get("combinator") == "or" else "and")


def _older(written: Mapping[str, Any], data: Data) -> Iterator[str]:
    for items in written.values():
        for item in items if isinstance(items, list) else ():
            if not isinstance(item, Mapping):
                raise UntranslatableError("a condition that is no object")
            default = "smaller" if "value2" in item and isinstance(item["value2"], int | float) else "equal"
            yield compared(item.get("value1"), str(item.get("operation", default)), item.get("value2"), data)


def compared(left: Any, operation: str, right: Any, data: Data) -> str:
    """One comparison."""
    subject = expression(left, data)
    if operation in _ALONE:
        return _ALONE[operation].format(subject)
    if operation in _SIGNS:
        return f"({subject} {_SIGNS[operation]} {expression(right, data)})"
    if operation in _FUNCTIONS:
        name, negated = _FUNCTIONS[operation]
        found = f"{name}({subject}, {expression(right, data)})"
        return f"(not {found})" if negated else found
    raise UntranslatableError(f"the comparison `{operation[:40]}`")


def _joined(parts: list[str], word: str) -> str:
    if not parts:
        raise UntranslatableError("a node without conditions")
    if len(parts) > MOST:
        raise UntranslatableError(f"more than {MOST} conditions")
    return parts[0] if len(parts) == 1 else f"({f' {word} '.join(parts)})"


def route(parameters: Mapping[str, Any], version: float, data: Data) -> str:
    """The number of the output a `switch` takes; -1 for none."""
    if parameters.get("mode") == "expression":
        return expression(parameters.get("output"), data)
    rules = parameters.get("rules")
    items = (rules.get("values") or rules.get("rules")) if isinstance(rules, Mapping) else None
    if not isinstance(items, list) or not items:
        raise UntranslatableError("a switch without rules")
    if len(items) > MOST // 2:
        raise UntranslatableError(f"more than {MOST // 2} rules")
    found = str(_fallback(parameters, len(items)))
    for place, item in reversed(list(enumerate(items))):
        if not isinstance(item, Mapping):
            raise UntranslatableError("a rule that is no object")
        if isinstance(item.get("conditions"), Mapping):
            test, output = of_form(item["conditions"], data), place
        else:
            test = compared(parameters.get("value1"), str(item.get("operation", "equal")), item.get("value2"), data)
            given = item.get("output", place)
            output = given if isinstance(given, int) and 0 <= given < 100 else place
        found = f"({test} ? {output} : {found})"
    return found


def _fallback(parameters: Mapping[str, Any], rules: int) -> int:
    options = parameters.get("options")
    chosen = options.get("fallbackOutput") if isinstance(options, Mapping) else None
    if chosen is None:
        chosen = parameters.get("fallbackOutput")
    if chosen == "extra":
        return rules
    return chosen if isinstance(chosen, int) and not isinstance(chosen, bool) and 0 <= chosen < 100 else -1


__all__ = ["compared", "condition", "of_form", "route"]
