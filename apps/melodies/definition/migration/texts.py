"""Older forms inside texts: `{{file}}` for the item of a loop, `previous_response:STEP.field` for a result."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from apps.melodies.definition.expressions import ExpressionError, compile_template

_TEMPLATE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_PREVIOUS: Final = re.compile(r"previous_response:([A-Za-z_][\w-]*)((?:[.:][A-Za-z_][\w-]*|\[\d+\])*)")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_]\w*\Z")


class Names(NamedTuple):
    """What the names in a text may stand for. `is_source`: the whole text names data, braces or not."""

    steps: frozenset[str]
    iterators: tuple[str, ...]
    is_source: bool = False


def rewritten(text: str, names: Names) -> tuple[str, str]:
    """The text in today's form, and a sentence on what was older; the same text when nothing was, or when the new one
    would not compile."""
    new, message = text, ""
    if "previous_response:" in text:
        new, message = _previous(new, names)
    if names.iterators and "{{" in new:
        renamed = _items(new, names)
        if renamed != new:
            new, message = renamed, message or f"The item of a loop is written `loop.{names.iterators[-1]}`."
    if new == text or not _compiles(new):
        return text, ""
    return new, message


def _previous(text: str, names: Names) -> tuple[str, str]:
    message = ""

    def as_path(found: re.Match[str]) -> str:
        nonlocal message
        step, rest = found.group(1), found.group(2).replace(":", ".")
        if step not in names.steps:
            return found.group()
        new = f"steps.{step}{rest}"
        message = message or f"`{found.group()}` is the older form of `{new}`."
        return new

    if names.is_source and _PREVIOUS.fullmatch(text):
        return _PREVIOUS.sub(as_path, text), message
    new = _TEMPLATE.sub(lambda span: "{{" + _PREVIOUS.sub(as_path, span.group(1)) + "}}", text)
    return new, message


def _items(text: str, names: Names) -> str:
    for item in dict.fromkeys(names.iterators):
        if _PLAIN_NAME.match(item) and item in text:
            text = _TEMPLATE.sub(lambda span, item=item: "{{" + _item(span.group(1), item) + "}}", text)  # type: ignore[misc]
    return text


def _item(expression: str, item: str) -> str:
    """`loop.ITEM` for each ITEM that begins a path, outside of quotes."""
    # Not a field (a.ITEM), a part of a longer name, a function, or the key of a mapping.
    pattern = re.compile(rf"(?<![\w.\-@$]){re.escape(item)}(?![\w-]|\s*\()")

    def replaced(part: str) -> str:
        return pattern.sub(lambda found: found.group() if _is_key(part, found) else f"loop.{item}", part)

    return _outside_quotes(expression, replaced)


def _is_key(part: str, found: re.Match[str]) -> bool:
    return bool(re.match(r"\s*:", part[found.end() :]) and re.search(r"[{,]\s*\Z", part[: found.start()]))


def _outside_quotes(text: str, change: Callable[[str], str]) -> str:
    pieces, end = [], 0
    for quoted in _QUOTED.finditer(text):
        pieces += [change(text[end : quoted.start()]), quoted.group()]
        end = quoted.end()
    return "".join([*pieces, change(text[end:])])


def _compiles(text: str) -> bool:
    try:
        compile_template(text)
    except ExpressionError:
        return False
    return True
