"""Reading what a workflow allows a run of it: `resource_limits`, `safety`, `max_execution_time`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import read_flag, read_list_of_text, read_number, read_text, wrong_type
from .pointers import child
from .policies import WorkflowLimits
from .problems import ProblemList

COUNTS: Mapping[str, float] = {
    "max_total_steps": 1e9, "max_nesting_depth": 1_000, "max_parallel_steps": 1e6, "max_api_calls": 1e9,
    "max_tokens_total": 1e12, "max_file_operations": 1e9, "max_shell_commands": 1e9, "max_network_requests": 1e9,
}  # fmt: skip
"""Limits in whole numbers, each with the largest one that makes sense."""
AMOUNTS: Mapping[str, float] = {
    "max_execution_time_s": 366 * 24 * 3600.0, "max_memory_mb": 1e7, "max_workspace_size_mb": 1e7,
    "max_output_size_mb": 1e7, "max_cost_usd": 1e9,
}  # fmt: skip
LIMITS = frozenset((*COUNTS, *AMOUNTS))
_MAY_BE_ZERO = frozenset(
    {"max_nesting_depth", "max_api_calls", "max_file_operations", "max_shell_commands", "max_network_requests"}
)

FLAGS = ("sandbox_mode", "allow_network", "block_local_network", "restrict_file_access", "detect_circular_deps")
LISTS = ("allowed_commands", "blocked_commands", "allowed_domains", "allowed_paths", "read_only_paths")
SAFETY = frozenset((*FLAGS, *LISTS, *LIMITS, "max_recursion_time", "network_policy"))


def read_limits(workflow: Mapping[str, Any], pointer: str, problems: ProblemList) -> WorkflowLimits:
    """The limits of a run; where two places say one, the lower."""
    found: dict[str, float] = {}
    _section(workflow, "resource_limits", LIMITS, pointer, problems, found)
    _section(workflow, "safety", SAFETY, pointer, problems, found)
    _lower(found, "max_execution_time_s", _amount(workflow, "max_execution_time", pointer, problems))
    return WorkflowLimits(**{name: int(value) if name in COUNTS else value for name, value in found.items()})  # type: ignore[arg-type]


def _section(
    workflow: Mapping[str, Any],
    name: str,
    known: frozenset[str],
    pointer: str,
    problems: ProblemList,
    found: dict[str, float],
) -> None:
    section = workflow.get(name)
    if not isinstance(section, dict):
        return
    where = child(pointer, name)
    for field in section:
        if field not in known:
            _unknown(field, name, known, child(where, field), problems)
        elif field in FLAGS:
            _flag(section, field, where, problems)
        elif field in LISTS:
            _list(section, field, where, problems)
        elif field == "max_recursion_time":
            _lower(found, "max_recursion_time_s", _amount(section, field, where, problems))
        elif field in LIMITS:
            _lower(found, field, _limit(section, field, where, problems))
        else:
            read_text(section, field, where, problems)


def _list(section: Mapping[str, Any], field: str, pointer: str, problems: ProblemList) -> None:
    """Rules for what is allowed must be lists: a text taken for a list of one here and for nothing there would be a hole."""
    if isinstance(section[field], str):
        wrong_type(problems, field, "a list of texts", section[field], child(pointer, field))
    else:
        read_list_of_text(section, field, pointer, problems)


def _flag(section: Mapping[str, Any], field: str, pointer: str, problems: ProblemList) -> None:
    """`sandbox_mode` is also written as the name of a mode."""
    if field == "sandbox_mode" and isinstance(section[field], str):
        return
    read_flag(section, field, pointer, problems, default=False)


def _limit(section: Mapping[str, Any], field: str, pointer: str, problems: ProblemList) -> float | None:
    most = COUNTS.get(field) or AMOUNTS[field]
    zero = field in _MAY_BE_ZERO
    return read_number(section, field, pointer, problems, most=most, whole=field in COUNTS, zero=zero)


def _amount(section: Mapping[str, Any], field: str, pointer: str, problems: ProblemList) -> float | None:
    return read_number(section, field, pointer, problems, most=AMOUNTS["max_execution_time_s"])


def _lower(found: dict[str, float], name: str, value: float | None) -> None:
    if value is not None:
        found[name] = min(value, found.get(name, value))


def _unknown(field: str, section: str, known: frozenset[str], pointer: str, problems: ProblemList) -> None:
    message = f"`{field}` is not a field of `{section}`"
    if problems.misspelt(field, known):
        problems.add("unknown_field", f"{message}.", pointer, at_key=True, meant=(field, known))
    else:
        problems.warn("unknown_field", f"{message}; it is kept and has no effect.", pointer, at_key=True)
