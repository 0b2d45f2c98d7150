"""Whether there could be a worker for every step of a version.

A queue counts that is configured (SYMPHONY_QUEUES) or was served lately, a capability that is configured
(SYMPHONY_CAPABILITIES) or that a worker of the queue had lately. That nobody is there just now is no reason to refuse a
run: its steps wait, and the explanation of a task says for whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.conf import settings

from apps.executions import ledger
from apps.executions.errors import NotRunnable
from apps.executions.models import Worker
from apps.executions.routes import BUILT_IN, base_of, capabilities_of, route_of
from apps.melodies.definition import known_kinds, load_value
from apps.melodies.models import MelodyVersion

_ANNOUNCE: Final = (
    "start one with SYMPHONY_WORKER_CAPABILITIES, or have an operator announce it in SYMPHONY_CAPABILITIES."
)


def require_runnable(version: MelodyVersion) -> None:
    """Refuse (`NotRunnable`) what no worker could ever run. The ways to the rest are open from now on.

    For whoever starts a run or lets one go on: within the transaction in which it does.
    """
    never = ledger.not_runnable(version.id)
    if never:
        raise NotRunnable(errors=[_problem(version, step) for step in never])


def why_not(step: ledger.NotRunnable) -> str:
    """The reason in one sentence, and what mends it."""
    if step.reason == "queue":
        return f"Step {step.step!r} is for {_unserved(step.queue, BUILT_IN)}"
    if step.reason == "limit":
        return (
            f"Step {step.step!r} has the limit {step.elsewhere[0]!r}, and there is no pool of this name: "
            "make one of the kind `key`, or leave the limit out."
        )
    needed = " and ".join(repr(name) for name in step.requires)
    if step.reason == "routes":
        return f"Step {step.step!r} requires {needed}, and there are too many such combinations in use already."
    if step.elsewhere:
        return (
            f"Step {step.step!r} requires {needed}, which no worker of the queue {step.queue!r} has: "
            f"those of {_or(step.elsewhere)} have it, so say `queue: {step.elsewhere[0]}`."
        )
    return f"Step {step.step!r} requires {needed}, which no worker of the queue {step.queue!r} has: {_ANNOUNCE}"


def why_pools_nothing(route: str) -> str | None:
    """Why no step could ever be for the queue, or the route, of a pool, in one sentence; None: one could."""
    queue, needed = base_of(route), capabilities_of(route)
    served = Worker.objects.values_list("queues", flat=True)
    known = dict.fromkeys([*settings.SYMPHONY_QUEUE_NAMES, *sorted({name for queues in served for name in queues})])
    if queue not in known:
        return f"This pool is for {_unserved(queue, known)}"
    if route != (ordered := route_of(queue, needed)):
        return f"Capabilities are written in their order, each once: {ordered!r}."
    announced = set(needed) <= set(settings.SYMPHONY_CAPABILITIES)
    if announced or Worker.objects.filter(queues__contains=[queue], capabilities__contains=list(needed)).exists():
        return None
    needs = " and ".join(repr(name) for name in needed)
    return f"No worker of the queue {queue!r} has {needs}: {_ANNOUNCE}"


def _unserved(queue: str, known: Iterable[str]) -> str:
    return (
        f"the queue {queue!r}, which no worker serves: use {_or(known)}, or have an operator add it to SYMPHONY_QUEUES."
    )


def _problem(version: MelodyVersion, step: ledger.NotRunnable) -> dict[str, Any]:
    return {"code": step.reason, "message": why_not(step), "pointer": _pointer(version, step), "step": step.step}


def _pointer(version: MelodyVersion, found: ledger.NotRunnable) -> str:
    """Where the step says it; the defaults when it says nothing itself."""
    field = found.reason if found.reason in ("queue", "limit") else "requires"
    definition = load_value(version.document, known_kinds())
    for step in definition.walk():
        if field == "limit":
            said = step.limit is not None and step.limit.name == found.elsewhere[0]
        else:
            said = found.queue == step.queue if field == "queue" else list(step.requires) == found.requires
        if step.name == found.step and said:
            return (
                f"{step.pointer}/{field}"
                if _is_written(version.document, step.pointer, field)
                else _defaults(version, field)
            )
    return ""


def _is_written(document: Mapping[str, Any], pointer: str, field: str) -> bool:
    value: Any = document
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return field in value


def _defaults(version: MelodyVersion, field: str) -> str:
    return f"/workflow/defaults/{field}" if "workflow" in version.document else f"/defaults/{field}"


def _or(names: Iterable[str]) -> str:
    *most, last = [repr(name) for name in names]
    return f"{', '.join(most)} or {last}" if most else last
