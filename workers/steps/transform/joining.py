"""join: two lists become one, by a key."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from apps.melodies.definition.expressions import Scope, compile_source
from workers.contract import StepFailed
from workers.steps.transform.operations import Join
from workers.steps.transform.values import at, identity, type_name


def join(operation: Join, data: Any, field: str | None, scope: Scope) -> Any:
    """Items merged with their first partner, whose fields win; then the partners nobody had, if they are kept."""
    right = compile_source(operation.right_source).evaluate(scope)
    for name, side in (("the data", data), ("right_source", right)):
        if not isinstance(side, list):
            raise StepFailed(f"join needs lists; {name} is {type_name(side)}", code="not_a_list")
    partners: dict[Hashable, int] = {}
    for index, item in enumerate(right):
        key = at(item, operation.join_key)
        if key is not None and isinstance(item, Mapping):
            partners.setdefault(identity(key), index)
    return _merged(operation, data, right, partners, field or operation.join_key)


def _merged(operation: Join, left: list[Any], right: list[Any], partners: dict[Hashable, int], field: str) -> list[Any]:
    keep_left = operation.join_type in ("left", "outer")
    keep_right = operation.join_type in ("right", "outer")
    met: set[Hashable] = set()
    merged: list[Any] = []
    for item in left:
        key = at(item, field)
        partner = partners.get(identity(key)) if key is not None and isinstance(item, Mapping) else None
        if partner is not None:
            met.add(identity(key))
            merged.append({**item, **right[partner]})
        elif keep_left:
            merged.append(item)
    if keep_right:
        merged.extend(item for item in right if not _has_met(item, operation.join_key, met))
    return merged


def _has_met(item: Any, field: str, met: set[Hashable]) -> bool:
    key = at(item, field)
    return key is not None and identity(key) in met
