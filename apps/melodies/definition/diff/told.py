"""A diff in words, how much it weighs, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

from apps.melodies.definition.pointers import child

from .model import Diff, Edge, StepDelta
from .values import Change

Weight = Literal["major", "minor", "patch"]
# What others rely on: they pass the ones and read the others.
_PROMISED: Final = ("inputs", "outputs")
_SHOWN: Final = 60
_MOST_FIELDS: Final = 4


def bump_of(found: Diff) -> Weight:
    """Breaking: a step is gone, or has another name, type or list (others read results by these), or an input or output
    is. What is added is minor, all else a patch."""
    promised = [change for change in found.workflow if change.path[0] in _PROMISED]
    broken = any(change.op == "remove" or (len(change.path) == 1 and change.op == "replace") for change in promised)
    if broken or found.removed or any(delta.renamed or delta.retyped or delta.moved for delta in found.steps):
        return "major"
    return "minor" if found.added or any(change.op == "add" for change in promised) else "patch"


def summary_of(found: Diff | None, longest: int) -> str:
    """One line, cut where it is too long; nothing of nothing."""
    text = " ".join(sentences(found)) if found is not None else ""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def sentences(found: Diff) -> Iterator[str]:
    """What a person would say, the weightiest first."""
    for _, place in found.removed:
        yield f"Step {_name(place.names)} ({place.type}) removed."
    for row, place in found.added:
        where = f" in {_name(place.names[:-1])}" if row.parent is not None else ""
        yield f"Step {_name(row.name)} ({row.type}) added{where}."
    for delta in found.steps:
        yield _of_step(delta)
    for edge in found.connections_removed:
        yield f"Edge {_edge(edge)} removed."
    for edge in found.connections_added:
        yield f"Edge {_edge(edge)} added."
    for change in _by_field(found.workflow, 2):
        yield f"Workflow: {change}."
    for change in _by_field(found.beside, 1):
        yield f"Beside the workflow: {change}."


def _of_step(delta: StepDelta) -> str:
    said: list[str] = []
    if delta.renamed:
        said.append(f"renamed to {_name(delta.after.names[-1:])}")
    if delta.retyped:
        said.append(f"type {delta.before.type} is now {delta.after.type}")
    if delta.moved:
        around = delta.after.names[:-1]
        said.append(f"moved into {_name(around)}" if around else "moved out to the workflow's own steps")
    elif delta.reordered:
        said.append("moved within its list")
    fields = list(_by_field(delta.changes, 1))
    said += fields[:_MOST_FIELDS]
    if len(fields) > _MOST_FIELDS:
        said.append(f"{len(fields) - _MOST_FIELDS} more fields changed")
    return f"Step {_name(delta.before.names)}: {', '.join(said)}."


def _by_field(changes: Iterable[Change], depth: int) -> Iterator[str]:
    """Each field once, by the first parts of its path."""
    seen: dict[tuple[Any, ...], list[Change]] = {}
    for change in changes:
        seen.setdefault(change.path[:depth], []).append(change)
    for path, found in seen.items():
        name = ".".join(map(str, path))[:_SHOWN]
        whole = len(found) == 1 and len(found[0].path) <= depth
        if whole and found[0].op == "add":
            yield f"{name} added"
        elif whole and found[0].op == "remove":
            yield f"{name} removed"
        elif whole and _is_short(found[0].before) and _is_short(found[0].after):
            yield f"{name} {_value(found[0].before)} is now {_value(found[0].after)}"
        else:
            yield f"{name} changed"


def _name(names: Iterable[str] | str) -> str:
    text = names if isinstance(names, str) else " › ".join(names)
    return f"`{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}`"


def _edge(edge: Edge) -> str:
    return f"{_name(edge.from_step)} → {_name(edge.to_step)}"


def _is_short(value: Any) -> bool:
    return not isinstance(value, dict | list) and len(str(value)) <= _SHOWN


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# -- as JSON -------------------------------------------------------------------------------------------------------
def as_dict(found: Diff, most: int) -> dict[str, Any]:
    """For a program: `most` changes of each sort at most, `truncated` says whether there are more."""
    sorts: dict[str, list[dict[str, Any]]] = {
        "steps_removed": [{"names": list(place.names), "type": place.type, "pointer": place.pointer}
                          for _, place in found.removed[:most]],
        "steps_added": [{"names": list(place.names), "type": place.type, "pointer": place.pointer}
                        for _, place in found.added[:most]],
        "steps_changed": [_delta(delta, most) for delta in found.steps[:most]],
        "connections_removed": [_ends(edge) for edge in found.connections_removed[:most]],
        "connections_added": [_ends(edge) for edge in found.connections_added[:most]],
        "workflow": [_change(change) for change in (*found.workflow, *found.beside)[:most]],
    }  # fmt: skip
    longest = max(
        len(found.removed), len(found.added), len(found.steps), len(found.connections_removed),
        len(found.connections_added), len(found.workflow) + len(found.beside),
        *(len(delta.changes) for delta in found.steps), 0,
    )  # fmt: skip
    return {**sorts, "truncated": longest > most}


def _delta(delta: StepDelta, most: int) -> dict[str, Any]:
    return {
        "names": list(delta.after.names),
        "names_before": list(delta.before.names),
        "type": delta.after.type,
        "type_before": delta.before.type,
        "pointer": delta.after.pointer,
        "renamed": delta.renamed,
        "moved": delta.moved or delta.reordered,
        "changes": [_change(change) for change in delta.changes[:most]],
    }


def _ends(edge: Edge) -> dict[str, Any]:
    row = edge.row
    return {"from": edge.from_step, "to": edge.to_step, "from_output": row.from_output, "to_input": row.to_input,
            "origin": row.origin}  # fmt: skip


def _change(change: Change) -> dict[str, Any]:
    pointer = ""
    for part in change.path:
        pointer = child(pointer, part)
    return {"op": change.op, "pointer": pointer, "before": change.before, "after": change.after}
