"""The frame of a document: the `workflow` key and the fields beside its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .defaults import Defaults, read_defaults
from .fields import read_flag, read_name, read_number, read_text, what, wrong_type
from .pointers import child
from .policies import WorkflowLimits
from .problems import ProblemList
from .workflow_limits import read_limits

_TEXT = frozenset({"description", "workspace_dir", "checkpoint_dir", "output_dir"})
_MAPPINGS = frozenset(
    {
        "metadata", "variables", "global_vars", "defaults", "gemini_functions", "claude_auth", "gemini_auth", "environment",
        "resource_limits", "safety",
    }
)  # fmt: skip
_LISTS = frozenset({"steps", "connections", "tags"})
_FLAGS = frozenset({"checkpoint_enabled", "continue_on_error"})
_READ = _TEXT | _MAPPINGS | _LISTS | _FLAGS | {"name", "version", "mode", "max_execution_time"}
"""Fields whose misspelling would change what a run does, or what people see of it."""
_NOT_CARRIED_OUT = frozenset({"extends", "include", "$if", "$then", "$else"})
_DECORATIVE = frozenset(
    {
        "inputs", "outputs", "input", "output", "input_schema", "config", "retry_on_failure", "retry_attempts",
        "workspace_config", "output_config", "checkpoint_config", "providers", "models", "performance", "token_management",
        "telemetry", "monitoring", "directories", "cache_config", "enable_skills", "setting_sources",
        "author", "enable_context_management", "memory_config", "hooks", "mcp_servers", "agents", "authentication",
    }
)  # fmt: skip
"""Named by the language and kept; no run depends on them."""
FIELDS = _READ | _DECORATIVE | _NOT_CARRIED_OUT

MODES = ("development", "production", "test")
DEBUG_LEVELS = ("basic", "detailed", "performance")
_CONNECTION = ("from", "from_output", "to", "to_input")


@dataclass(frozen=True, slots=True)
class Connection:
    """An edge drawn in an editor; the ports stay in the document."""

    source: str
    target: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """The fields of a workflow, its steps still unread. `mode` is None when the document does not say; `fields` are all of
    its fields but the steps, as written."""

    pointer: str
    name: str
    description: str
    mode: Literal["order", "dag"] | None
    variables: Mapping[str, Any]
    connections: tuple[Connection, ...]
    steps: list[Any]
    steps_at: str
    defaults: Defaults
    limits: WorkflowLimits
    functions: frozenset[str]
    output_dir: str | None
    fields: Mapping[str, Any]


def read_workflow(document: Any, problems: ProblemList) -> Workflow | None:
    """Find the workflow in a document; None when there is nothing to go on with."""
    if not isinstance(document, dict):
        problems.add("wrong_type", f"A melody is a mapping with the key `workflow`, not {what(document)}.", "")
        return None
    if "workflow" not in document:
        return _unwrapped(document, problems)
    for key in document:
        if key != "workflow":
            _beside(key, problems)
    workflow = document["workflow"]
    if not isinstance(workflow, dict):
        wrong_type(problems, "workflow", "a mapping with `name` and `steps`", workflow, "/workflow")
        return None
    if "steps" in document and "steps" not in workflow:
        # Told already, as a slip of the indentation; what else is wrong with the steps is told with it.
        return _fields({**workflow, "steps": document["steps"]}, "/workflow", problems, steps_at="/steps")
    return _fields(workflow, "/workflow", problems)


def read_nested(written: Any, field: str, pointer: str, problems: ProblemList) -> Workflow | None:
    """A workflow inside a step, with or without the key `workflow` around it; it needs no name."""
    if isinstance(written, dict) and "workflow" in written:
        written, pointer, field = written["workflow"], child(pointer, "workflow"), "workflow"
    if not isinstance(written, dict):
        wrong_type(problems, field, "a mapping with `steps`", written, pointer)
        return None
    return _fields(written, pointer, problems, nameless=written.get("name") is None)


def _beside(key: str, problems: ProblemList) -> None:
    """A key that stands beside `workflow`: a slip of the indentation, or a stranger."""
    where = child("", key)
    if key in FIELDS - _DECORATIVE:
        message = f"`{key}` cannot stand beside `workflow`; move it into `workflow`, so indent it."
        problems.add("unknown_field", message, where, at_key=True)
    elif problems.misspelt(key, ("workflow",)):
        message = f"`{key}` cannot stand beside `workflow`."
        problems.add("unknown_field", message, where, at_key=True, meant=(key, ("workflow",)))
    else:
        message = f"`{key[:80]}` beside `workflow` is not read; it is kept and has no effect."
        problems.warn("unknown_field", message, where, at_key=True)


def _unwrapped(document: Mapping[str, Any], problems: ProblemList) -> Workflow | None:
    if "steps" in document or {"name", "description"} <= document.keys():
        message = (
            "The document has no `workflow`: put `workflow:` on a first line of its own and indent everything below it."
        )
        problems.add("missing_workflow", message, "")
        return _fields(document, "", problems, nameless="name" not in document)
    for key in document:
        if problems.misspelt(key, ("workflow",)):
            message = f"`{key}` is not a key of a melody."
            problems.add("unknown_field", message, child("", key), at_key=True, meant=(key, ("workflow",)))
            return None
    problems.add("missing_workflow", "A melody needs the key `workflow`, and below it `name` and `steps`.", "")
    return None


def _fields(
    workflow: Mapping[str, Any],
    pointer: str,
    problems: ProblemList,
    *,
    nameless: bool = False,
    steps_at: str | None = None,
) -> Workflow:
    name = None if nameless else read_name(workflow, "A workflow", pointer, problems)
    for key, value in workflow.items():
        where = child(pointer, key)
        if key not in FIELDS:
            _unknown(key, where, problems)
        elif key in _NOT_CARRIED_OUT:
            message = f"`{key}` is kept but not carried out: write what it stands for into this document."
            problems.warn("not_carried_out", message, where, at_key=True)
        elif value is not None and key != "steps":
            _check_type(key, value, where, problems)
    defaults = read_defaults(workflow, pointer, problems)
    output_dir = workflow.get("output_dir")
    return Workflow(
        pointer=pointer,
        name=name or "",
        description=(read_text(workflow, "description", pointer, ProblemList(1)) or ""),
        mode=_mode(workflow, pointer, problems),
        variables={**_mapping(workflow, "global_vars"), **_mapping(workflow, "variables")},
        connections=_connections(workflow, pointer, problems),
        steps=_steps(workflow, pointer, problems),
        steps_at=steps_at or child(pointer, "steps"),
        defaults=defaults,
        limits=read_limits(workflow, pointer, problems),
        functions=_functions(workflow, pointer, problems),
        output_dir=defaults.output_dir or (output_dir if isinstance(output_dir, str) else None),
        fields={key: value for key, value in workflow.items() if key != "steps"},
    )


def _unknown(key: str, pointer: str, problems: ProblemList) -> None:
    if problems.misspelt(key, _READ):
        problems.add(
            "unknown_field", f"`{key}` is not a field of a workflow.", pointer, at_key=True, meant=(key, _READ)
        )
    else:
        message = f"`{key[:80]}` is not a field of a workflow; it is kept and has no effect."
        problems.warn("unknown_field", message, pointer, at_key=True)


def _functions(workflow: Mapping[str, Any], pointer: str, problems: ProblemList) -> frozenset[str]:
    """The names in `gemini_functions`, whose definitions are checked."""
    functions = _mapping(workflow, "gemini_functions")
    for name, function in functions.items():
        where = child(child(pointer, "gemini_functions"), name)
        if not isinstance(function, dict):
            wrong_type(problems, name, "a mapping with `description` and `parameters`", function, where)
            continue
        if function.get("description") is None:
            problems.add("missing_field", f"The function `{name}` needs a `description`.", where)
        else:
            read_text(function, "description", where, problems)
        if function.get("parameters") is None:
            problems.add("missing_field", f"The function `{name}` needs `parameters`, a JSON Schema.", where)
        elif not isinstance(function["parameters"], dict):
            wrong_type(problems, "parameters", "a mapping", function["parameters"], child(where, "parameters"))
    return frozenset(functions)


def _check_type(key: str, value: Any, pointer: str, problems: ProblemList) -> None:
    if key in _TEXT and not isinstance(value, str):
        wrong_type(problems, key, "text", value, pointer)
    elif key in _MAPPINGS and not isinstance(value, dict):
        wrong_type(problems, key, "a mapping", value, pointer)
    elif key in _LISTS and not isinstance(value, list):
        wrong_type(problems, key, "a list", value, pointer)
    elif key in _FLAGS and not isinstance(value, bool):
        wrong_type(problems, key, "true or false", value, pointer)
    elif key == "environment":
        _environment(value, pointer, problems)
    elif key == "version" and (isinstance(value, bool) or not isinstance(value, str | int | float)):
        wrong_type(problems, key, "text", value, pointer)


def _environment(environment: Mapping[str, Any], pointer: str, problems: ProblemList) -> None:
    for field, known in (("mode", MODES), ("debug_level", DEBUG_LEVELS)):
        value = read_text(environment, field, pointer, problems)
        if value is not None and value not in known:
            message = f"`{field}` should be {', '.join(known[:-1])} or {known[-1]}."
            problems.add("invalid_value", message, child(pointer, field), meant=(value, known))
    read_flag(environment, "force_mock_providers", pointer, problems, default=False)
    alerts = environment.get("cost_alerts")
    if alerts is None:
        return
    where = child(pointer, "cost_alerts")
    if not isinstance(alerts, dict):
        wrong_type(problems, "cost_alerts", "a mapping", alerts, where)
        return
    for field in ("enabled", "notify_on_exceed"):
        read_flag(alerts, field, where, problems, default=False)
    read_number(alerts, "threshold_usd", where, problems, most=1e9, zero=True)


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
        wrong_type(problems, "steps", "a list of steps, each beginning with `- `", steps, where)
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
