"""Did you mean ...?"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

_MANY = 300
"""difflib compares with every candidate, which is slow among thousands of step names: then only likely ones are tried."""


def suggest(word: str, candidates: Collection[str]) -> str | None:
    """The candidate a person most likely meant, or None."""
    if len(word) > 100:
        return None
    folded = word.casefold().replace("-", "_")
    likely = candidates if len(candidates) <= _MANY else _likely(word, candidates)
    for candidate in likely:
        if candidate.casefold().replace("-", "_") == folded:
            return candidate
    close = get_close_matches(word, likely, n=1, cutoff=0.7)
    return close[0] if close else None


def _likely(word: str, candidates: Collection[str]) -> list[str]:
    start = word[:1].casefold()
    return [c for c in candidates if abs(len(c) - len(word)) <= 1 and c[:1].casefold() == start][:_MANY]
