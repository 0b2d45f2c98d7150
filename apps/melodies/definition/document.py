"""From source text to a parsed document: encoding, size, YAML or JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .collector import paused_collector
from .json_source import JsonSyntax, read_json
from .limits import DEFAULT, Limits
from .plain_values import check_plain
from .positions import locate
from .problems import InvalidDocument, Problem, ProblemList, Spot
from .source_tokens import Media, Place
from .yaml_source import read_yaml

# What libyaml refuses as well, found here because we can say where and why.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """The plain value of a source text.

    `problems` are flaws that did not keep us from reading on (a key written twice); validation reports them together
    with its own. `source` is "" when the value never was text.
    """

    value: Any
    source: str = ""
    media: Media = "yaml"
    problems: tuple[Problem, ...] = ()
    limits: Limits = DEFAULT

    def locate(self, spots: Iterable[Spot]) -> dict[Spot, Place]:
        """Line and column of places in the source, none if there is no source."""
        return locate(self.source, self.media, spots) if self.source else {}


def parse(source: str | bytes, *, media: Media | None = None, limits: Limits = DEFAULT) -> ParsedDocument:
    """Read YAML or JSON; without `media`, a text that begins with a brace is tried as JSON first.

    Raises `InvalidDocument` for what cannot be read at all.
    """
    with paused_collector():
        return _parse(_text(source, limits), media, limits)


def _parse(text: str, media: Media | None, limits: Limits) -> ParsedDocument:
    if media is None and text.lstrip()[:1] not in ("{", "["):
        media = "yaml"
    if media != "yaml":
        try:
            value, problems = read_json(text, limits)
            return ParsedDocument(value, text, "json", tuple(problems), limits)
        except JsonSyntax:
            if media == "json" or re.match(r'\s*\{\s*"', text):
                raise
    value, problems = read_yaml(text, limits)
    return ParsedDocument(value, text, "yaml", tuple(problems), limits)


def plain(value: Mapping[str, Any], *, limits: Limits = DEFAULT) -> ParsedDocument:
    """Take a value that was parsed elsewhere (a JSON request body)."""
    problems = ProblemList(limits.max_problems)
    check_plain(value, limits, problems)
    return ParsedDocument(value, "", "json", tuple(problems.located(None)), limits)


def _text(source: str | bytes, limits: Limits) -> str:
    if len(source) > limits.max_bytes:
        raise InvalidDocument([_too_large(limits)])
    if isinstance(source, bytes):
        source = _decoded(source)
    elif not source.isascii() and len(source.encode(errors="surrogatepass")) > limits.max_bytes:
        raise InvalidDocument([_too_large(limits)])
    text = source.removeprefix("\ufeff")
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        name = f"U+{ord(forbidden.group()):04X}"
        message = f"The character {name} is not allowed" + (" (NUL)." if forbidden.group() == "\0" else ".")
        raise InvalidDocument([Problem("invalid_character", message, "", *_place(text, forbidden.start()))])
    return text


def _decoded(source: bytes) -> str:
    if source[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InvalidDocument([Problem("encoding", "The text is UTF-16; save it as UTF-8.", "", 1, 1)])
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        before = source[: error.start].decode()
        message = f"The text is not UTF-8: byte 0x{source[error.start]:02x} does not fit. Save it as UTF-8."
        raise InvalidDocument([Problem("encoding", message, "", *_place(before, len(before)))]) from None


def _place(text: str, index: int) -> Place:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _too_large(limits: Limits) -> Problem:
    return Problem("too_large", f"The document is larger than {limits.max_bytes:,} bytes.")
