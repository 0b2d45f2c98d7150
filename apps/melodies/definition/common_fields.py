"""The fields every step may have, whatever its kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import read_flag, read_number, read_text, wrong_type
from .limiting import Limit, read_limit
from .model import Edge, EdgeOn, Join
from .output_schemas import check_schema
from .placing import read_queue, read_requires
from .pointers import child
from .policies import CachePolicy, RetryPolicy
from .policy_fields import RETRY_FIELDS, read_cache, read_retry
from .problems import ProblemList
from .timeouts import LONGEST_TIMEOUT, NO_TIMEOUTS, TIMEOUT_FIELDS, Timeouts, read_timeouts

HANDLERS = ("on_error", "error_handler", "compensate")
UNDERSTOOD = frozenset(
    {
        "name", "type", "description", "role", "condition", "continue_on_error", "output_to_file", "timeout_seconds",
        "timeout", "enabled", "depends_on", "join", "cancel_rest", "exclusive", "output_schema", "error_output", "cache",
        "variables", "streaming", "queue", "requires", "limit", *TIMEOUT_FIELDS, *RETRY_FIELDS,
        *HANDLERS,
    }
)  # fmt: skip
"""The fields any step may have. A kind that declares a field of this name itself keeps it."""

ON_ERROR = ("continue", "skip", "ignore", "stop", "fail", "abort", "halt")
_OUTCOMES: tuple[EdgeOn, ...] = ("success", "failure", "skipped", "done")


_VARIABLE = re.compile(r"[^\W\d][\w-]*\Z")


@dataclass(slots=True)
class CommonFields:
    """The common fields of one step. `enabled` false means never run; what is None the step does not say.

    `depends_on` entries keep their places, None for one that cannot be read; `listed` is false when it was a single entry,
    not a list. `retry` and `cache` are None also where the step refuses them: then `retry_said` and `cache_said` are true.
    """

    description: str = ""
    condition: Any = None
    continue_on_error: bool | None = None
    output_to_file: str | None = None
    timeout_seconds: float | None = None
    timeouts: Timeouts = NO_TIMEOUTS
    enabled: bool = True
    depends_on: tuple[Edge | None, ...] | None = None
    listed: bool = True
    join: Join = "all"
    cancel_rest: bool = False
    exclusive: str | None = None
    retry: RetryPolicy | None = None
    retry_said: bool = False
    cache: CachePolicy | None = None
    cache_said: bool = False
    output_schema: Mapping[str, Any] | bool | None = None
    error_output: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    streaming: bool = False
    queue: str | None = None
    requires: tuple[str, ...] | None = None
    limit: Limit | None = None


NOTHING_SAID = CommonFields()
_ONLY_IDENTITY = frozenset({"name", "type"})


def read_common(step: Mapping[str, Any], own: frozenset[str], pointer: str, problems: ProblemList) -> CommonFields:
    """Take the common fields out of a step as written, but for those in `own`, which its kind has itself."""
    said = UNDERSTOOD.intersection(step)
    if said <= _ONLY_IDENTITY:
        return NOTHING_SAID
    if own:
        said -= own
        said |= {"output_schema"} & step.keys()
    common = CommonFields()
    for name, read in _READERS.items():
        if name in said:
            read(step, common, pointer, problems)
    if not said.isdisjoint(TIMEOUT_FIELDS):
        common.timeouts = read_timeouts(step, said, pointer, problems)
    if not said.isdisjoint(RETRY_FIELDS):
        fields = {name: step[name] for name in RETRY_FIELDS if name in said}
        common.retry = read_retry(fields, pointer, problems)
        common.retry_said = any(value is not None for value in fields.values())
    return common


def _description(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.description = read_text(step, "description", pointer, problems) or ""


def _role(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    read_text(step, "role", pointer, problems)


def _timeout_seconds(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.timeout_seconds = read_number(step, "timeout_seconds", pointer, problems, most=LONGEST_TIMEOUT)


def _timeout(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    if step.get("timeout_seconds") is not None:
        message = "`timeout` and `timeout_seconds` mean the same; keep one."
        problems.add("conflicting_fields", message, child(pointer, "timeout"), at_key=True)
        return
    common.timeout_seconds = read_number(step, "timeout", pointer, problems, most=LONGEST_TIMEOUT)


def _continue_on_error(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.continue_on_error = read_flag(step, "continue_on_error", pointer, problems, default=False)


def _on_error(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    """The older form: a word instead of steps. Lists of steps are read as bodies."""
    written = step["on_error"]
    if not isinstance(written, str):
        return
    if written not in ON_ERROR:
        message = "`on_error` should be a list of steps to run when this one has failed, or the word continue or stop."
        problems.add("invalid_value", message, child(pointer, "on_error"), meant=(written, ON_ERROR))
    elif step.get("continue_on_error") is None:
        common.continue_on_error = written in ("continue", "skip", "ignore")


def _enabled(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.enabled = read_flag(step, "enabled", pointer, problems, default=True)


def _read_condition(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.condition = _condition(step, pointer, problems)


def _read_output_file(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.output_to_file = _output_file(step, pointer, problems)


def _read_depends_on(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.listed = isinstance(step["depends_on"], list)
    common.depends_on = _depends_on(step["depends_on"], child(pointer, "depends_on"), problems)


def _read_join(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.join = _join(step, pointer, problems)


def _cancel_rest(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.cancel_rest = read_flag(step, "cancel_rest", pointer, problems, default=False)
    if common.cancel_rest and step.get("join") in (None, "all"):
        message = "`cancel_rest` has no effect here: it is for a step that starts early, by `join: any` or a number."
        problems.warn("no_effect", message, child(pointer, "cancel_rest"), at_key=True)


def _exclusive(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.exclusive = read_text(step, "exclusive", pointer, problems)
    if common.exclusive is not None and not common.exclusive.strip():
        problems.add("missing_value", "`exclusive` needs a name.", child(pointer, "exclusive"))
    elif common.exclusive is not None and not common.exclusive.isprintable():
        problems.add("invalid_value", "`exclusive` is a plain name on one line.", child(pointer, "exclusive"))
    elif common.exclusive is not None and "{{" in common.exclusive:
        message = "`exclusive` should be a plain name, not a template: it is needed before the step has values."
        problems.add("invalid_value", message, child(pointer, "exclusive"))


def _cache(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.cache_said = step["cache"] is not None
    common.cache = read_cache(step, pointer, problems) if common.cache_said else None


def _output_schema(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    schema, where = step["output_schema"], child(pointer, "output_schema")
    if isinstance(schema, dict | bool):
        common.output_schema = schema
        check_schema(schema, where, problems)
    elif schema is not None:
        wrong_type(problems, "output_schema", "a JSON Schema, so a mapping", schema, where)


def _error_output(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    name = read_text(step, "error_output", pointer, problems)
    if name is not None and not _VARIABLE.match(name):
        message = "`error_output` names a variable: it starts with a letter or _, then letters, digits, _ or -."
        problems.add("invalid_name", message, child(pointer, "error_output"))
        return
    common.error_output = name


def _variables(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    variables = step["variables"]
    if isinstance(variables, dict):
        common.variables = variables
    elif variables is not None:
        wrong_type(problems, "variables", "a mapping from names to values", variables, child(pointer, "variables"))


def _streaming(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    streaming, where = step["streaming"], child(pointer, "streaming")
    if isinstance(streaming, bool):
        common.streaming = streaming
    elif isinstance(streaming, dict):
        common.streaming = read_flag(streaming, "enabled", where, problems, default=False)
    elif streaming is not None:
        wrong_type(problems, "streaming", "true, or a mapping such as {enabled}", streaming, where)


def _queue(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.queue = read_queue(step, pointer, problems)


def _requires(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.requires = read_requires(step, pointer, problems)


def _limit(step: Mapping[str, Any], common: CommonFields, pointer: str, problems: ProblemList) -> None:
    common.limit = read_limit(step, pointer, problems)


_READERS = {
    "role": _role, "description": _description, "condition": _read_condition, "on_error": _on_error,
    "continue_on_error": _continue_on_error, "output_to_file": _read_output_file, "timeout_seconds": _timeout_seconds,
    "timeout": _timeout, "enabled": _enabled, "depends_on": _read_depends_on, "join": _read_join,
    "cancel_rest": _cancel_rest, "exclusive": _exclusive, "cache": _cache, "output_schema": _output_schema,
    "error_output": _error_output, "variables": _variables, "streaming": _streaming, "queue": _queue, "requires": _requires,
    "limit": _limit,
}  # fmt: skip


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
