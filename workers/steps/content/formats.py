"""The formats of extracted content: text, json, structured, summary, markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workers.steps.content.condense import cut, sentences, summary
from workers.steps.content.written import dumped

Format = Literal["text", "json", "structured", "summary", "markdown"]
FORMATS: tuple[Format, ...] = ("text", "json", "structured", "summary", "markdown")


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a structured text: which heading, and how much of it."""

    name: str
    max_length: int | None = None
    item_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """How the formats are laid out. `sections` keeps only these, in this order."""

    max_summary_length: int = 500
    summary_style: str | None = None
    max_points: int | None = None
    key_metrics: bool = False
    heading_level: int | None = None
    toc: bool = False
    sections: Sequence[Section] = ()


PLAIN = Style()


def formatted(text: str, form: str, style: Style = PLAIN) -> str:
    """The text in one of the formats; an unknown format leaves it as it is."""
    if form == "json":
        return as_json(text)
    if form == "summary":
        return _summary(text, style)
    if form == "structured":
        return _headed(text, "##", "## Extracted content\n\n", style)
    if form == "markdown":
        return _headed(text, "#", "# Content\n\n", style)
    return text


def as_json(text: str) -> str:
    """The text when it is JSON, else `{"content", "format": "json"}`."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return dumped({"content": text, "format": "json"})
    return text


def json_inside(text: str) -> str:
    """The JSON a model wrote among other words: the first fenced block that is JSON; the text itself when there is none."""
    for _, block in code_blocks(text):
        stripped = block.strip()
        if stripped[:1] in ("{", "["):
            try:
                json.loads(stripped)
            except (ValueError, RecursionError):
                continue
            return stripped
    return text


def code_blocks(text: str) -> list[tuple[str, str]]:
    """`(language, code)` of every fenced block; one without an end is left out."""
    blocks: list[tuple[str, str]] = []
    fence, language = "", ""
    lines: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if not fence and stripped.startswith(("```", "~~~")):
            fence, language, lines = stripped[:3], stripped[3:].strip(), []
        elif fence and stripped == fence:
            blocks.append((language, "\n".join(lines)))
            fence = ""
        elif fence:
            lines.append(line)
    return blocks


def _summary(text: str, style: Style) -> str:
    if style.summary_style is None and style.max_points is None:
        return cut(text, style.max_summary_length)
    parts = sentences(text)[: style.max_points] if style.max_points else sentences(text)
    return summary("\n\n".join(parts), style.max_summary_length, style=style.summary_style)


def _headed(text: str, mark: str, heading: str, style: Style) -> str:
    result = text if mark in text else heading + text
    if style.sections:
        result = _only(result, style.sections)
    if style.heading_level is not None:
        result = _from_level(result, style.heading_level)
    return f"{_contents(result)}\n\n{result}" if style.toc else result


def _headings(text: str) -> list[tuple[int, str, int]]:
    """`(level, title, line number)` of the headings outside code."""
    found: list[tuple[int, str, int]] = []
    fenced = False
    for number, line in enumerate(text.splitlines()):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        level = len(line) - len(line.lstrip("#"))
        if not fenced and 1 <= level <= 6 and line[level : level + 1] == " ":
            found.append((level, line[level:].strip(), number))
    return found


def _only(text: str, sections: Sequence[Section]) -> str:
    lines, headings = text.splitlines(), _headings(text)
    kept: list[str] = []
    for section in sections:
        for index, (level, title, start) in enumerate(headings):
            if section.name.lower() not in title.lower():
                continue
            following = (number for depth, _, number in headings[index + 1 :] if depth <= level)
            body = lines[start + 1 : next(following, len(lines))]
            kept.append(f"{lines[start]}\n{_limited(body, section)}".rstrip())
            break
    return "\n\n".join(kept) if kept else text


def _limited(lines: list[str], section: Section) -> str:
    if section.item_limit is not None:
        seen = 0
        shorter: list[str] = []
        for line in lines:
            seen += is_item(line)
            if seen <= section.item_limit or not is_item(line):
                shorter.append(line)
        lines = shorter
    text = "\n".join(lines)
    return cut(text, section.max_length) if section.max_length is not None else text


def is_item(line: str) -> bool:
    """Whether a line is an item of a list: `- `, `* ` or `1.`"""
    stripped = line.lstrip()
    if stripped.startswith(("- ", "* ")):
        return True
    digits = len(stripped) - len(stripped.lstrip("0123456789"))
    return 0 < digits < 5 and stripped[digits : digits + 1] == "."


def _from_level(text: str, level: int) -> str:
    """Move all headings so that the highest has this level."""
    headings = _headings(text)
    if not headings:
        return text
    shift = level - min(depth for depth, _, _ in headings)
    lines = text.splitlines()
    for depth, title, number in headings:
        lines[number] = f"{'#' * min(max(depth + shift, 1), 6)} {title}"
    return "\n".join(lines)


def _contents(text: str) -> str:
    headings = _headings(text)
    highest = min((depth for depth, _, _ in headings), default=1)
    return "\n".join(f"{'  ' * (depth - highest)}- {title}" for depth, title, _ in headings)


def style_of(config: Mapping[str, Any]) -> Style:
    """The layout an `extraction_config` asks for."""
    return Style(
        max_summary_length=config.get("max_summary_length") or PLAIN.max_summary_length,
        summary_style=config.get("summary_style"),
        max_points=config.get("max_points"),
        key_metrics=bool(config.get("include_key_metrics")),
        heading_level=config.get("heading_level"),
        toc=bool(config.get("include_toc")),
        sections=[_section(item) for item in config.get("sections") or ()],
    )


def _section(written: Any) -> Section:
    if not isinstance(written, Mapping):
        return Section(str(written))
    return Section(str(written.get("name") or ""), written.get("max_length"), written.get("item_limit"))
