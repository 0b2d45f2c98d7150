"""Conditions that always come out the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apps.melodies.definition.pointers import child
from apps.melodies.definition.rows_bodies import Written

from .look import Look, strings


def check(look: Look) -> None:
    for written in look.steps:
        for field, condition in _conditions(look, written):
            # A flag is meant as one; a text that is a constant is not.
            if condition is None or isinstance(condition, bool) or not any(strings(condition, "")):
                continue
            always = look.constants.outcome(condition)
            if always is not None:
                message = f"`{field}` reads nothing of the run: it is always {'true' if always else 'false'}."
                look.warn("constant_condition", message, child(written.pointer, field))


def _conditions(look: Look, written: Written) -> Iterator[tuple[str, Any]]:
    kind = look.kinds.get(str(written.step.get("type")))
    names = [
        "condition",
        *(name for name in (kind.expressions if kind else ()) if "condition" in name and "." not in name),
    ]
    for name in dict.fromkeys(names):
        if name in written.step:
            yield name, written.step[name]
