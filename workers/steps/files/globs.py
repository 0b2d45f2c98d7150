"""Path patterns: `*`, `?`, `[abc]`, `{a,b}` and `**` for any number of folders. Matching takes time linear in the path."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

MOST_ALTERNATIVES = 200
_BRACES = re.compile(r"\{([^{}]*)\}")
_MAGIC = re.compile(r"[*?\[{]")


class BadPatternError(ValueError):
    """The pattern cannot be used as written."""


def is_glob(text: str) -> bool:
    """True when the text has a wildcard."""
    return _MAGIC.search(text) is not None


def fixed_prefix(text: str) -> tuple[str, ...]:
    """The leading folders of a pattern that contain no wildcard."""
    fixed: list[str] = []
    for part in _split(text)[:-1]:
        if is_glob(part):
            break
        fixed.append(part)
    return tuple(fixed)


def _split(text: str) -> list[str]:
    return [part for part in text.split("/") if part not in ("", ".")]


def _alternatives(text: str) -> list[str]:
    pending, done = [text], []
    while pending:
        current = pending.pop()
        braces = _BRACES.search(current)
        if braces is None:
            done.append(current)
        else:
            start, end = braces.span()
            pending.extend(current[:start] + choice + current[end:] for choice in braces.group(1).split(","))
        if len(pending) + len(done) > MOST_ALTERNATIVES:
            raise BadPatternError(f"the pattern {text[:80]!r} stands for more than {MOST_ALTERNATIVES} patterns")
    return done


class Glob:
    """A compiled path pattern. A leading dot is matched by `*` only with `hidden`."""

    def __init__(self, text: str, *, hidden: bool = False) -> None:
        if len(text) > 1000 or "\0" in text:
            raise BadPatternError("a pattern has at most 1000 characters")
        self.text = text
        self._hidden = hidden
        self._choices = [[_part(part) for part in _split(choice)] for choice in _alternatives(text)]

    def matches(self, parts: Sequence[str]) -> bool:
        """Whether a path, taken apart at its slashes, fits."""
        return any(self._fits(choice, parts) for choice in self._choices)

    def matches_name(self, name: str) -> bool:
        """Whether a base name fits."""
        return self.matches((name,))

    def _fits(self, pattern: list[re.Pattern[str] | None], parts: Sequence[str]) -> bool:
        states = _skip_any_depth(pattern, {0})
        for part in parts:
            reached = {state for state in states if self._takes(pattern, state, part, any_depth=True)}
            reached |= {state + 1 for state in states if self._takes(pattern, state, part, any_depth=False)}
            states = _skip_any_depth(pattern, reached)
        return len(pattern) in states

    def _takes(self, pattern: list[re.Pattern[str] | None], state: int, part: str, *, any_depth: bool) -> bool:
        if state == len(pattern):
            return False
        wanted = pattern[state]
        dotted = part.startswith(".") and not self._hidden
        if wanted is None:
            return any_depth and not dotted
        if any_depth or (dotted and not wanted.pattern.startswith(r"(?s:\.")):
            return False
        return wanted.match(part) is not None


def _part(text: str) -> re.Pattern[str] | None:
    """None stands for `**`."""
    return None if text == "**" else re.compile(fnmatch.translate(text))


def _skip_any_depth(pattern: list[re.Pattern[str] | None], states: set[int]) -> set[int]:
    """Add the states reached when `**` stands for nothing."""
    closed = set(states)
    pending = list(states)
    while pending:
        state = pending.pop()
        if state < len(pattern) and pattern[state] is None and state + 1 not in closed:
            closed.add(state + 1)
            pending.append(state + 1)
    return closed
