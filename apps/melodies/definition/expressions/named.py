"""Paths that start with a name: namespaces like `steps` and `state`, and bare names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.paths import Step, walk
from apps.melodies.definition.expressions.references import NAMESPACES
from apps.melodies.definition.expressions.scope import MISSING, Frame, Run, Scope, bare_value
from apps.melodies.definition.expressions.values import is_list, is_number

_Way = tuple[Step, ...]
_Reader = Callable[[Frame, _Way], Any]


def compile_named(name: str, field: str | None, steps: Callable[[Frame], tuple[Step, ...]], position: int = 0) -> Run:
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
        if found is not MISSING:
            return found
        _refuse_glued_minus(frame, outer, way, name, position)
        return None

    return run


def _refuse_glued_minus(frame: Frame, outer: _Reader, way: _Way, name: str, position: int) -> None:
    """`state.count-1` reads as a name that nobody has; when `state.count` is a number, it was meant to subtract."""
    written = way[-1] if way else name
    if not isinstance(written, str) or "-" not in written:
        return
    head = written.rpartition("-")[0]
    value = outer(frame, (*way[:-1], head)) if way else bare_value(frame, head)
    if is_number(value):
        raise ExpressionError(f"{written!r} reads as one name; put spaces around the minus to subtract", position)


class _NotOfItem:
    """The type of _NOT_OF_ITEM: the name has nothing to do with the item."""


_NOT_OF_ITEM: Final = _NotOfItem()


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
    known = _READERS.get(name)
    return known if known is not None else lambda frame, way: _read_bare(frame, name, way)


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


WRAPPED = ("result", "data", "variables")
"""Fields in which a nested melody, a model's answer that is JSON, and a set_variable step have what they are asked for."""


def in_result(result: Any, way: tuple[Step, ...], frame: Frame) -> Any:
    """A path in a step's result; when absent, the same path inside what it wraps, or without a leading `result`."""
    found = walk(result, way, frame.budget)
    if found is not MISSING or not way:
        return found
    if isinstance(result, Mapping):
        for wrapped in WRAPPED:
            if found is MISSING and wrapped in result:
                found = walk(result[wrapped], way, frame.budget)
    if found is MISSING and way[0] == "result":
        found = walk(result, way[1:], frame.budget)
    return found


def _first_of(*places: _Reader) -> _Reader:
    """Look in one place after the other."""

    def read(frame: Frame, way: _Way) -> Any:
        for place in places:
            found = place(frame, way)
            if found is not MISSING:
                return found
        return MISSING

    return read


def _namespace(pick: Callable[[Scope], Mapping[str, Any] | None]) -> _Reader:
    return lambda frame, way: _below(pick(frame.scope), way, frame)


def _section(name: str) -> _Reader:
    """A mapping among the fields of the document."""

    def read(frame: Frame, way: _Way) -> Any:
        value = frame.scope.workflow.get(name)
        return _below(value, way, frame) if isinstance(value, Mapping) else MISSING

    return read


def _read_locals(frame: Frame, way: _Way) -> Any:
    """The step's own variables. They are no namespace of their own, so `state` alone is never one of them."""
    local = frame.scope.locals
    return _below(local, way, frame) if local and way else MISSING


def _read_state(frame: Frame, way: _Way) -> Any:
    found = _read_locals(frame, way)
    return _below(frame.scope.state, way, frame) if found is MISSING else found


def _read_workflow_twice(frame: Frame, way: _Way) -> Any:
    """The older `workflow.workflow.x`."""
    return _below(frame.scope.workflow, way[1:], frame) if way and way[0] == "workflow" else MISSING


def _read_step_variables(frame: Frame, way: _Way) -> Any:
    return _below(frame.scope.locals, way[1:], frame) if way and way[0] == "variables" else MISSING


_WORKFLOW: Final = _namespace(lambda scope: scope.workflow)
_READERS: Final[dict[str, _Reader]] = {
    "state": _read_state,
    "variables": _first_of(_read_state, _section("variables")),
    "inputs": _namespace(lambda scope: scope.inputs),
    "loop": _namespace(lambda scope: scope.loop),
    "workflow": _first_of(_WORKFLOW, _read_workflow_twice),
    "global_vars": _first_of(_namespace(lambda scope: scope.global_vars), _section("global_vars")),
    "config": _first_of(_namespace(lambda scope: scope.config), _section("config"), _section("defaults")),
    "environment": _first_of(_section("environment"), _namespace(lambda scope: scope.environment)),
    "step": _first_of(_namespace(lambda scope: scope.step), _read_step_variables),
}


def _read_bare(frame: Frame, name: str, way: tuple[Step, ...]) -> Any:
    value = bare_value(frame, name)
    if value is MISSING or not way:
        return value
    found = walk(value, way, frame.budget)
    if found is MISSING and frame.scope.steps.get(name, MISSING) is value:
        return in_result(value, way, frame)
    return found
