"""Templates: any JSON value with `{{...}}` or `${NAME}` in its strings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.expression import Expression, compile_expression
from apps.melodies.definition.expressions.limits import MAX_TEXT_CHARS, MAX_VALUE_DEPTH, Allowance
from apps.melodies.definition.expressions.references import NOTHING, References, union
from apps.melodies.definition.expressions.scope import Scope
from apps.melodies.definition.expressions.tokens import may_hold_templates, split_template
from apps.melodies.definition.expressions.values import is_list, to_text

_REMEMBERED_CHARS = 1_000

Fill = Callable[[Scope, Allowance], Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled value. `fill` is None when it holds no template."""

    value: Any
    references: References = NOTHING
    fill: Fill | None = None

    def render(self, scope: Scope) -> Any:
        """The value with its templates filled in. A string that is exactly one template keeps the type of its value."""
        return self.render_within(scope, Allowance())

    def render_within(self, scope: Scope, allowance: Allowance) -> Any:
        """Render as one of several templates that share an allowance."""
        return self.value if self.fill is None else self.fill(scope, allowance)


def compile_template(value: Any) -> Template:
    """Compile any JSON value. Errors carry the JSON pointer of the string at fault. Keys are taken as they are."""
    return _compile(value, 0)


def _compile(value: Any, depth: int) -> Template:
    if isinstance(value, str):
        if not may_hold_templates(value):
            return Template(value)
        return _remembered(value) if len(value) <= _REMEMBERED_CHARS else _text(value)
    if not isinstance(value, Mapping) and not is_list(value):
        return Template(value)
    if depth >= MAX_VALUE_DEPTH:
        raise ExpressionError(f"The value nests deeper than {MAX_VALUE_DEPTH} levels; flatten it", 0, "")
    pairs = list(value.items() if isinstance(value, Mapping) else enumerate(value))
    parts: list[tuple[Any, Template]] = []
    for key, entry in pairs:
        try:
            parts.append((key, _compile(entry, depth + 1)))
        except ExpressionError as error:
            raise error.below(key) from None
    if all(part.fill is None for _, part in parts):
        return Template(value)
    return Template(
        value, union(part.references for _, part in parts), _container(parts, is_map=isinstance(value, Mapping))
    )


def _container(parts: list[tuple[Any, Template]], *, is_map: bool) -> Fill:
    def filled(scope: Scope, allowance: Allowance) -> list[tuple[Any, Any]]:
        entries = []
        for key, part in parts:
            try:
                entries.append((key, part.render_within(scope, allowance)))
            except ExpressionError as error:
                raise error.below(key) from None
        return entries

    if is_map:
        return lambda scope, allowance: dict(filled(scope, allowance))
    return lambda scope, allowance: [entry for _, entry in filled(scope, allowance)]


def _text(text: str) -> Template:
    parts = split_template(text)
    pieces: list[str | tuple[Expression, int]] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        try:
            pieces.append((compile_expression(part[0]), part[1]))
        except ExpressionError as error:
            raise error.inside(text, part[1]) from None
    references = union(piece[0].references for piece in pieces if not isinstance(piece, str))
    only = pieces[0] if len(pieces) == 1 else ""
    return Template(text, references, _joined(text, pieces) if isinstance(only, str) else _single(text, *only))


_remembered = lru_cache(maxsize=512)(_text)


def _single(text: str, expression: Expression, offset: int) -> Fill:
    def fill(scope: Scope, allowance: Allowance) -> Any:
        try:
            return expression.evaluate_within(scope, allowance, as_json=True)
        except ExpressionError as error:
            raise error.inside(text, offset) from None

    return fill


def _joined(text: str, pieces: list[str | tuple[Expression, int]]) -> Fill:
    def fill(scope: Scope, allowance: Allowance) -> str:
        written: list[str] = []
        length = 0
        for piece in pieces:
            written.append(piece if isinstance(piece, str) else _written(text, *piece, scope, allowance))
            length += len(written[-1])
        if length > MAX_TEXT_CHARS:
            raise ExpressionError(f"The text would be longer than {MAX_TEXT_CHARS} characters", 0, text)
        try:
            allowance.wrote(length)
        except ExpressionError as error:
            raise error.inside(text) from None
        return "".join(written)

    return fill


def _written(text: str, expression: Expression, offset: int, scope: Scope, allowance: Allowance) -> str:
    try:
        return to_text(expression.evaluate_within(scope, allowance))
    except ExpressionError as error:
        raise error.inside(text, offset) from None
