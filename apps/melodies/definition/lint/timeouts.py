"""Timeouts that cannot come into effect."""

from __future__ import annotations

from typing import Final

from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.pointers import child
from apps.melodies.definition.rows_bodies import Written
from apps.melodies.definition.timeouts import HEARTBEAT, TOTAL

from .look import Look

ATTEMPT: Final = "timeout_seconds"
_SHADOWED: Final = ((ATTEMPT, TOTAL), (HEARTBEAT, ATTEMPT), (HEARTBEAT, TOTAL))
"""The first is of no use unless it is the shorter one."""


def check(look: Look) -> None:
    for written in look.steps:
        kind = look.kinds.get(str(written.step.get("type")))
        if kind is not None and ATTEMPT not in kind.params.model_fields:
            _shadowed(look, written)
        if kind is not None and HEARTBEAT in written.step and _is_row(kind):
            message = (
                f"A `{kind.name}` step is with no worker while it takes its time: it has no signs of life to give."
            )
            look.warn("no_effect", message, child(written.pointer, HEARTBEAT), at_key=True)


def _shadowed(look: Look, written: Written) -> None:
    for useless, shorter in _SHADOWED:
        long, short = _seconds(written, useless), _seconds(written, shorter)
        if long is not None and short is not None and long > short:
            message = f"`{useless}` never comes into effect: `{shorter}` of {short:g} s ends the step before."
            look.warn("shadowed_timeout", message, child(written.pointer, useless))
            return


def _seconds(written: Written, field: str) -> float | None:
    value = written.step.get(field)
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def _is_row(kind: StepKind) -> bool:
    return kind.waits or kind.inline or bool(kind.bodies) or kind.derive is not None
