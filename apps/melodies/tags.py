"""Tags: short words people sort melodies by. Pure.

One spelling each: lower case, words divided by `-`; so that `Code Review` and `code-review` are one tag.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

LONGEST_TAG: Final = 50
MOST_TAGS: Final = 20
_GAPS: Final = re.compile(r"[\s_]+")


class TagError(ValueError):
    """The text cannot be a tag; the message says why."""


def normal_tag(written: str) -> str:
    """Its one spelling. Raises `TagError` for what is empty, too long, or holds commas or control characters."""
    # Case first: lowering may undo the normal form, and longer texts than any tag are not worth normalizing.
    if len(written) > 4 * LONGEST_TAG:
        raise TagError(f"A tag has {LONGEST_TAG} characters at most.")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", written).lower())
    tag = _GAPS.sub("-", folded.strip()).strip("-")
    if not tag:
        raise TagError("A tag needs at least one letter or digit.")
    if len(tag) > LONGEST_TAG:
        raise TagError(f"A tag has {LONGEST_TAG} characters at most; {tag[:20]!r}… has {len(tag)}.")
    if not tag.isprintable() or "," in tag:
        raise TagError(f"The tag {tag!a} holds a comma or a character that cannot be shown.")
    return tag


def normal_tags(written: Iterable[str]) -> list[str]:
    """Each once, sorted."""
    tags = sorted({normal_tag(tag) for tag in written})
    if len(tags) > MOST_TAGS:
        raise TagError(f"A melody has {MOST_TAGS} tags at most; these are {len(tags)}.")
    return tags
