"""Did you mean ...?"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

_MANY = 300
"""difflib compares with every candidate, which is slow among thousands of step names: then only likely ones are tried."""
_LONGEST = 100
_SHORT = 5


def suggest(word: str, candidates: Collection[str]) -> str | None:
    """The candidate a person most likely meant, or None."""
    if len(word) > _LONGEST:
        return None
    folded = word.casefold().replace("-", "_")
    likely = candidates if len(candidates) <= _MANY else _likely(word, candidates)
    for candidate in likely:
        if candidate.casefold().replace("-", "_") == folded:
            return candidate
    close = get_close_matches(word, likely, n=1, cutoff=0.7)
    return close[0] if close else None


def misspelt(word: str, candidates: Collection[str]) -> str | None:
    """The candidate that `word` is surely meant to be: it differs by a slip or two of the finger, not by a word."""
    if len(word) > _LONGEST or word in candidates:
        return None
    folded = word.casefold().replace("-", "_").replace(" ", "_")
    for candidate in candidates:
        allowed = 1 if min(len(folded), len(candidate)) <= _SHORT else 2
        if abs(len(folded) - len(candidate)) <= allowed and _distance(folded, candidate.casefold()) <= allowed:
            return candidate
    return None


def _distance(one: str, other: str) -> int:
    """How many letters to change, insert, leave out or swap with their neighbour (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, above, row = row, before, [i, *[0] * len(other)]
        for j, meant in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != meant))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == meant:
                cost = min(cost, above[j - 2] + 1)
            row[j] = cost
    return row[-1]


def _likely(word: str, candidates: Collection[str]) -> list[str]:
    start = word[:1].casefold()
    return [c for c in candidates if abs(len(c) - len(word)) <= 1 and c[:1].casefold() == start][:_MANY]
