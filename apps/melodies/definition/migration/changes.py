"""What there is to change in a document, and how. Works on plain mappings and on those of ruamel.yaml alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.pointers import child
from apps.melodies.definition.rows_bodies import Written, inner_lists, workflow_of, written_steps

from .keys import insert_before, pair_up, rename
from .texts import Names, rewritten


@dataclass(frozen=True, slots=True)
class Change:
    """One older form: where it stands, what should stand there, and the deed."""

    pointer: str
    message: str
    apply: Callable[[], None]
    at_key: bool = True


_RECOMMENDED: Final[dict[str, dict[str, Any]]] = {
    "environment": {"mode": "production", "debug_level": "basic"},
    "claude_auth": {"auto_check": True, "provider": "anthropic"},
}


def find_changes(document: Any, kinds: Mapping[str, StepKind], *, complete: bool = False) -> list[Change]:
    """All older forms of a document; with `complete`, also the sections that version 2 recommends and it lacks.

    Apply them in this order: texts first, for the others move them about.
    """
    found = workflow_of(document)
    if found is None:
        return []
    workflow, pointer = found
    steps = list(written_steps(workflow, kinds, pointer))
    names = frozenset(name for written in steps if isinstance(name := written.step.get("name"), str))
    changes = [change for written in steps for change in _texts(written, names, kinds)]
    changes.extend(_defaults(workflow, pointer))
    for written in steps:
        changes.extend(_step(written.step, written.pointer))
    return [*changes, *_sections(workflow, pointer)] if complete else changes


def _sections(workflow: dict[str, Any], pointer: str) -> Iterator[Change]:
    for name, section in _RECOMMENDED.items():
        if name not in workflow:
            message = f"Version 2 recommends a section `{name}`."
            yield Change(pointer, message, partial(insert_before, workflow, "steps", name, section))


# -- texts ---------------------------------------------------------------------------------------------------------
def _texts(written: Written, names: frozenset[str], kinds: Mapping[str, StepKind]) -> Iterator[Change]:
    """In all strings of a step but those of the steps inside it."""
    step, kind = written.step, kinds.get(str(written.step.get("type")))
    inner = {id(below.steps) for below in inner_lists(step, kinds)}
    for key, value in list(step.items()):
        if key in ("name", "type") or (kind is not None and key in kind.literals):
            continue
        known = Names(names, written.iterators, is_source=kind is not None and key in kind.sources)
        yield from _strings(step, key, value, child(written.pointer, key), known, inner)


def _strings(holder: Any, key: Any, value: Any, pointer: str, names: Names, leave_out: set[int]) -> Iterator[Change]:
    if isinstance(value, str):
        new, message = rewritten(value, names)
        if new != value:
            yield Change(pointer, message, lambda: holder.__setitem__(key, _like(value, new)), at_key=False)
    elif isinstance(value, dict | list) and id(value) not in leave_out:
        inside = Names(names.steps, names.iterators)
        members = list(value.items() if isinstance(value, dict) else enumerate(value))
        for name, member in members:
            yield from _strings(value, name, member, child(pointer, name), inside, leave_out)


def _like(old: str, new: str) -> str:
    """A text in the quotes of the old one: ruamel.yaml has a class for each."""
    anchor = getattr(old, "anchor", None)
    made = type(old)(new)
    if anchor is not None and getattr(anchor, "value", None):
        made.yaml_set_anchor(anchor.value, always_dump=True)  # type: ignore[attr-defined]  # as its class says
    return made


# -- fields --------------------------------------------------------------------------------------------------------
def _defaults(workflow: dict[str, Any], pointer: str) -> Iterator[Change]:
    defaults = workflow.get("defaults")
    if isinstance(defaults, dict):
        yield from _output_format(defaults, "claude_output_format", child(pointer, "defaults"))
        yield from _options(defaults.get("claude_options"), child(child(pointer, "defaults"), "claude_options"))


def _step(step: dict[str, Any], pointer: str) -> Iterator[Change]:
    if step.get("on_error") == "continue" and "continue_on_error" not in step:
        message = "`on_error: continue` is the older form of `continue_on_error: true`."
        where = child(pointer, "on_error")
        yield Change(where, message, lambda: rename(step, "on_error", "continue_on_error", True))
    yield from _attempts(step, pointer)
    for name in ("retry", "retry_config"):
        if isinstance(step.get(name), dict):
            yield from _attempts(step[name], child(pointer, name))
    yield from _options(step.get("claude_options"), child(pointer, "claude_options"))
    for list_name in ("parallel_tasks", "tasks"):
        tasks = step.get(list_name)
        for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
            if isinstance(task, dict):
                where = child(child(child(pointer, list_name), index), "claude_options")
                yield from _options(task.get("claude_options"), where)
    if step.get("type") == "set_variable" and isinstance(step.get("variable"), str) and "variables" not in step:
        message = "`variable` and `value` are the older form of `variables: {name: value}`."
        where = child(pointer, "variable")
        yield Change(where, message, lambda: pair_up(step, "variable", "value", "variables"))


def _attempts(mapping: dict[str, Any], pointer: str) -> Iterator[Change]:
    """The first attempt counted, or not: 3 attempts are 2 retries."""
    attempts = mapping.get("max_attempts")
    if isinstance(attempts, int) and not isinstance(attempts, bool) and attempts >= 1 and "max_retries" not in mapping:
        message = f"`max_attempts: {attempts}` is the older form of `max_retries: {attempts - 1}`, which leaves out the first attempt."
        where = child(pointer, "max_attempts")
        yield Change(where, message, lambda: rename(mapping, "max_attempts", "max_retries", attempts - 1))


def _options(options: Any, pointer: str) -> Iterator[Change]:
    if isinstance(options, dict):
        yield from _output_format(options, "output_format", pointer)
        if isinstance(options.get("retry_config"), dict):
            yield from _attempts(options["retry_config"], child(pointer, "retry_config"))


def _output_format(mapping: dict[str, Any], key: str, pointer: str) -> Iterator[Change]:
    written = mapping.get(key)
    if written == "stream-json":
        new = _like(written, "stream_json")
        message = "`stream-json` is the older form of `stream_json`."
        yield Change(child(pointer, key), message, lambda: mapping.__setitem__(key, new), at_key=False)
