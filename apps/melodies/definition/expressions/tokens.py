"""From text to tokens, and finding where a `{{...}}` ends."""

from __future__ import annotations

import re
from typing import NamedTuple

from apps.melodies.definition.expressions.environment import WRITTEN
from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.limits import MAX_EXPRESSION_CHARS

_TOKEN = re.compile(
    r"""
      (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<old>previous_response:(?=[^\W\d]))
    | (?P<name>[^\W\d]\w*(?:-\w+)*)
    | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<op>==|!=|<=|>=|&&|\|\||[-+*/%<>()\[\]{},.:?!@])
    | (?P<environment>"""
    + WRITTEN
    + ")",
    re.VERBOSE | re.DOTALL,
)
_FIELD = re.compile(r"\w+(?:-\w+)*")
_SPACE = re.compile(r"\s*")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_OPENING = re.compile(r"\{\{|\$?" + WRITTEN)
_ESCAPE = re.compile(r"\\(['\"\\nrt])")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class Token(NamedTuple):
    """`kind` is number, name, old (the prefix `previous_response:`), environment (`${NAME}`), string, op or end."""

    kind: str
    text: str
    position: int


def tokenize(text: str, base: int = 0) -> list[Token]:
    """All tokens of an expression; the last one has kind `end`. Positions count from `base`."""
    if len(text) > MAX_EXPRESSION_CHARS:
        raise ExpressionError(
            f"The expression is longer than {MAX_EXPRESSION_CHARS} characters; split it over several variables", base
        )
    tokens: list[Token] = []
    position, end = _after_space(text, 0), len(text)
    after_dot = False
    while position < end:
        found = (_FIELD if after_dot else _TOKEN).match(text, position)
        if found is None:
            raise _unreadable(text[position], base + position, after_dot=after_dot)
        written = found.group()
        tokens.append(Token("name" if after_dot else str(found.lastgroup), written, base + position))
        after_dot = not after_dot and written == "."
        position = found.end()
        if position < end and text[position].isspace():
            position = _after_space(text, position)
    if after_dot:
        raise ExpressionError("A field name must follow the dot", base + len(text))
    tokens.append(Token("end", "", base + len(text)))
    return tokens


def _after_space(text: str, position: int) -> int:
    return _SPACE.match(text, position).end()  # type: ignore[union-attr]


def _unreadable(character: str, position: int, *, after_dot: bool) -> ExpressionError:
    if after_dot:
        return ExpressionError("A field name must follow the dot; write ['...'] for other names", position)
    hints = {
        "'": "The quote is not closed",
        '"': "The quote is not closed",
        "=": "A single '=' means nothing here; compare with '=='",
        "|": "There are no filters; call a function, like upper(name), or write '||' for 'or'",
        "&": "Write 'and' or '&&'",
        "$": "'$' only stands before a variable of the environment, like ${NAME}; write other names alone",
        "#": "'#' means nothing inside an expression; use a for_loop step to repeat",
        "\\": "A backslash is only allowed inside quotes",
    }
    return ExpressionError(hints.get(character, f"{character!r} means nothing in an expression"), position)


def unquote(literal: str) -> str:
    r"""The text of a quoted literal. Unknown escapes stay as written, so that patterns like '\d+' need no doubling."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found.group(1), found.group(1)), literal[1:-1])


def closing_braces(text: str, start: int) -> int:
    """Where the `}}` is that ends an expression starting at `start` (just after its `{{`); -1 when there is none.

    Braces inside quotes and of maps like `{a: 1}` do not count.
    """
    end = min(len(text), start + MAX_EXPRESSION_CHARS + 2)
    depth = 0
    position = start
    while position < end:
        character = text[position]
        if character in "'\"":
            quoted = _QUOTED.match(text, position, end)
            if quoted is None:
                return text.find("}}", start, end)
            position = quoted.end()
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            if depth == 0 and text.startswith("}}", position):
                return position
            depth -= 1
            if depth < 0:
                return text.find("}}", position, end)
        position += 1
    return -1


def without_braces(text: str) -> tuple[str, int]:
    """The expression in `{{ expression }}`, or the text itself, and the offset at which it starts."""
    start = len(text) - len(text.lstrip())
    if text.startswith("{{", start):
        end = closing_braces(text, start + 2)
        if end >= 0 and not text[end + 2 :].strip():
            return text[start + 2 : end], start + 2
    return text, 0


def may_hold_templates(text: str) -> bool:
    """A quick look, with few false alarms."""
    return "{{" in text or "${" in text


def split_template(text: str, *, strict: bool = True) -> list[str | tuple[str, int]]:
    """A text as fixed pieces and (expression, offset) pairs. A `{{` that is never closed is an error when `strict`.

    `${NAME}` is an expression with its signs; `$${NAME}` is the fixed text `${NAME}`.
    """
    parts: list[str | tuple[str, int]] = []
    position = 0
    while found := _OPENING.search(text, position):
        opening, end = found.span()
        if found.group() == "{{":
            end = closing_braces(text, opening + 2)
            if end < 0:
                if not strict:
                    break
                raise ExpressionError(
                    "'{{' is never closed; add '}}', or write {{'{{'}} for the two signs", opening, text
                )
        if opening > position:
            parts.append(text[position:opening])
        if found.group() == "{{":
            parts.append((text[opening + 2 : end], opening + 2))
            end += 2
        elif found.group().startswith("$$"):
            parts.append(found.group()[1:])
        else:
            parts.append((found.group(), opening))
        position = end
    if position < len(text):
        parts.append(text[position:])
    return parts
