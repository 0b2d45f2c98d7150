"""Data as text for people: a Markdown table, a bar chart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from xml.sax.saxutils import escape

from pydantic import Field

from workers.contract import StepFailed
from workers.steps.fields import OrTemplate, Params
from workers.steps.transform.values import at, is_number, text_of, type_name

MOST_ROWS = 5000
MOST_BARS = 200

_UNPRINTABLE = re.compile("[^\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN = re.compile(r"[\\|*`~\[\]]|(?<![^\W_])_|_(?![^\W_])")
_SPACES = re.compile(r"\s+")


class RenderOptions(Params):
    """How a table or chart looks."""

    label: str | None = Field(None, description="svg_bars: the field that names a bar. By default the first text.")
    value: str | None = Field(None, description="svg_bars: the field with its length. By default the first number.")
    title: str | None = Field(None, description="A heading.")
    width: Annotated[int, Field(ge=200, le=4000), OrTemplate()] = Field(720, description="svg_bars: width in pixels.")
    columns: list[str] | None = Field(None, description="markdown: which fields, in this order. By default all.")


def _rows(data: Any, limit: int) -> list[Mapping[str, Any]]:
    rows = data if isinstance(data, list) else [data]
    if not all(isinstance(row, Mapping) for row in rows):
        wrong = next(row for row in rows if not isinstance(row, Mapping))
        raise StepFailed(f"a table or chart needs a list of maps; an item is {type_name(wrong)}", code="not_a_table")
    if len(rows) > limit:
        raise StepFailed(f"{len(rows)} rows are too many to show; the limit is {limit}", code="too_large")
    return rows


def _markdown_cell(value: Any) -> str:
    """Nothing in a value can become markup, or break the row."""
    if value is None:
        return ""
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else text_of(value)
    text = _SPACES.sub(" ", _UNPRINTABLE.sub("\ufffd", text)).strip()
    return _MARKDOWN.sub(lambda found: "\\" + found.group(), escape(text))


def markdown_table(data: Any, options: RenderOptions) -> str:
    """Columns in the order they first occur; numbers to the right."""
    rows = _rows(data, MOST_ROWS)
    columns = options.columns or list(dict.fromkeys(str(key) for row in rows for key in row))
    lines = [f"### {_markdown_cell(options.title)}", ""] if options.title else []
    if not columns:
        return "\n".join([*lines, "*nothing*"]) + "\n"
    numeric = [bool(rows) and all(is_number(at(row, column)) for row in rows) for column in columns]
    lines.append(_line([_markdown_cell(column) for column in columns]))
    lines.append(_line(["---:" if right else "---" for right in numeric]))
    lines.extend(_line([_markdown_cell(at(row, column)) for column in columns]) for row in rows)
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _svg_text(value: Any, limit: int) -> str:
    text = _SPACES.sub(" ", _UNPRINTABLE.sub("\ufffd", text_of(value)))
    return escape(text if len(text) <= limit else f"{text[: limit - 1]}…", {'"': "&quot;"})


def _column(rows: Sequence[Mapping[str, Any]], chosen: str | None, wanted: type | None) -> str:
    if chosen:
        return chosen
    for key, value in rows[0].items() if rows else ():
        if isinstance(value, str) if wanted is str else is_number(value):
            return str(key)
    what = "label" if wanted is str else "value"
    raise (
        StepFailed(f"svg_bars: say in options.{what} which field to use", code="bad_params")
        if rows
        else StepFailed("svg_bars: there is nothing to show", code="not_a_table")
    )


def svg_bars(data: Any, options: RenderOptions) -> str:
    """Horizontal bars, one for each map, as a complete SVG document. Values below zero have no bar."""
    rows = _rows(data, MOST_BARS)
    label, value = _column(rows, options.label, str), _column(rows, options.value, None)
    values = [at(row, value) for row in rows]
    wrong = next((found for found in values if not is_number(found)), None)
    if wrong is not None or None in values:
        raise StepFailed(
            f"svg_bars: {value!r} must be a number in every row, not {text_of(wrong)[:60]}", code="not_a_table"
        )
    names = [at(row, label) for row in rows]
    gutter = min(24 + 8 * max(len(text_of(name)) for name in names), options.width // 2)
    return _drawing(options, [(name, number) for name, number in zip(names, values, strict=True)], gutter)


def _drawing(options: RenderOptions, bars: Sequence[tuple[Any, float]], gutter: int) -> str:
    top = 48 if options.title else 16
    height = top + 24 * len(bars) + 16
    room = options.width - gutter - 80
    longest = max((number for _, number in bars), default=0) or 1
    title = _svg_text(options.title or "Bar chart", 200)
    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {options.width} {height}" width="{options.width}" '
            f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="13">'
        ),
        f"<title>{title}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    if options.title:
        out.append(f'<text x="16" y="28" font-size="16" font-weight="600" fill="#1f2430">{title}</text>')
    for index, (name, number) in enumerate(bars):
        y = top + 24 * index
        length = max(0.0, room * number / longest) if longest > 0 else 0.0
        out.append(
            f'<text x="{gutter - 8}" y="{y + 15}" text-anchor="end" fill="#1f2430">{_svg_text(name, gutter // 8)}</text>'
            f'<rect x="{gutter}" y="{y + 2}" width="{length:.1f}" height="18" rx="3" fill="#4c6ef5"/>'
            f'<text x="{gutter + length + 6:.1f}" y="{y + 15}" fill="#5b6274">{_number(number)}</text>'
        )
    return "\n".join([*out, "</svg>"]) + "\n"


def _number(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.2f}"
