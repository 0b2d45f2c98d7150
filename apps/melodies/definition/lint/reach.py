"""Steps that can never run, found from the edges of a valid document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from apps.melodies.definition.model import Edge, Step
from apps.melodies.definition.pointers import child

from .look import Look

Fate = Literal["may run", "skipped", "over"]
"""What becomes of a step: `over` means that the run has ended before its turn comes."""


def check(look: Look) -> None:
    if look.definition is not None:
        _body(look.definition.steps, look)


def _body(steps: Sequence[Step], look: Look) -> None:
    fates: dict[str, Fate] = {}
    for step in _in_order(steps):
        why = _why_never(step, fates)
        if why is not None:
            look.warn("unreachable_step", f"The step `{step.name}` never runs: {why}.", step.pointer)
        ended = any(fates[edge.step] == "over" for edge in step.edges)
        always = look.constants.outcome(step.condition)
        if why is not None or always is False:
            fates[step.name] = "over" if why is not None and ended else "skipped"
            continue
        fates[step.name] = "over" if step.kind == "end" and always else "may run"
        if step.kind == "for_loop" and look.constants.items(step.params.get("data_source")) == []:
            where = child(step.pointer, "data_source")
            look.warn("unreachable_step", f"The list is empty, so the steps in `{step.name}` never run.", where)
            continue
        for body in step.bodies:
            _body(body.steps, look)


def _in_order(steps: Sequence[Step]) -> list[Step]:
    """Predecessors first; a valid document has no circles."""
    known = {step.name: step for step in steps}
    waiting = {step.name: sum(edge.step in known for edge in step.edges) for step in steps}
    after: dict[str, list[str]] = {}
    for step in steps:
        for edge in step.edges:
            after.setdefault(edge.step, []).append(step.name)
    ready = [step for step in steps if not waiting[step.name]]
    for step in ready:
        for name in after.get(step.name, ()):
            waiting[name] -= 1
            if not waiting[name]:
                ready.append(known[name])
    return ready


def _why_never(step: Step, fates: dict[str, Fate]) -> str | None:
    """Why a step's edges can never be satisfied together."""
    needed = len(step.edges) if step.join == "all" else 1 if step.join == "any" else step.join
    impossible = [edge for edge in step.edges if not _possible(edge, fates)]
    if len(step.edges) - len(impossible) < needed:
        edge = impossible[0]
        if fates[edge.step] == "over":
            return f"the run ends with `{edge.step}`, or before it"
        return f"it waits for `{edge.step}` to fail, and that never runs"
    successes = [edge for edge in step.edges if edge.on == "success"]
    if successes and all(fates[edge.step] == "skipped" for edge in successes):
        return f"it needs `{successes[0].step}`, which never runs"
    return None


def _possible(edge: Edge, fates: dict[str, Fate]) -> bool:
    fate = fates[edge.step]
    return fate == "may run" or (fate == "skipped" and edge.on != "failure")
