"""From what an occasion tells to the input of a run, by the expressions of the melody language.

Names that expressions can read (`NAMES`): `payload` (the body of a delivery, what an event or a person told), `headers`
and `query` of a delivery, `event`, `run` (the run a chained one follows), `due_at`, and `trigger`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from apps.melodies.definition.expressions import References, Scope, compile_condition, compile_template, to_text
from apps.melodies.definition.pointers import child
from apps.triggers.kinds import Source

NAMES: Final = ("payload", "headers", "query", "event", "run", "due_at", "trigger")
_VARIABLES: Final = frozenset({"state", "variables"})
"""Namespaces of the melody language in which the names stand as well."""
_LONGEST_KEY: Final = 2_000
_TOLD: Final = {Source.WEBHOOK: "payload", Source.EVENT: "payload", Source.CHAIN: "run"}


def unknown_names(template: Any) -> Iterator[tuple[str, str]]:
    """What a template reads that is never there, each with the JSON pointer of the string that does. Raises ExpressionError.

    Names in a condition over items are left out: they are mostly fields of the items.
    """
    pending = [("", template)]
    while pending:
        pointer, value = pending.pop()
        if isinstance(value, Mapping):
            pending += [(child(pointer, name), member) for name, member in reversed(list(value.items()))]
        elif isinstance(value, list):
            pending += [(child(pointer, place), value[place]) for place in reversed(range(len(value)))]
        elif isinstance(value, str):
            yield from ((pointer, name) for name in _unknown(compile_template(value).references))


def unknown_in_condition(condition: str) -> Iterator[tuple[str, str]]:
    """As `unknown_names`, of a condition."""
    return (("", name) for name in _unknown(compile_condition(condition or None).references))


def _unknown(references: References) -> list[str]:
    read = set(references.bare | references.variables | (references.namespaces - _VARIABLES))
    read |= {name for name in ("steps", "inputs") if getattr(references, name)}
    if references.loop:
        read.add("loop")
    return sorted(read - set(NAMES))


def passes(condition: str, values: Mapping[str, Any]) -> bool:
    """Raises ExpressionError."""
    return not condition or compile_condition(condition).holds(Scope(state=values))


def key_of(template: str, values: Mapping[str, Any]) -> str:
    """The concurrency key as a text. Raises ExpressionError."""
    value = compile_template(template).render(Scope(state=values))
    return (value if isinstance(value, str) else to_text(value))[:_LONGEST_KEY]


def lane_of(owner: object, key: str) -> str:
    """What firings of the same key share; `owner` is whose key it is."""
    return hashlib.sha256(f"{owner}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()


def input_of(
    fixed: Mapping[str, Any], mapping: Mapping[str, Any], source: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """`fixed`, and over it `mapping` filled in; without a mapping what was told, under its own name.

    What a person gives in `values["input"]` lies over all of it. Raises ExpressionError.
    """
    found = dict(fixed)
    if mapping:
        found |= compile_template(mapping).render(Scope(state=values))
    elif (name := _TOLD.get(Source(source))) is not None:
        found[name] = values.get(name)
    return found | dict(values.get("input") or {}) if source == Source.MANUAL else found
