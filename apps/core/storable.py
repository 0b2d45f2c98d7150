"""What PostgreSQL cannot hold in text and JSON: NUL, half a character, NaN and infinite numbers. Pure.

Asked before such a value is sent there: what the database refuses it logs, with all that stood in the statement.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

Problem = dict[str, str]

MOST_PROBLEMS: Final = 20
LONGEST_POINTER: Final = 1_000

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# One of these stands in the JSON of every value that cannot be stored; looking for them is all that most values cost.
_HINTS: Final = ("\\u0000", "\\ud", "NaN", "Infinity")
_TEXT: Final = "This text holds a NUL or half a character, which cannot be stored; leave it out."
_NAME: Final = "A name in this holds a NUL or half a character, which cannot be stored; leave it out."
_NUMBER: Final = "This number is NaN or too large to be stored; send it as text, or none."

# Where a value stands: its name or index, and the place of what holds it. A text of it for each value would be as long as
# all names above it, however many values there are.
_Place = tuple["_Place", str | int] | None


def text_is_sound(text: str) -> bool:
    """No NUL, which PostgreSQL cannot keep, and no lone surrogate, which has no UTF-8."""
    return "\0" not in text and (text.isascii() or _SURROGATE.search(text) is None)


def problems_of(value: Any, pointer: str, said: str | None = None) -> list[Problem]:
    """Why this JSON value cannot be stored, each with its place below `pointer`; at most 20, none when it can be.

    `said` is `json.dumps(value)` of whoever has it already.
    """
    written = json.dumps(value) if said is None else said
    if not any(hint in written for hint in _HINTS):
        return []
    return list(islice(_problems(value, pointer), MOST_PROBLEMS))


def _problems(value: Any, pointer: str) -> Iterator[Problem]:
    waiting: list[tuple[Any, _Place]] = [(value, None)]
    while waiting:
        one, place = waiting.pop()
        if isinstance(one, str):
            if not text_is_sound(one):
                yield _problem("invalid_text", _TEXT, pointer, place)
        elif isinstance(one, float):
            if not math.isfinite(one):
                yield _problem("invalid_number", _NUMBER, pointer, place)
        elif isinstance(one, Mapping):
            sound = [(inner, (place, name)) for name, inner in one.items() if text_is_sound(str(name))]
            if len(sound) < len(one):
                yield _problem("invalid_text", _NAME, pointer, place)
            waiting += reversed(sound)
        elif isinstance(one, list | tuple):
            waiting += reversed([(inner, (place, index)) for index, inner in enumerate(one)])


def _problem(code: str, message: str, pointer: str, place: _Place) -> Problem:
    return {"code": code, "message": message, "pointer": pointer + _below(place)}


def _below(place: _Place) -> str:
    """A JSON pointer to it, or to what is around it where that would be too long."""
    parts: list[str] = []
    while place is not None:
        place, part = place
        parts.append("/" + str(part).replace("~", "~0").replace("/", "~1"))
    parts.reverse()
    while sum(map(len, parts)) > LONGEST_POINTER:
        parts.pop()
    return "".join(parts)
