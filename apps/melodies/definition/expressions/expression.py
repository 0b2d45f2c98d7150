"""One expression, ready to be evaluated."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from apps.melodies.definition.expressions.compiler import builds_values, compile_node
from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.limits import Allowance
from apps.melodies.definition.expressions.nodes import Node
from apps.melodies.definition.expressions.parser import parse
from apps.melodies.definition.expressions.references import References, references_of
from apps.melodies.definition.expressions.scope import Frame, Run, Scope
from apps.melodies.definition.expressions.tokens import without_braces
from apps.melodies.definition.expressions.values import measure, plain, solid

REMEMBERED_CHARS = 300
"""Longer expressions are compiled anew each time: remembering them would let hostile documents fill the memory."""


class Expression:
    """An expression that was read and found sound; `offset` is where it starts in `text`, after the braces.

    It becomes code when it is first evaluated: validation reads thousands that it never runs.
    """

    __slots__ = ("_builds", "_node", "_run", "offset", "references", "text")

    def __init__(self, text: str, node: Node, offset: int = 0) -> None:
        self.text = text
        self.references: References = references_of(node)
        self.offset = offset
        self._node = node
        self._run: Run | None = None
        self._builds = True

    def evaluate(self, scope: Scope) -> Any:
        """The value: JSON, or a datetime from now() and date()."""
        return self.evaluate_within(scope, Allowance())

    def evaluate_json(self, scope: Scope) -> Any:
        """The value as JSON: moments are written as ISO 8601."""
        return self.evaluate_within(scope, Allowance(), as_json=True)

    def evaluate_within(self, scope: Scope, allowance: Allowance, *, as_json: bool = False) -> Any:
        """Evaluate as one of several expressions that share an allowance."""
        frame = Frame(scope)
        try:
            value = (self._run or self._made())(frame)
            allowance.settle(frame.budget)
            if not self._builds:
                return value
            size = measure(solid(value))
            allowance.weighed(size.nodes)
            return plain(value) if as_json and size.moments else value
        except RecursionError:
            raise ExpressionError("The value nests too deep; pick a part of it", 0, self.text) from None
        except ExpressionError as error:
            raise error.inside(self.text, self.offset) from None

    def _made(self) -> Run:
        self._builds = builds_values(self._node)
        self._run = run = compile_node(self._node)
        return run


def compile_expression(text: str) -> Expression:
    """Compile an expression; the braces of `{{ ... }}` may be there or not."""
    if not isinstance(text, str):
        raise ExpressionError("An expression must be a text", 0, str(text)[:100])
    return _remembered(text) if len(text) <= REMEMBERED_CHARS else _compile(text)


def _compile(text: str) -> Expression:
    inner, offset = without_braces(text)
    try:
        return build(parse(inner), text, offset)
    except ExpressionError as error:
        raise error.inside(text, offset) from None


_remembered = lru_cache(maxsize=2048)(_compile)


def build(node: Node, text: str, offset: int = 0) -> Expression:
    """The expression of a tree. The tree's positions count from `offset` in `text`."""
    return Expression(text, node, offset)
