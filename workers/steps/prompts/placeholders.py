"""`{NAME}` and `{if NAME == "text"} … {endif}` in the texts of prompt files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workers.steps.content.written import dumped

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,99})\}")
_IF = re.compile(
    r"\{if[ \t]+([A-Za-z_][A-Za-z0-9_]{0,99})[ \t]*(?:(==|!=)[ \t]*(?:\"([^\"{}\n]{0,500})\"|'([^'{}\n]{0,500})'))?[ \t]*\}\n?"
)
_ENDIF = "{endif}"


def filled(text: str, values: Mapping[str, Any]) -> str:
    """The text with its placeholders filled; those of unknown names stay as they are. `LANGUAGE` is also found under
    `language`."""
    if not values:
        return text
    known = {key.upper(): value for key, value in values.items()} | dict(values)

    def value(found: re.Match[str]) -> str:
        return _text(known[found[1]]) if found[1] in known else found[0]

    return _NAME.sub(value, _choose(text, known))


def _choose(text: str, values: Mapping[str, Any]) -> str:
    """Keep the blocks whose condition holds. A block of an unknown name is dropped; one without an end is left alone. The line break
    after `{endif}` goes with a block whose `{if}` has a line of its own."""
    kept: list[str] = []
    at = 0
    while (begin := _IF.search(text, at)) is not None:
        end = text.find(_ENDIF, begin.end())
        if end < 0:
            break
        kept.append(text[at : begin.start()])
        if _holds(begin, values):
            kept.append(text[begin.end() : end])
        at = end + len(_ENDIF)
        at += begin[0].endswith("\n") and text.startswith("\n", at)
    return "".join([*kept, text[at:]]) if kept or at else text


def _holds(begin: re.Match[str], values: Mapping[str, Any]) -> bool:
    name, operator, double, single = begin.groups()
    if operator is None:
        return bool(values.get(name))
    same = name in values and _text(values[name]) == (double if double is not None else single)
    return same if operator == "==" else not same


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(str(item) for item in value)
    return dumped(value)
