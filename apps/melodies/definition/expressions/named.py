"""Paths that start with a name: namespaces like `steps` and `state`, and bare names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from apps.melodies.definition.expressions.paths import Step, walk
from apps.melodies.definition.expressions.references import NAMESPACES
from apps.melodies.definition.expressions.scope import MISSING, Frame, Run, Scope, bare_value
from apps.melodies.definition.expressions.values import is_list

_MAPPINGS: Final[dict[str, Callable[[Scope], Mapping[str, Any] | None]]] = {
    "state": lambda scope: scope.state,
    "inputs": lambda scope: scope.inputs,
    "loop": lambda scope: scope.loop,
    "workflow": lambda scope: scope.workflow,
    "global_vars": lambda scope: scope.global_vars,
    "config": lambda scope: scope.config,
    "environment": lambda scope: scope.environment,
    "step": lambda scope: scope.step,
}


def compile_named(name: str, field: str | None, steps: Callable[[Frame], tuple[Step, ...]]) -> Run:
    """A path from a name. `field` is its first step when that is fixed; `steps` gives all steps.

    While there is an item at hand, its fields come first. A path into a namespace (`state.x`) only means a field of the
    item when that field can be walked into.
    """
    outer = _reader(name, field)
    guarded = name in NAMESPACES

    def run(frame: Frame) -> Any:
        way = steps(frame)
        if frame.item is not MISSING:
            found = _in_item(frame, name, way, guarded=guarded)
            if found is not _NOT_OF_ITEM:
                return None if found is MISSING else found
        found = outer(frame, way)
        return None if found is MISSING else found

    return run


class _NotOfItem:
    """The type of _NOT_OF_ITEM: the name has nothing to do with the item."""


_NOT_OF_ITEM: Final = _NotOfItem()

_Reader = Callable[[Frame, tuple[Step, ...]], Any]


def _in_item(frame: Frame, name: str, way: tuple[Step, ...], *, guarded: bool) -> Any:
    item = frame.item
    if isinstance(item, Mapping) and name in item and not (way and name in ("item", "record")):
        value = item[name]
        if not (guarded and way) or isinstance(value, Mapping) or is_list(value):
            return walk(value, way, frame.budget)
    if name in ("item", "record"):
        return walk(item, way, frame.budget)
    return _NOT_OF_ITEM


def _reader(name: str, field: str | None) -> _Reader:
    if name == "steps" and field is not None:
        return _step_reader(field)
    if name == "variables":
        return _read_variables
    if name == "workflow":
        return _read_workflow
    pick = _MAPPINGS.get(name)
    if pick is not None:
        return lambda frame, way: _below(pick(frame.scope), way, frame)
    return lambda frame, way: _read_bare(frame, name, way)


def _below(names: Mapping[str, Any] | None, way: tuple[Step, ...], frame: Frame) -> Any:
    """Below a namespace. Its first step is a plain look-up: `state.length` is a variable, not a size."""
    if names is None:
        return MISSING
    if way and isinstance(way[0], (str, int)):
        value = names.get(str(way[0]), MISSING)
        return value if value is MISSING else walk(value, way[1:], frame.budget)
    return walk(names, way, frame.budget)


def _step_reader(step: str) -> _Reader:
    def read(frame: Frame, way: tuple[Step, ...]) -> Any:
        result = frame.scope.steps.get(step, MISSING)
        return result if result is MISSING else in_result(result, way[1:], frame)

    return read


def in_result(result: Any, way: tuple[Step, ...], frame: Frame) -> Any:
    """A path in a step's result; when absent, the same path inside its `result`, or without a leading `result`."""
    found = walk(result, way, frame.budget)
    if found is not MISSING or not way:
        return found
    if isinstance(result, Mapping) and "result" in result:
        found = walk(result["result"], way, frame.budget)
    if found is MISSING and way[0] == "result":
        found = walk(result, way[1:], frame.budget)
    return found


def _read_variables(frame: Frame, way: tuple[Step, ...]) -> Any:
    found = _below(frame.scope.state, way, frame)
    if found is not MISSING:
        return found
    declared = frame.scope.workflow.get("variables")
    return _below(declared, way, frame) if isinstance(declared, Mapping) else MISSING


def _read_workflow(frame: Frame, way: tuple[Step, ...]) -> Any:
    found = _below(frame.scope.workflow, way, frame)
    if found is MISSING and way and way[0] == "workflow":
        return _below(frame.scope.workflow, way[1:], frame)
    return found


def _read_bare(frame: Frame, name: str, way: tuple[Step, ...]) -> Any:
    value = bare_value(frame, name)
    if value is MISSING or not way:
        return value
    found = walk(value, way, frame.budget)
    if found is MISSING and frame.scope.steps.get(name, MISSING) is value:
        return in_result(value, way, frame)
    return found
