"""JSON as it comes in: what cannot be followed or read is refused in words for who sent it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

DEEPEST: Final = 400
"""Levels inside each other. Python gives up at a thousand calls, and whoever reads a value may need one for each level."""
_LONG_NUMBER: Final = "set_int_max_str_digits"
"""Python's own words for an integer it does not read name what its programmer could do."""


class BoundedJSONParser(JSONParser):
    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            value = super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise _too_deep() from error
        except ParseError as error:
            if _LONG_NUMBER not in str(error.detail):
                raise
            raise ParseError(
                f"A number is longer than {sys.get_int_max_str_digits()} digits; send it as text."
            ) from error
        if is_deeper(value, DEEPEST):
            raise _too_deep()
        return value


def is_deeper(value: Any, levels: int) -> bool:
    """Whether more than so many lists and objects stand inside each other."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for values in inner for one in values if isinstance(one, dict | list)]
        if not level:
            return False
    return bool(level)


def _too_deep() -> ParseError:
    return ParseError(f"More than {DEEPEST} lists and objects stand inside each other; send less of them.")
