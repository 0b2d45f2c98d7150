"""The frame of a document: the `workflow` key and the fields beside its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .fields import read_name, read_text, what, wrong_type
from .pointers import child
from .problems import ProblemList

_TEXT = frozenset({"description", "author", "workspace_dir", "checkpoint_dir", "output_dir", "extends"})
_MAPPINGS = frozenset(
    {
        "metadata", "variables", "global_vars", "defaults", "gemini_functions", "claude_auth", "gemini_auth", "environment",
        "resource_limits", "safety", "input_schema", "mcp_servers", "agents", "hooks",
    }
)  # fmt: skip
_LISTS = frozenset({"tags", "steps", "connections"})
_FLAGS = frozenset({"checkpoint_enabled"})
_ANYTHING = frozenset(
    {
        "name", "version", "mode", "inputs", "outputs", "input", "continue_on_error", "max_execution_time", "retry_on_failure",
        "retry_attempts", "workspace_config", "output_config", "checkpoint_config", "providers", "models", "performance",
        "token_management", "telemetry", "monitoring", "directories", "cache_config", "include", "$if", "$then", "$else",
        "enable_skills", "setting_sources", "enable_context_management", "memory_config",
    }
)  # fmt: skip
"""Read elsewhere, or kept as documentation: the language names them and no run depends on them."""
FIELDS = _TEXT | _MAPPINGS | _LISTS | _FLAGS | _ANYTHING

_CONNECTION = ("from", "from_output", "to", "to_input")


@dataclass(frozen=True, slots=True)
class Connection:
    """An edge drawn in an editor; the ports stay in the document."""

    source: str
    target: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """The fields of a workflow, its steps still unread. `mode` is None when the document does not say."""

    pointer: str
    name: str
    description: str
    mode: Literal["order", "dag"] | None
    variables: Mapping[str, Any]
    connections: tuple[Connection, ...]
    steps: list[Any]


def read_workflow(document: Any, problems: ProblemList) -> Workflow | None:
    """Find the workflow in a document; None when there is nothing to go on with."""
    if not isinstance(document, dict):
        problems.add("wrong_type", f"A melody is a mapping with the key `workflow`, not {what(document)}.", "")
        return None
    if "workflow" not in document:
        return _unwrapped(document, problems)
    for key in document:
        if key != "workflow":
            message = f"`{key}` cannot stand beside `workflow`" + (
                "; move it into `workflow`." if key in FIELDS else "."
            )
            problems.add("unknown_field", message, child("", key), at_key=True)
    workflow = document["workflow"]
    if not isinstance(workflow, dict):
        wrong_type(problems, "workflow", "a mapping with `name` and `steps`", workflow, "/workflow")
        return None
    return _fields(workflow, "/workflow", problems)


def _unwrapped(document: Mapping[str, Any], problems: ProblemList) -> Workflow | None:
    if "steps" in document or {"name", "description"} <= document.keys():
        message = (
            "The document has no `workflow`: put `workflow:` on a first line of its own and indent everything below it."
        )
        problems.add("missing_workflow", message, "")
        return _fields(document, "", problems)
    for key in document:
        if isinstance(key, str):
            problems.add(
                "unknown_field",
                f"`{key}` is not a key of a melody.",
                child("", key),
                at_key=True,
                meant=(key, ("workflow",)),
            )
    problems.add("missing_workflow", "A melody needs the key `workflow`, and below it `name` and `steps`.", "")
    return None


def _fields(workflow: Mapping[str, Any], pointer: str, problems: ProblemList) -> Workflow:
    name = read_name(workflow, "A workflow", pointer, problems)
    for key, value in workflow.items():
        where = child(pointer, key)
        if key not in FIELDS:
            message = f"`{key}` is not a field of a workflow."
            problems.add("unknown_field", message, where, at_key=True, meant=(key, FIELDS))
        elif value is not None and key != "steps":
            _check_type(key, value, where, problems)
    return Workflow(
        pointer=pointer,
        name=name or "",
        description=(read_text(workflow, "description", pointer, ProblemList(1)) or ""),
        mode=_mode(workflow, pointer, problems),
        variables={**_mapping(workflow, "global_vars"), **_mapping(workflow, "variables")},
        connections=_connections(workflow, pointer, problems),
        steps=_steps(workflow, pointer, problems),
    )


def _check_type(key: str, value: Any, pointer: str, problems: ProblemList) -> None:
    if key in _TEXT and not isinstance(value, str):
        wrong_type(problems, key, "text", value, pointer)
    elif key in _MAPPINGS and not isinstance(value, dict):
        wrong_type(problems, key, "a mapping", value, pointer)
    elif key in _LISTS and not isinstance(value, list):
        wrong_type(problems, key, "a list", value, pointer)
    elif key in _FLAGS and not isinstance(value, bool):
        wrong_type(problems, key, "true or false", value, pointer)
    elif key == "version" and (isinstance(value, bool) or not isinstance(value, str | int | float)):
        wrong_type(problems, key, "text", value, pointer)


def _mapping(workflow: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = workflow.get(field)
    return value if isinstance(value, dict) else {}


def _mode(workflow: Mapping[str, Any], pointer: str, problems: ProblemList) -> Literal["order", "dag"] | None:
    mode = workflow.get("mode")
    if mode == "order":
        return "order"
    if mode == "dag":
        return "dag"
    if mode is not None:
        meant = (mode, ("order", "dag")) if isinstance(mode, str) else None
        problems.add("invalid_mode", "`mode` should be order or dag.", child(pointer, "mode"), meant=meant)
    return None


def _steps(workflow: Mapping[str, Any], pointer: str, problems: ProblemList) -> list[Any]:
    steps = workflow.get("steps")
    where = child(pointer, "steps")
    if steps is None:
        problems.add("missing_steps", "A workflow needs `steps`.", where if "steps" in workflow else pointer)
    elif not isinstance(steps, list):
        wrong_type(problems, "steps", "a list of steps", steps, where)
    elif not steps:
        problems.add("missing_steps", "A workflow needs at least one step.", where)
    else:
        return steps
    return []


def _connections(workflow: Mapping[str, Any], pointer: str, problems: ProblemList) -> tuple[Connection, ...]:
    written = workflow.get("connections")
    if not isinstance(written, list):
        return ()
    where = child(pointer, "connections")
    read = (_connection(item, child(where, index), problems) for index, item in enumerate(written))
    return tuple(connection for connection in read if connection is not None)


def _connection(item: Any, pointer: str, problems: ProblemList) -> Connection | None:
    if not isinstance(item, dict):
        problems.add("wrong_type", f"A connection should be a mapping with `from` and `to`, not {what(item)}.", pointer)
        return None
    for key, value in item.items():
        if key not in _CONNECTION:
            message = f"`{key}` is not part of a connection."
            problems.add("unknown_field", message, child(pointer, key), at_key=True, meant=(key, _CONNECTION))
        elif value is not None and not isinstance(value, str):
            wrong_type(problems, key, "text", value, child(pointer, key))
    source, target = item.get("from"), item.get("to")
    for field, value in (("from", source), ("to", target)):
        if value is None:
            problems.add("missing_field", f"A connection needs the name of a step in `{field}`.", pointer)
    if isinstance(source, str) and isinstance(target, str):
        return Connection(source, target, pointer)
    return None
