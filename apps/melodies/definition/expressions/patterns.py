"""Regular expressions from users: bounded in size before they are compiled, in time while they run."""

from __future__ import annotations

import time
from functools import lru_cache

import regex

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.limits import (
    MATCH_SECONDS,
    MAX_MATCHED_CHARS,
    MAX_PATTERN_CHARS,
    MAX_PATTERN_SIZE,
    Budget,
)

_REPEAT = regex.compile(r"\{(\d{0,9}),?(\d{0,9})[^{}]{0,20}\}")
_COMMENT = regex.compile(r"\(\?(?:#|[a-zA-Z0-9-]*x)")
"""What could hide a repeat from `written_out_size`."""
_CLASS = regex.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", regex.DOTALL)


def matches(text: str, pattern: str, budget: Budget) -> bool:
    """True when the pattern is found anywhere in the text. A pattern that cannot be read matches nothing."""
    if len(text) > MAX_MATCHED_CHARS:
        raise ExpressionError(f"'matches' looks at no more than {MAX_MATCHED_CHARS} characters; use a part of the text")
    started = time.perf_counter()
    try:
        compiled = _compile(pattern)
        if compiled is None:
            return False
        timeout = min(MATCH_SECONDS, max(budget.match_seconds, 0.001))
        return compiled.search(text, timeout=timeout, concurrent=False) is not None
    except (TimeoutError, MemoryError, RecursionError):
        raise ExpressionError("The pattern takes too long; avoid repeats inside repeats, like (a+)+") from None
    finally:
        _spend(budget, time.perf_counter() - started)


def _spend(budget: Budget, seconds: float) -> None:
    budget.match_seconds -= seconds
    if budget.match_seconds < 0:
        raise ExpressionError("The patterns of this expression together take too long; simplify them")


@lru_cache(maxsize=256)
def _compile(pattern: str) -> regex.Pattern[str] | None:
    if len(pattern) > MAX_PATTERN_CHARS:
        raise ExpressionError(f"The pattern is longer than {MAX_PATTERN_CHARS} characters; shorten it")
    if _COMMENT.search(pattern):
        raise ExpressionError("Patterns have no comments and no verbose mode here; write the pattern without them")
    if written_out_size(pattern) > MAX_PATTERN_SIZE:
        raise ExpressionError("The counted repeats of the pattern multiply to too much; use smaller counts")
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError, ValueError):
        return None


def written_out_size(pattern: str) -> int:
    """How many characters the pattern has with its counted repeats written out: `(ab{3}){2}` has 2 * (1 + 3).

    The regex engine writes some of them out when it compiles, so this bounds its memory. An upper bound is enough.
    """
    groups = [0]
    last = 0
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == ")" and len(groups) > 1:
            last, position = groups.pop() + last, position + 1
            continue
        if character == "{" and (found := _REPEAT.match(pattern, position)):
            last *= max(1, *(int(count or 0) for count in found.groups()))
            position = found.end()
            continue
        groups[-1] += last
        last = 1
        if character == "(":
            groups.append(0)
            last = 0
        if character == "\\":
            position += 2
        elif character == "[" and (found := _CLASS.match(pattern, position)):
            position = found.end()
        else:
            position += 1
    return sum(groups) + last
