"""A short text that a regular expression matches, made without running the expression.

Knows what patterns of schemas are made of: literals, classes, groups, alternatives, quantifiers, anchors. Look-around,
back-references and the like are read as nothing.
"""

from __future__ import annotations

_MAX = 2000
_DEPTH = 20
_ESCAPES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "n": "\n", "t": "\t", "r": "\r"}
_NOTHING = {"b", "B", "A", "Z", "z"}
_OUTSIDE = "a0-_ A.z9"
_RANGES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyz0123456789_", "s": " \t\n"}


def text_matching(pattern: str, least: int = 0) -> str:
    """A text for the pattern, of at least this many characters where a repetition allows it."""
    reader = _Reader(pattern, 0)
    text = reader.alternatives(0)
    if len(text) < least and reader.stretchable:
        text = _Reader(pattern, min(least, _MAX)).alternatives(0)
    return text[:_MAX]


class _Reader:
    """Reads a pattern from left to right; `stretch` is how often what may repeat without bound is repeated."""

    def __init__(self, pattern: str, stretch: int) -> None:
        self._pattern = pattern
        self._at = 0
        self._stretch = stretch
        self.stretchable = False

    def alternatives(self, depth: int) -> str:
        """The first alternative; the others are read and dropped."""
        first = self._sequence(depth)
        while self._peek() == "|":
            self._at += 1
            self._sequence(depth)
        return first

    def _sequence(self, depth: int) -> str:
        parts: list[str] = []
        size = 0
        while (char := self._peek()) and char not in "|)":
            part = self._repeated(self._atom(depth))
            size += len(part)
            if size <= _MAX:
                parts.append(part)
        return "".join(parts)

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _atom(self, depth: int) -> str:
        char = self._next()
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._one_of_class()
        if char == "\\":
            return self._escape()
        if char in "^$":
            return ""
        return "a" if char == "." else char

    def _group(self, depth: int) -> str:
        kept = True
        if self._peek() == "?":
            self._at += 1
            kind = self._next()
            if kind in "P<" and self._peek() not in "=!":
                self._at = max(self._at, self._pattern.find(">", self._at) + 1)
            else:
                kept = kind == ":"
        # Nested deeper than any sensible pattern: the rest is read as if it were empty.
        inner = self.alternatives(depth + 1) if depth < _DEPTH else self._skip_group()
        if self._peek() == ")":
            self._at += 1
        return inner if kept else ""

    def _skip_group(self) -> str:
        self._at = len(self._pattern)
        return ""

    def _escape(self) -> str:
        char = self._next()
        if char in _NOTHING or char.isdigit():
            return ""
        if char in "ux":
            width = 4 if char == "u" else 2
            digits = self._pattern[self._at : self._at + width]
            self._at += width
            try:
                return chr(int(digits, 16))
            except ValueError:
                return ""
        return _ESCAPES.get(char, char)

    def _one_of_class(self) -> str:
        negated = self._peek() == "^"
        if negated:
            self._at += 1
        members = self._members()
        if not negated:
            return members[:1]
        return next((char for char in _OUTSIDE if char not in members), "~")

    def _members(self) -> str:
        """Every character of a class; of long ranges the beginning."""
        members: list[str] = []
        first = True
        while (char := self._next()) and (char != "]" or first):
            first = False
            if char == "\\" and self._peek() in _RANGES:
                members.extend(_RANGES[self._next()])
            elif char == "\\":
                members.extend(self._escape())
            elif self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in {"]", ""}:
                self._at += 1
                members.extend(_range(char, self._next()))
            else:
                members.append(char)
        return "".join(members)

    def _repeated(self, atom: str) -> str:
        least, open_ended = self._quantifier()
        if open_ended:
            self.stretchable = self.stretchable or bool(atom)
            least = max(least, self._stretch)
        return atom * min(least, _MAX)

    def _quantifier(self) -> tuple[int, bool]:
        """How often what stands before is repeated at least, and whether without bound."""
        char = self._peek()
        if char not in "*+?{" or not char:
            return 1, False
        self._at += 1
        least, open_ended = {"*": (0, True), "+": (1, True), "?": (0, False)}.get(char) or self._counted()
        if self._peek() in {"?", "+"}:
            self._at += 1
        return least, open_ended

    def _counted(self) -> tuple[int, bool]:
        end = self._pattern.find("}", self._at)
        inside = self._pattern[self._at : end] if end >= 0 else ""
        self._at = end + 1 if end >= 0 else len(self._pattern)
        low, comma, high = inside.partition(",")
        least = int(low) if low.isdigit() and len(low) < 6 else 0
        return least, bool(comma) and not high


def _range(first: str, last: str) -> str:
    return "".join(chr(code) for code in range(ord(first), min(ord(last or first), ord(first) + 127) + 1))
