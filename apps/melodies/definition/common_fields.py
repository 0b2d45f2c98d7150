"""The fields every step may have, whatever its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .fields import read_flag, read_positive, read_text, wrong_type
from .model import Edge, EdgeOn, Join
from .pointers import child
from .problems import ProblemList

UNDERSTOOD = frozenset(
    {
        "name", "type", "description", "role", "condition", "continue_on_error", "output_to_file", "timeout_seconds",
        "timeout", "enabled", "depends_on", "join",
    }
)  # fmt: skip
UNSUPPORTED = frozenset(
    {
        "output_schema", "error_output", "error_handler", "on_error", "retry", "retry_on_error", "max_retries", "retry_on",
        "cache", "variables", "streaming", "compensate",
    }
)  # fmt: skip
"""Fields of the language this version does not carry out. Refused, because ignoring them would change what a run does.
A kind that declares a field of this name itself keeps it."""

LONGEST_TIMEOUT = 366 * 24 * 3600.0
_OUTCOMES: tuple[EdgeOn, ...] = ("success", "failure", "skipped", "done")


@dataclass(slots=True)
class CommonFields:
    """The common fields of one step. `enabled` false means never run.

    `depends_on` is None when the step does not say. Its entries keep their places, None for one that cannot be read;
    `listed` is false when it was a single entry, not a list.
    """

    description: str = ""
    condition: Any = None
    continue_on_error: bool = False
    output_to_file: str | None = None
    timeout_seconds: float | None = None
    enabled: bool = True
    depends_on: tuple[Edge | None, ...] | None = None
    listed: bool = True
    join: Join = "all"


NOTHING_SAID = CommonFields()
_ONLY_IDENTITY = frozenset({"name", "type"})


def read_common(step: Mapping[str, Any], pointer: str, problems: ProblemList) -> CommonFields:
    """Take the common fields out of a step as written."""
    said = UNDERSTOOD.intersection(step)
    if said <= _ONLY_IDENTITY:
        return NOTHING_SAID
    if "role" in said:
        read_text(step, "role", pointer, problems)
    if "timeout" in said and "timeout_seconds" in said:
        problems.add(
            "conflicting_fields",
            "`timeout` and `timeout_seconds` mean the same; keep one.",
            child(pointer, "timeout"),
            at_key=True,
        )
    timeout = "timeout_seconds" if "timeout_seconds" in said else "timeout"
    common = CommonFields(timeout_seconds=read_positive(step, timeout, LONGEST_TIMEOUT, pointer, problems))
    if "description" in said:
        common.description = read_text(step, "description", pointer, problems) or ""
    if "condition" in said:
        common.condition = _condition(step, pointer, problems)
    if "continue_on_error" in said:
        common.continue_on_error = read_flag(step, "continue_on_error", pointer, problems, default=False)
    if "output_to_file" in said:
        common.output_to_file = _output_file(step, pointer, problems)
    if "enabled" in said:
        common.enabled = read_flag(step, "enabled", pointer, problems, default=True)
    if "depends_on" in said:
        common.listed = isinstance(step["depends_on"], list)
        common.depends_on = _depends_on(step["depends_on"], child(pointer, "depends_on"), problems)
    if "join" in said:
        common.join = _join(step, pointer, problems)
    return common


def _condition(step: Mapping[str, Any], pointer: str, problems: ProblemList) -> Any:
    condition = step.get("condition")
    if condition is None or isinstance(condition, str | bool | dict | list):
        return condition
    wrong_type(problems, "condition", "text, or a mapping of and/or/not", condition, child(pointer, "condition"))
    return None


def _output_file(step: Mapping[str, Any], pointer: str, problems: ProblemList) -> str | None:
    path = read_text(step, "output_to_file", pointer, problems)
    if path is not None and not path.strip():
        problems.add("missing_value", "`output_to_file` needs a file name.", child(pointer, "output_to_file"))
        return None
    return path


def _join(step: Mapping[str, Any], pointer: str, problems: ProblemList) -> Join:
    join = step["join"]
    if join is None or join == "all":
        return "all"
    if join == "any":
        return "any"
    if isinstance(join, int) and not isinstance(join, bool) and join >= 1:
        return join
    meant = (join, ("all", "any")) if isinstance(join, str) else None
    message = "`join` should be all, any, or how many of the dependencies must hold (1 or more)."
    problems.add("invalid_join", message, child(pointer, "join"), meant=meant)
    return "all"


def _depends_on(written: Any, pointer: str, problems: ProblemList) -> tuple[Edge | None, ...]:
    if written is None:
        return ()
    if not isinstance(written, list):
        return (_dependency(written, pointer, problems),)
    return tuple(
        [
            Edge(item) if isinstance(item, str) else _dependency(item, child(pointer, index), problems)
            for index, item in enumerate(written)
        ]
    )


def _dependency(item: Any, pointer: str, problems: ProblemList) -> Edge | None:
    if isinstance(item, str):
        return Edge(item)
    if not isinstance(item, dict):
        wrong_type(problems, "depends_on", "the name of a step, or {step, on}", item, pointer)
        return None
    for key in item:
        if key not in ("step", "on"):
            message = f"`{key}` is not part of a dependency; it has `step` and `on`."
            problems.add("unknown_field", message, child(pointer, key), at_key=True, meant=(key, ("step", "on")))
    name = item.get("step")
    if not isinstance(name, str):
        problems.add("missing_field", "A dependency needs the name of a step in `step`.", pointer)
        return None
    on = item.get("on", "success")
    if on not in _OUTCOMES:
        message = "`on` should be success, failure, skipped or done."
        meant = (on, _OUTCOMES) if isinstance(on, str) else None
        problems.add("invalid_outcome", message, child(pointer, "on"), meant=meant)
        return None
    return Edge(name, on)
