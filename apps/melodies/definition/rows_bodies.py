"""The lists of steps inside a step as written, whatever the step's kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from .kinds import StepKind
from .params import own_names
from .pointers import child

HANDLERS: Final = ("on_error", "error_handler", "compensate")
"""Fields of any step that hold steps."""


class Inner(NamedTuple):
    """A list of steps inside a step: the field it stands in, its label there, the list itself, and where it is.

    `label` is "" for a field that is a list, the key in a map of lists. `wrapper` is the mapping around the `steps` of a
    nested melody, None otherwise.
    """

    field: str
    label: str
    steps: list[Any]
    pointer: str
    wrapper: dict[str, Any] | None = None


def inner_lists(step: Mapping[str, Any], kinds: Mapping[str, StepKind], pointer: str = "") -> Iterator[Inner]:
    """In the order of the kind's fields, then the handlers. What has another shape than it should is left out."""
    written = step.get("type")
    kind = kinds.get(written) if isinstance(written, str) else None
    for field in kind.bodies if kind is not None else ():
        value, where = step.get(field.name), child(pointer, field.name)
        if field.shape == "list":
            if isinstance(value, list):
                yield Inner(field.name, "", value, where)
        elif field.shape == "map":
            if isinstance(value, dict):
                for label, steps in value.items():
                    if isinstance(steps, list):
                        yield Inner(field.name, label, steps, child(where, label))
        elif isinstance(value, dict):
            yield from _nested(field.name, value, where)
    for name in HANDLERS:
        if isinstance(step.get(name), list) and (kind is None or name not in own_names(kind.params)):
            yield Inner(name, "", step[name], child(pointer, name))


def _nested(field: str, value: dict[str, Any], pointer: str) -> Iterator[Inner]:
    """A melody inside a step, with the key `workflow` around it or without."""
    inner = value.get("workflow")
    if isinstance(inner, dict):
        value, pointer = inner, child(pointer, "workflow")
    if isinstance(value.get("steps"), list):
        yield Inner(field, "", value["steps"], child(pointer, "steps"), value)


class Written(NamedTuple):
    """A step as written, where it stands, the iterators of the loops around it, and the name path above it."""

    step: dict[str, Any]
    pointer: str
    iterators: tuple[str, ...] = ()
    depth: int = 0


def written_steps(workflow: Mapping[str, Any], kinds: Mapping[str, StepKind], pointer: str) -> Iterator[Written]:
    """Every step of a workflow that is a mapping, outer before inner, in document order."""
    steps = workflow.get("steps")
    pending = list(reversed(_each(steps, child(pointer, "steps"), (), 0))) if isinstance(steps, list) else []
    while pending:
        found = pending.pop()
        yield found
        below: list[Written] = []
        iterator = found.step.get("iterator")
        for inner in inner_lists(found.step, kinds, found.pointer):
            inside = found.iterators
            if inner.wrapper is not None:
                inside = ()
            elif isinstance(iterator, str) and inner.field not in HANDLERS:
                inside = (*inside, iterator)
            below.extend(_each(inner.steps, inner.pointer, inside, found.depth + 1))
        pending.extend(reversed(below))


def _each(steps: list[Any], pointer: str, iterators: tuple[str, ...], depth: int) -> list[Written]:
    return [
        Written(step, child(pointer, index), iterators, depth)
        for index, step in enumerate(steps)
        if isinstance(step, dict)
    ]


def workflow_of(document: Any) -> tuple[dict[str, Any], str] | None:
    """The workflow of a document and its pointer; also of one that forgot the key around it."""
    if not isinstance(document, dict):
        return None
    inner = document.get("workflow")
    if isinstance(inner, dict):
        return inner, "/workflow"
    return (document, "") if isinstance(document.get("steps"), list) and "workflow" not in document else None
