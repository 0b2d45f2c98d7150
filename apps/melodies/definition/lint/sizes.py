"""Loops that run long, and calls that come all at once."""

from __future__ import annotations

from typing import Any, Final

from apps.melodies.definition.defaults import is_model_kind
from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.pointers import child
from apps.melodies.definition.rows_bodies import Written, inner_lists

from .look import Look

MOST_ITERATIONS: Final = 1_000
MOST_PARALLEL: Final = 10


def check(look: Look) -> None:
    for written in look.steps:
        _iterations(look, written)
        _parallel(look, written)


def whole(value: Any) -> int | None:
    """A number that is one already, not a template."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def iterations_of(look: Look, step: dict[str, Any]) -> int | None:
    """How often a loop runs its steps at most, as far as the document itself says."""
    most = whole(step.get("max_iterations"))
    items = look.constants.items(step["data_source"]) if "data_source" in step else None
    if items is None:
        return most
    return len(items) if most is None else min(most, len(items))


def _iterations(look: Look, written: Written) -> None:
    if not _is_loop(look.kinds.get(str(written.step.get("type")))):
        return
    count = iterations_of(look, written.step)
    if count is None or count <= MOST_ITERATIONS:
        return
    field = "max_iterations" if whole(written.step.get("max_iterations")) == count else "data_source"
    message = (
        f"This loop runs up to {count:,} times; more than {MOST_ITERATIONS:,} take long and fill the record of the run."
    )
    look.warn("many_iterations", message, child(written.pointer, field))


def _is_loop(kind: StepKind | None) -> bool:
    return kind is not None and any(body.name == "steps" and body.shape == "list" for body in kind.bodies)


def _parallel(look: Look, written: Written) -> None:
    step = written.step
    batch = step.get("batch_config")
    tasks = step.get("parallel_tasks")
    limit = _limit(step.get("parallel_config"), "max_workers")
    if isinstance(tasks, list):
        _warn(look, min(len(tasks), limit or len(tasks)), child(written.pointer, "parallel_tasks"))
    elif isinstance(batch, dict):
        _warn(look, _limit(batch, "max_parallel") or 0, child(child(written.pointer, "batch_config"), "max_parallel"))
    elif step.get("parallel") is True and _asks_models(look, step):
        count = whole(step.get("max_parallel")) or 0
        items = iterations_of(look, step)
        _warn(look, count if items is None else min(count, items), child(written.pointer, "max_parallel"))


def _limit(section: Any, field: str) -> int | None:
    return whole(section.get(field)) if isinstance(section, dict) else None


def _warn(look: Look, count: int, pointer: str) -> None:
    if count > MOST_PARALLEL:
        message = f"Up to {count:,} calls of a model run side by side; most accounts are limited to fewer than that, and wait."
        look.warn("many_parallel", message, pointer)


def _asks_models(look: Look, step: dict[str, Any]) -> bool:
    pending = [step]
    while pending:
        current = pending.pop()
        kind = look.kinds.get(str(current.get("type")))
        if kind is not None and is_model_kind(kind):
            return True
        for inner in inner_lists(current, look.kinds):
            pending.extend(below for below in inner.steps if isinstance(below, dict))
    return False
