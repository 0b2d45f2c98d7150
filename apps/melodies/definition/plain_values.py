"""Checks that a value is plain JSON of bearable size: what a YAML or JSON reader alone does not promise."""

from __future__ import annotations

import math
import re
from typing import Any

from .limits import Limits
from .pointers import child
from .problems import InvalidDocument, Problem, ProblemList

_SURROGATE = re.compile("[\ud800-\udfff]")
_SCALARS = (bool, int, type(None))


def check_plain(value: Any, limits: Limits, problems: ProblemList) -> None:
    """Report what PostgreSQL or the canonical form could not hold. Raises `InvalidDocument` for what is too big."""
    pending: list[tuple[Any, str, int]] = [(value, "", 1)]
    nodes = 0
    while pending:
        item, pointer, depth = pending.pop()
        kind = type(item)
        if kind is dict or kind is list:
            if depth > limits.max_depth:
                raise InvalidDocument([too_deep(limits, pointer)])
            nodes += len(item)
            if nodes > limits.max_nodes:
                raise InvalidDocument([too_many_nodes(limits)])
            members = item.items() if kind is dict else enumerate(item)
            for key, member in members:
                if kind is dict and not _key_ok(key):
                    problems.add("invalid_key", f"A key must be text without NUL, not {key!r}.", pointer)
                elif type(member) is not str or not _text_ok(member):
                    pending.append((member, child(pointer, key), depth + 1))
        else:
            _check_scalar(item, pointer, problems)


def _check_scalar(item: Any, pointer: str, problems: ProblemList) -> None:
    if isinstance(item, str):
        if not _text_ok(item):
            problems.add("invalid_character", "NUL and lone surrogates cannot be stored in text.", pointer)
    elif isinstance(item, float):
        if not math.isfinite(item):
            problems.add(
                "invalid_number", "This number is NaN or too large; put it in quotes to keep it as text.", pointer
            )
    elif not isinstance(item, _SCALARS):
        problems.add("invalid_value", f"A {type(item).__name__} is not a JSON value.", pointer)


def _key_ok(key: Any) -> bool:
    return isinstance(key, str) and _text_ok(key)


def _text_ok(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not _SURROGATE.search(text))


def too_deep(limits: Limits, pointer: str = "", line: int | None = None, column: int | None = None) -> Problem:
    """The problem of a document nested too deeply."""
    return Problem(
        "too_deep", f"The document is nested more than {limits.max_depth} levels deep.", pointer, line, column
    )


def too_many_nodes(limits: Limits, line: int | None = None, column: int | None = None) -> Problem:
    """The problem of a document with too many values, aliases counted as often as they are used."""
    message = f"The document has more than {limits.max_nodes:,} values (aliases count each time they are used)."
    return Problem("too_many_values", message, "", line, column)
