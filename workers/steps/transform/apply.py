"""Applying an operation: which list it works on, and where its outcome goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.melodies.definition.expressions import ExpressionError, Scope
from workers.contract import StepFailed
from workers.steps.transform import changing, choosing, joining, jsonpath, summing
from workers.steps.transform.operations import BaseOperation
from workers.steps.transform.values import at, put

Work = Callable[[Any, Any, str | None, Scope], Any]

_WORK: dict[str, Work] = {
    "filter": choosing.keep,
    "map": changing.change,
    "aggregate": summing.aggregate,
    "join": joining.join,
    "group_by": summing.group,
    "sort": choosing.sort,
    "extract": jsonpath.extract,
    "unique": choosing.unique,
    "flatten": choosing.flatten,
}
_ITEM_FIELDS = ("by", "key", "value_field", "left_field")
"""The fields that name an item's field when `field` names the list."""


def apply(operation: BaseOperation, data: Any, scope: Scope) -> Any:
    """The data after one operation."""
    name = str(getattr(operation, "operation", ""))
    try:
        target, item_field, focus = _focus(operation, data)
        outcome = _WORK[name](operation, target, item_field, scope)
    except (ExpressionError, RecursionError) as error:
        reason = "the data is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise StepFailed(f"{name}: {reason}", code="bad_expression") from error
    if operation.as_:
        return {**(data if isinstance(data, Mapping) else {}), operation.as_: outcome}
    return put(data, focus, outcome) if focus else outcome


def _focus(operation: BaseOperation, data: Any) -> tuple[Any, str | None, str | None]:
    """The data to work on, the item's field, and the path of the list inside the data if one was named."""
    own = next((value for name in _ITEM_FIELDS if (value := getattr(operation, name, None))), None)
    field = operation.field
    if field and isinstance(data, Mapping) and isinstance(at(data, field), list):
        return at(data, field), own, field
    return data, own or field, None
