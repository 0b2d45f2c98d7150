"""map: other items, as many as before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.melodies.definition.expressions import Scope, compile_template
from workers.contract import StepFailed
from workers.steps.transform.formulas import allowance, formula
from workers.steps.transform.operations import Map
from workers.steps.transform.values import at, item_scope, put, text_of

_CASE: dict[str, Callable[[str], str]] = {"uppercase": str.upper, "lowercase": str.lower}


def change(operation: Map, data: Any, field: str | None, scope: Scope) -> Any:
    """Each item of a list; each entry of a map when an expression gives the whole item; else the one value."""
    step = _change_of(operation, field, scope)
    if isinstance(data, list):
        return [step(item, None) for item in data]
    if isinstance(data, Mapping) and operation.expression is not None and field is None:
        return [step(value, key) for key, value in data.items()]
    return step(data, None)


def _change_of(operation: Map, field: str | None, scope: Scope) -> Callable[[Any, Any], Any]:
    if operation.mapping is not None:
        return (
            _replacing(compile_template(operation.mapping).render(scope), field)
            if field
            else _merging(operation.mapping, scope)
        )
    if isinstance(operation.expression, str) and operation.expression.strip() in _CASE:
        if field is None:
            raise StepFailed(f"`{operation.expression}` needs `field`, the field to change", code="bad_params")
        return _recasing(_CASE[operation.expression.strip()], field)
    evaluate, left = formula(operation.expression), allowance()

    def step(item: Any, key: Any) -> Any:
        outcome = evaluate(item_scope(scope, item, field=field, key=key), left)
        return _with(item, field, outcome) if field else outcome

    return step


def _with(item: Any, field: str, value: Any) -> Any:
    return put(item, field, value) if isinstance(item, Mapping) else value


def _replacing(mapping: Mapping[str, Any], field: str) -> Callable[[Any, Any], Any]:
    def step(item: Any, key: Any) -> Any:
        old = text_of(at(item, field))
        return _with(item, field, mapping[old]) if old in mapping else item

    return step


def _merging(mapping: Mapping[str, Any], scope: Scope) -> Callable[[Any, Any], Any]:
    """The mapping's values may be templates that use the item."""
    template, left = compile_template(dict(mapping)), allowance()

    def step(item: Any, key: Any) -> Any:
        added = template.render_within(item_scope(scope, item), left)
        return {**item, **added} if isinstance(item, Mapping) else item

    return step


def _recasing(change_case: Callable[[str], str], field: str) -> Callable[[Any, Any], Any]:
    def step(item: Any, key: Any) -> Any:
        old = at(item, field)
        return _with(item, field, change_case(old)) if isinstance(old, str) else item

    return step
