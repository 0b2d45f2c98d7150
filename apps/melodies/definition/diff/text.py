"""Two documents line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.rows_text import as_yaml

_MOST_WORK: Final = 1_000_000
"""Lines of one times lines of the other, between what begins and what ends alike: more is not compared line by line."""
_CONTEXT: Final = 3
_Opcode = tuple[str, int, int, int, int]


def unified(
    before: Mapping[str, Any], after: Mapping[str, Any], kinds: Mapping[str, StepKind], names: tuple[str, str]
) -> Iterator[str]:
    """Lines of a unified diff of both as YAML, fields in the order of the documentation, without line ends."""
    one, other = (as_yaml(document, kinds).splitlines() for document in (before, after))
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    if start == len(one) == len(other):
        return
    yield f"--- {names[0]}"
    yield f"+++ {names[1]}"
    # Compared is only what differs, with the lines of context around it.
    start, end = max(start - _CONTEXT, 0), max(end - _CONTEXT, 0)
    one, other = one[start : len(one) - end], other[start : len(other) - end]
    if len(one) * len(other) <= _MOST_WORK:
        for group in SequenceMatcher(None, one, other).get_grouped_opcodes(_CONTEXT):
            yield from _hunk(group, one, other, start)
    else:
        yield f"@@ -{start + 1},{len(one)} +{start + 1},{len(other)} @@"
        yield from (f"-{line}" for line in one)
        yield from (f"+{line}" for line in other)


def _hunk(group: Sequence[_Opcode], one: Sequence[str], other: Sequence[str], start: int) -> Iterator[str]:
    (_, first, _, first_other, _), (_, _, last, _, last_other) = group[0], group[-1]
    yield f"@@ -{_range(start + first, last - first)} +{_range(start + first_other, last_other - first_other)} @@"
    for tag, from_, to, from_other, to_other in group:
        if tag == "equal":
            yield from (f" {line}" for line in one[from_:to])
        else:
            yield from (f"-{line}" for line in one[from_:to])
            yield from (f"+{line}" for line in other[from_other:to_other])


def _range(start: int, length: int) -> str:
    """As diff writes it: an empty range is named by the line before it."""
    return f"{start + 1},{length}" if length else f"{start},0"
