"""Friendly words for names that do not exist."""

from __future__ import annotations

import difflib

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.functions import FUNCTIONS, PER_ITEM_USAGE


def unknown_function(name: str, position: int) -> ExpressionError:
    known = {**{each: entry.usage for each, entry in FUNCTIONS.items()}, **PER_ITEM_USAGE}
    near = difflib.get_close_matches(name, known, 1) or difflib.get_close_matches(name.lower(), known, 1)
    hint = f"did you mean {known[near[0]]}?" if near else f"there are {', '.join(sorted(_plain_names(known)))}"
    return ExpressionError(f"There is no function {name!r}; {hint}", position)


def _plain_names(known: dict[str, str]) -> set[str]:
    return {usage.partition("(")[0] for usage in known.values()}
