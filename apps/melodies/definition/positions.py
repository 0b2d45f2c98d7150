"""Line and column of places in a document, by a second pass over its source.

Only documents with problems pay for this. The places wanted form a trie, and the pass follows a branch only while
somebody wants something below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .pointers import child, tokens
from .problems import Problem, Spot
from .source_tokens import Media, Place, Token, source_tokens


@dataclass(slots=True)
class _Wanted:
    children: dict[str, _Wanted] = field(default_factory=dict)
    key: Place | None = None
    value: Place | None = None
    verbatim: int = 0


@dataclass(slots=True)
class _Open:
    """A mapping or list the pass is in; `wanted` is its node of the trie, `key` that of the member at hand."""

    is_map: bool
    wanted: _Wanted | None
    items: int = 0
    key: _Wanted | None = None
    has_key: bool = False

    def take_key(self, token: Token) -> None:
        self.has_key = True
        self.key = self.wanted.children.get(token.text) if self.wanted else None
        if self.key is not None:
            self.key.key = token.place

    def take_value(self) -> _Wanted | None:
        """The trie node of the value that comes now."""
        if self.is_map:
            self.has_key = False
            return self.key
        self.items += 1
        return self.wanted.children.get(str(self.items - 1)) if self.wanted else None


def locate(text: str, media: Media, spots: Iterable[Spot]) -> dict[Spot, Place]:
    """The place of each spot; a spot that is not in the source gets the nearest place around it."""
    spots = list(spots)
    root = _Wanted()
    count = 1
    for spot in spots:
        node = root
        for token in tokens(spot.pointer):
            if token not in node.children:
                node.children[token] = _Wanted()
                count += 1
            node = node.children[token]
    if spots:
        _mark(text, media, root, count)
    return {spot: _place(root, spot) for spot in spots}


def _mark(text: str, media: Media, root: _Wanted, count: int) -> None:
    """Note the places of all wanted nodes; stops as soon as `count` of them were seen."""
    stack: list[_Open] = []
    for token in source_tokens(text, media):
        if token.kind == "end":
            stack.pop()
            continue
        if stack and stack[-1].is_map and not stack[-1].has_key:
            stack[-1].take_key(token)
            continue
        wanted = stack[-1].take_value() if stack else root
        if wanted is not None:
            wanted.value, wanted.verbatim = token.place, token.verbatim
            count -= 1
            if not count:
                return
        if token.kind != "scalar":
            stack.append(_Open(token.kind == "map", wanted))


def _place(root: _Wanted, spot: Spot) -> Place:
    node, place = root, root.value or (1, 1)
    for token in tokens(spot.pointer):
        node = node.children[token]
        if node.value is None and node.key is None:
            return place
        place = node.value or node.key or place
    if spot.at_key and node.key is not None:
        return node.key
    if spot.offset and node.verbatim and node.value is not None:
        return node.value[0], node.verbatim + spot.offset
    return place


@dataclass(slots=True)
class _Object:
    """A JSON object or list the search for duplicates is in."""

    pointer: str
    seen: set[str] | None
    items: int = 0
    key: str | None = None

    def take_value(self) -> str:
        """The pointer of the value that comes now."""
        token: str | int = self.items if self.key is None else self.key
        self.items, self.key = self.items + 1, None
        return child(self.pointer, token)


def json_duplicates(text: str) -> list[Problem]:
    """Every key that stands twice in one object of a valid JSON text."""
    problems: list[Problem] = []
    stack: list[_Object] = []
    for token in source_tokens(text, "json"):
        top = stack[-1] if stack else None
        if token.kind == "end":
            stack.pop()
        elif top is not None and top.seen is not None and top.key is None:
            top.key = token.text
            if token.text in top.seen:
                problems.append(duplicate_key(token.text, top.pointer, token.place))
            top.seen.add(token.text)
        else:
            pointer = top.take_value() if top is not None else ""
            if token.kind != "scalar":
                stack.append(_Object(pointer, set() if token.kind == "map" else None))
    return problems


def duplicate_key(key: str, pointer: str, place: Place) -> Problem:
    """The problem of a key that stands twice in the mapping at `pointer`."""
    message = f"The key {key[:200]!r} stands twice in the same mapping."
    return Problem("duplicate_key", message, child(pointer, key), *place)
