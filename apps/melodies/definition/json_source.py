"""JSON text to plain values, stricter than the standard library: no duplicate keys, no NaN."""

from __future__ import annotations

import json
from typing import Any

from .limits import Limits
from .plain_values import check_plain, too_deep
from .positions import json_duplicates
from .problems import InvalidDocument, Problem, ProblemList

_SENTENCES = {
    "Expecting property name enclosed in double quotes": "A key in double quotes should stand here; JSON allows no comma before `}`.",
    "Expecting ',' delimiter": "A comma is missing here.",
    "Expecting ':' delimiter": "A colon is missing between key and value.",
    "Expecting value": "A value should stand here.",
    "Extra data": "Something stands behind the end of the document.",
    "Unterminated string starting at": "This text has no closing quote.",
    "Invalid control character at": "A line break or control character inside text must be written as an escape such as \\n.",
    "Invalid \\escape": "A backslash in text must be written as \\\\.",
}


class JsonSyntax(InvalidDocument):
    """The text is not JSON at all (it may still be YAML)."""


def read_json(text: str, limits: Limits) -> tuple[Any, list[Problem]]:
    """The value of a JSON text, and the problems met on the way."""
    repeated = False

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        mapping = dict(members)
        repeated = repeated or len(mapping) != len(members)
        return mapping

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_int=_integer)
    except json.JSONDecodeError as error:
        sentence = _SENTENCES.get(error.msg.split(" (")[0], f"{error.msg}.")
        raise JsonSyntax([Problem("syntax", sentence, "", error.lineno, error.colno)]) from None
    except RecursionError:
        raise InvalidDocument([too_deep(limits)]) from None
    problems = ProblemList(limits.max_problems)
    check_plain(value, limits, problems)
    if repeated:
        problems.extend(json_duplicates(text))
    return value, problems.located(None)


def _integer(digits: str) -> int | float:
    # An integer nobody can mean becomes infinity, which the check of plain values reports with its place.
    return int(digits) if len(digits) <= 1000 else float("inf")
