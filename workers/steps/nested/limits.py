"""What keeps nested melodies from running away: depth, circles, size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.contract import MelodyRef, StepContext, StepFailed

DEEPEST = 10


def check_depth(step: StepContext, configured: int | None) -> None:
    """The lowest of the limits that are given holds; without any, 10."""
    given = [
        configured,
        _limit(step.workflow.section("safety"), "max_nesting_depth"),
        _limit(step.workflow.section("resource_limits"), "max_nesting_depth"),
    ]
    most = min((limit for limit in given if limit is not None), default=DEEPEST)
    depth = step.depth + 1
    if depth > most:
        raise StepFailed(
            f"Maximum nesting depth ({most}) exceeded: current depth is {depth}. Raise `config.max_depth` or "
            "`safety.max_nesting_depth` if melodies are meant to nest that deep.",
            code="nesting_too_deep",
            final=True,
        )


def check_circle(step: StepContext, melody: MelodyRef) -> None:
    """A melody inside itself is refused, unless the document says `safety.detect_circular_deps: false`."""
    if step.workflow.section("safety").get("detect_circular_deps") is False or melody.melody_id not in step.ancestors:
        return
    way = [melody.name]
    between = len(step.ancestors) - 1 - step.ancestors.index(melody.melody_id)
    if between > 1:
        way.append("…")
    if between:
        way.append(step.workflow.name)
    raise StepFailed(
        f"Circular dependency detected: {' -> '.join([*way, melody.name])}. If it is meant to end by itself, say so by "
        "`safety: {detect_circular_deps: false}`.",
        code="circular_pipeline",
        final=True,
    )


def check_size(step: StepContext, size: int, most: int | None) -> None:
    """`config.max_total_steps`, counted over the whole run."""
    total = step.total_tasks + size
    if most is not None and total > most:
        raise StepFailed(
            f"Maximum total steps ({most}) exceeded: current total is {total}.", code="too_many_steps", final=True
        )


def _limit(section: Mapping[str, Any], name: str) -> int | None:
    value = section.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
