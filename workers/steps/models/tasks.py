"""Tasks that are written in a shorter form inside a step, as the `claude` steps they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workers.contract import FrameOutcome

MOST_TASKS = 1000
_PASSED_ON = ("claude_options", "options", "model", "max_tokens", "temperature", "config", "streaming")
_OF_STEP = ("output_to_file", "condition", "output_schema", "retry", "on_error", "cache", "variables")
_LONGEST_NAME = 200


def claude_step(
    owner: Mapping[str, Any],
    task: Mapping[str, Any],
    task_id: str,
    prompt: Any,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The step a task stands for. Its own options come before those of the step it is written in."""
    step: dict[str, Any] = {"name": step_name(owner.get("name"), task_id), "type": "claude"}
    for field in _PASSED_ON:
        if field in task or field in owner:
            step[field] = _both(owner.get(field), task.get(field))
    step |= {field: task[field] for field in _OF_STEP if field in task}
    if prompt is not None:
        step["prompt"] = prompt
    return step | dict(more or {})


def _both(outer: Any, own: Any) -> Any:
    if isinstance(outer, Mapping) and isinstance(own, Mapping):
        return {**outer, **own}
    return outer if own is None else own


def step_name(owner: Any, task_id: str) -> str:
    """A legal name that no step written by hand is likely to have: `owner__task`."""
    start = owner if isinstance(owner, str) and owner else "step"
    return f"{start}__{re.sub(r'[^A-Za-z0-9_-]', '_', task_id)}"[:_LONGEST_NAME]


def id_of(task: Mapping[str, Any], index: int) -> str:
    """The task's id as written, or `task_0`, `task_1` …"""
    for field in ("id", "task_id", "name"):
        written = task.get(field)
        if isinstance(written, str | int) and not isinstance(written, bool) and str(written):
            return str(written)
    return f"task_{index}"


def seconds(timeout: Any) -> float | None:
    """A task's timeout in seconds. The specification counts in seconds, its engine in milliseconds: up to an hour (3600)
    the number means seconds, above that milliseconds. None when there is none, or it is a template."""
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        return None
    return float(timeout) if timeout <= 3600 else timeout / 1000


def status_of(frame: FrameOutcome) -> str:
    """ok, skipped (its condition did not hold) or error."""
    if frame.error is not None or frame.status != "completed":
        return "error"
    result = next(iter(frame.results.values()), None)
    skipped = result is None or (isinstance(result, Mapping) and result.get("skipped") is True)
    return "skipped" if skipped else "ok"


def result_of(frame: FrameOutcome) -> dict[str, Any] | None:
    """The result of the frame's only step."""
    result = next(iter(frame.results.values()), None)
    return dict(result) if isinstance(result, Mapping) else None
