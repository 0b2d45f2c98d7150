"""Data sources: all the ways a step names the data it works on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.expression import REMEMBERED_CHARS, Expression, build, compile_expression
from apps.melodies.definition.expressions.parser import parse, parse_steps_path
from apps.melodies.definition.expressions.references import References
from apps.melodies.definition.expressions.scope import Scope
from apps.melodies.definition.expressions.templates import compile_template

_PREVIOUS = re.compile(r"\s*previous_response:\s*(?P<step>[^.:\[\]{}]*[^.:\[\]{}\s])\s*(?P<tail>[.:\[].*)?", re.DOTALL)
_CONTEXT = re.compile(r"\s*context:\s*(?P<path>.+)", re.DOTALL)
_NAMED = re.compile(r"\s*(?P<name>[^\W\d]\w*(?:-\w+)*):\s*(?P<path>[^\W\d].*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """A compiled data source."""

    references: References
    produce: Callable[[Scope], Any]

    def evaluate(self, scope: Scope) -> Any:
        """The data as JSON; null when it is not there."""
        return self.produce(scope)


def compile_source(value: Any) -> Source:
    """Compile a data source: a text in one of the forms of the language, or a list or map taken as it is.

    `previous_response:STEP.path` and `previous_response:STEP:path` read a step; `NAME:path` reads a loop item, variable
    or step; `context:path` reads any name; every other text is an expression. Templates in a literal are filled in.
    """
    if isinstance(value, str):
        expression = _remembered(value) if len(value) <= REMEMBERED_CHARS else _written(value)
        return Source(expression.references, expression.evaluate_json)
    template = compile_template(value)
    return Source(template.references, template.render)


def _written(text: str) -> Expression:
    for pattern, read in ((_PREVIOUS, _previous), (_CONTEXT, _context), (_NAMED, _named)):
        found = pattern.fullmatch(text)
        if found is not None:
            return read(found, text)
    return compile_expression(text)


_remembered = lru_cache(maxsize=512)(_written)


def _previous(found: re.Match[str], text: str) -> Expression:
    tail = found["tail"] or ""
    offset = found.start("tail") if tail else len(text)
    try:
        path = "." + tail[1:].lstrip(".") if tail.startswith(":") else tail
        return build(parse_steps_path(found["step"], path, 0), text, offset)
    except ExpressionError as error:
        raise error.inside(text, offset) from None


def _context(found: re.Match[str], text: str) -> Expression:
    path, offset = found["path"], found.start("path")
    if path.startswith("results."):
        path, offset = "steps." + path[8:], offset + 2
    return _parsed(path, text, offset)


def _named(found: re.Match[str], text: str) -> Expression:
    """`NAME:path` is `NAME.path`; the sign between them does not change the length."""
    return _parsed(f"{found['name']}.{found['path']}", text, found.start("name"))


def _parsed(path: str, text: str, offset: int) -> Expression:
    try:
        return build(parse(path), text, offset)
    except ExpressionError as error:
        raise error.inside(text, max(0, offset)) from None
