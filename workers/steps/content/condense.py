"""Shorter texts. No model is asked: a summary is made of the text's own sentences, always the same ones."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_WORD = re.compile(r"\w{3,}")
_READ = 500_000
BULLETS = frozenset({"bullet_points", "bullets", "bullet", "list"})


def cut(text: str, length: int) -> str:
    """The text, at most this long; one that was cut ends in `...`."""
    if len(text) <= length:
        return text
    return text[: length - 3].rstrip() + "..." if length > 3 else text[:length]


def sentences(text: str) -> list[str]:
    """The sentences and paragraphs of a text, without empty ones."""
    return [part.strip() for part in _SENTENCE_END.split(text[:_READ]) if part.strip()]


def summary(text: str, length: int, *, focus: str | None = None, style: str | None = None) -> str:
    """A text of at most `length` characters: with a focus the sentences that have most of its words, else the first
    ones; always in the order of the text."""
    bullets = (style or "").lower() in BULLETS
    if len(text) <= length and not bullets:
        return text
    parts = sentences(text)
    kept = _fitting(parts, _order(parts, focus), length, extra=3 if bullets else 1)
    if not kept:
        return cut(text.strip(), length)
    chosen = [parts[index] for index in sorted(kept)]
    return "\n".join(f"- {part}" for part in chosen) if bullets else " ".join(chosen)


def _order(parts: list[str], focus: str | None) -> list[int]:
    words = {word.lower() for word in _WORD.findall((focus or "")[:1000].replace("_", " "))}
    if not words:
        return list(range(len(parts)))
    scores = [sum(1 for word in words if word in part.lower()) for part in parts]
    return sorted(range(len(parts)), key=lambda index: (-scores[index], index))


def _fitting(parts: list[str], order: list[int], length: int, *, extra: int) -> list[int]:
    """As many of the first sentences in this order as fit; the first one that does not ends it."""
    kept: list[int] = []
    left = length
    for index in order:
        left -= len(parts[index]) + extra
        if left < -1:
            break
        kept.append(index)
    return kept
