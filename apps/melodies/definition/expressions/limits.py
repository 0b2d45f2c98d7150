"""Bounds of every evaluation, so that no expression can hold a worker or fill its memory."""

from __future__ import annotations

from apps.melodies.definition.expressions.errors import ExpressionError

MAX_EXPRESSION_CHARS = 10_000
MAX_DEPTH = 64
MAX_VALUE_DEPTH = 100
"""Levels of maps and lists in a value that holds templates."""
MAX_STEPS = 100_000
MAX_TEXT_CHARS = 1_000_000
MAX_LIST_ITEMS = 100_000
MAX_INTEGER = 10**300
MAX_RESULT_NODES = 1_000_000
MAX_RESULT_CHARS = 10_000_000
MAX_PATTERN_CHARS = 500
MAX_PATTERN_SIZE = 10_000
"""Size of a pattern once its counted repeats are written out."""
MAX_MATCHED_CHARS = 100_000
MATCH_SECONDS = 0.05
ALL_MATCHES_SECONDS = 0.25
ALLOWED_EXPRESSIONS = 5
"""How many expressions of one template or condition may use up everything a single expression may spend."""

_SCAN = 12
_WRITE = 8
_JSON = 6
_ITEMS = 5


class Budget:
    """What one evaluation may still spend: steps, and seconds of pattern matching."""

    __slots__ = ("match_seconds", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.match_seconds = ALL_MATCHES_SECONDS

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise ExpressionError(
                f"The expression needs more than {MAX_STEPS} steps; work on a shorter list or split it over two steps"
            )

    def scanned(self, chars: int) -> None:
        """Pay for reading a text of this length."""
        if chars >> _SCAN:
            self.spend(chars >> _SCAN)

    def short(self, chars: int) -> None:
        """Refuse a text that is too long, without paying for its length."""
        if chars > MAX_TEXT_CHARS:
            raise ExpressionError(f"The text would be longer than {MAX_TEXT_CHARS} characters; use a part of it")

    def written(self, chars: int) -> None:
        """Pay for making a text of this length, and refuse one that is too long."""
        self.short(chars)
        if chars >> _WRITE:
            self.spend(chars >> _WRITE)

    def serialised(self, chars: int) -> None:
        """Pay for writing a value as JSON of this length, which costs more than a text."""
        self.written(chars)
        if chars >> _JSON:
            self.spend(chars >> _JSON)

    def fits(self, items: int) -> None:
        """Refuse a list that is too long, without paying for its length."""
        if items > MAX_LIST_ITEMS:
            raise ExpressionError(f"The list has more than {MAX_LIST_ITEMS} items; work on a part of it")

    def listed(self, items: int) -> None:
        """Pay for reading or making a list of this length, and refuse one that is too long."""
        self.fits(items)
        if items >> _ITEMS:
            self.spend(items >> _ITEMS)


class Allowance:
    """What several expressions may spend together: as much as `times` single ones."""

    __slots__ = ("chars", "match_seconds", "steps")

    def __init__(self, times: int = ALLOWED_EXPRESSIONS) -> None:
        self.steps = times * MAX_STEPS
        self.match_seconds = times * ALL_MATCHES_SECONDS
        self.chars = MAX_RESULT_CHARS

    def settle(self, budget: Budget) -> None:
        """Take off what one evaluation has spent."""
        self.match_seconds -= ALL_MATCHES_SECONDS - budget.match_seconds
        self._take(MAX_STEPS - budget.steps)

    def weighed(self, nodes: int) -> None:
        """Take off what it cost to look at a result of so many values."""
        self._take(nodes >> 1)

    def _take(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0 or self.match_seconds < 0:
            raise ExpressionError("The expressions here together take too long; split them over several steps")

    def wrote(self, chars: int) -> None:
        """Take off the characters of one finished text."""
        self.chars -= chars
        if self.chars < 0:
            raise ExpressionError(f"The texts here together are longer than {MAX_RESULT_CHARS} characters; split them")
