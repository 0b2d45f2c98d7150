"""A part of JSONPath: `$`, `.name`, `..name`, `.*`, `[n]`, `[a:b]`, `['name']`, `[*]`, `[?(condition)]`.

A path that can only mean one value gives that value (null when it is not there); any other gives a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

from apps.melodies.definition.expressions import Scope, compile_condition
from workers.contract import StepFailed
from workers.steps.transform.formulas import allowance
from workers.steps.transform.values import item_scope

MOST_VALUES = 100_000
LONGEST_PATH = 500

_NAME = re.compile(r"[\w-]+")
_INDEX = re.compile(r"\s*(-?\d{1,9})\s*\Z")
_SLICE = re.compile(r"\s*(-?\d{1,9})?\s*:\s*(-?\d{1,9})?\s*\Z")
_QUOTED = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)")\s*\Z""")

Step = Callable[[Any], Iterator[Any]]


class Picking(Protocol):
    """The operation `extract`."""

    @property
    def path(self) -> str: ...


def check_path(path: str) -> None:
    """Raise StepFailed when the path cannot be read, ExpressionError for a condition in it."""
    _compile(path, Scope())


def extract(operation: Picking, data: Any, field: str | None, scope: Scope) -> Any:
    """What the path finds in the data."""
    steps, single = _compile(operation.path, scope)
    values: list[Any] = [data]
    for step in steps:
        values = list(islice((found for value in values for found in step(value)), MOST_VALUES + 1))
        if len(values) > MOST_VALUES:
            raise StepFailed(f"{operation.path!r} finds more than {MOST_VALUES} values", code="too_large")
    if single:
        return values[0] if values else None
    return values


def _compile(path: str, scope: Scope) -> tuple[list[Step], bool]:
    text = path.strip()
    if len(text) > LONGEST_PATH:
        raise StepFailed(f"a path has at most {LONGEST_PATH} characters", code="bad_path")
    text = text.removeprefix("$")
    if text[:1] not in ("", ".", "["):
        text = f".{text}"
    steps: list[Step] = []
    single = True
    position = 0
    while position < len(text):
        step, one, position = _next(text, position, scope)
        steps.extend(step)
        single = single and one
    return steps, single


def _next(text: str, position: int, scope: Scope) -> tuple[list[Step], bool, int]:
    """The steps that begin here, whether they find one value at most, and where they end."""
    if text.startswith("..", position):
        position += 2
        if text.startswith("[", position):
            return [_descendants], False, position
        step, _, end = _named(text, position)
        return [_descendants, step], False, end
    if text[position] == ".":
        step, one, end = _named(text, position + 1)
        return [step], one, end
    end = _closing(text, position)
    step, one = _bracket(text[position + 1 : end], scope)
    return [step], one, end + 1


def _named(text: str, position: int) -> tuple[Step, bool, int]:
    if text.startswith("*", position):
        return _children, False, position + 1
    name = _NAME.match(text, position)
    if name is None:
        raise StepFailed(f"bad path {text[:80]!r}: a name is missing at character {position + 1}", code="bad_path")
    return _child(name.group()), True, name.end()


def _closing(text: str, position: int) -> int:
    """Where the bracket that opens here closes; brackets in quotes and nested ones do not count."""
    depth, quote = 0, ""
    for index in range(position, len(text)):
        character = text[index]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
            if depth == 0:
                return index
    raise StepFailed(f"bad path {text[:80]!r}: a bracket is not closed", code="bad_path")


def _bracket(inside: str, scope: Scope) -> tuple[Step, bool]:
    if inside.strip() == "*":
        return _children, False
    if index := _INDEX.match(inside):
        return _index(int(index.group(1))), True
    if part := _SLICE.match(inside):
        start, stop = (int(text) if text else None for text in part.groups())
        return lambda value: iter(value[start:stop] if isinstance(value, list) else ()), False
    if name := _QUOTED.match(inside):
        return _child(name.group(1) if name.group(1) is not None else name.group(2)), True
    if inside.strip().startswith("?"):
        condition, left = compile_condition(inside.strip()[1:].strip()), allowance()
        return lambda value: (item for item in _children(value) if condition.test(item_scope(scope, item), left)), False
    raise StepFailed(f"bad path: [{inside[:60]}] is not an index, a name in quotes, * or ?(condition)", code="bad_path")


def _child(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, Mapping) and name in value:
            yield value[name]

    return step


def _index(index: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return step


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descendants(value: Any) -> Iterator[Any]:
    """The value and everything inside it, outer before inner."""
    pending = [value]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(list(_children(current))))
