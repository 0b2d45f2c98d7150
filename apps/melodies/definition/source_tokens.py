"""The nodes of a source text with their places, alike for YAML and JSON. Read only when there is something to point at."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal, NamedTuple

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from .yaml_scalars import BadScalarError, key_text

Media = Literal["yaml", "json"]
Place = tuple[int, int]
"""Line and column, 1-based."""

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s,:{}\[\]"]+')


class Token(NamedTuple):
    """A node of the source.

    `text` is a scalar as a key. `verbatim` is the column where its text begins, if it stands there letter by letter
    (0 = it does not: escapes, several lines).
    """

    kind: Literal["map", "list", "end", "scalar"]
    place: Place
    text: str = ""
    verbatim: int = 0


def source_tokens(text: str, media: Media) -> Iterator[Token]:
    """All nodes of a text that has been read before; stops early where YAML turns out to be broken."""
    return _json_tokens(text) if media == "json" else _yaml_tokens(text)


def start_of(event: Event) -> Place:
    """Where a YAML event begins."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _yaml_tokens(text: str) -> Iterator[Token]:
    parser = CParser(text)
    try:
        while True:
            event = parser.get_event()
            if event is None or isinstance(event, StreamEndEvent):
                return
            if isinstance(event, MappingEndEvent | SequenceEndEvent):
                yield Token("end", (0, 0))
            elif isinstance(event, NodeEvent):
                yield _yaml_token(event)
    except YAMLError:
        return
    finally:
        parser.dispose()


def _yaml_token(event: NodeEvent) -> Token:
    place = start_of(event)
    if isinstance(event, MappingStartEvent):
        return Token("map", place)
    if isinstance(event, SequenceStartEvent):
        return Token("list", place)
    if not isinstance(event, ScalarEvent):
        return Token("scalar", place)
    try:
        text = key_text(event)
    except BadScalarError:
        text = event.value
    end = event.end_mark
    quotes = 0 if event.implicit[0] else 1
    same = end is not None and (end.line + 1, end.column + 1 - 2 * quotes) == (place[0], place[1] + len(event.value))
    return Token("scalar", place, text, place[1] + quotes if same else 0)


def _json_tokens(text: str) -> Iterator[Token]:
    breaks = [match.start() for match in re.finditer("\n", text)]
    for match in _JSON_TOKEN.finditer(text):
        start = match.start()
        line = bisect_right(breaks, start)
        place = (line + 1, start - (breaks[line - 1] if line else -1))
        written = match.group()
        if written == "{":
            yield Token("map", place)
        elif written == "[":
            yield Token("list", place)
        elif written in "}]":
            yield Token("end", place)
        elif written[0] != '"':
            yield Token("scalar", place, written, place[1])
        elif "\\" in written:
            yield Token("scalar", place, json.loads(written))
        else:
            yield Token("scalar", place, written[1:-1], place[1] + 1)
