"""Regular expressions written by users: they run against a clock, so none of them can hold a worker."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import regex

from apps.melodies.definition.expressions.patterns import written_out_size
from workers.contract import StepFailed

LONGEST_PATTERN = 1000
LARGEST = 10_000
SECONDS = 1.0
ALL_SECONDS = 10.0


class UserPattern:
    """A regular expression of a user. `where` names the field in error messages."""

    def __init__(self, text: str, where: str) -> None:
        self._where = where
        self._left = ALL_SECONDS
        if len(text) > LONGEST_PATTERN:
            raise StepFailed(f"{where}: a pattern has at most {LONGEST_PATTERN} characters", code="bad_pattern")
        try:
            self._pattern: Any = regex.compile(_moderate(text))
        except (regex.error, RecursionError, OverflowError, ValueError) as error:
            raise StepFailed(f"{where}: not a regular expression: {error}", code="bad_pattern") from error

    def found_in(self, text: str) -> bool:
        """Whether the pattern occurs anywhere in the text. Refused when all looks together take too long."""
        began = perf_counter()
        try:
            return self._pattern.search(text, timeout=max(0.001, min(SECONDS, self._left))) is not None
        except TimeoutError as error:
            message = f"{self._where}: the pattern takes too long (more than {SECONDS} s on one text); make it simpler"
            raise StepFailed(message, code="pattern_timeout") from error
        finally:
            self._left -= perf_counter() - began


def _moderate(text: str) -> str:
    """The pattern, unless compiling it would take a lot of memory."""
    if written_out_size(text) > LARGEST:
        raise ValueError("its counted repeats multiply to too much")
    return text
