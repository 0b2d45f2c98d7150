"""Other forms of the same content: tables and Markdown for models to read, and one data format as another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workers.contract import StepFailed
from workers.steps.files.formats import CONVERSIONS, NAMES, Style, convert

_TARGETS = ("table", "markdown")
FORMS = (*CONVERSIONS, *(f"{source}_to_{target}" for source in NAMES for target in _TARGETS))
_DEEPEST = 20
_MOST_ROWS = 10_000


def transformed(text: str, form: str) -> str:
    """The text in another form: `csv_to_table`, `json_to_markdown`, `json_to_yaml` …"""
    if form not in FORMS:
        known = "csv_to_table, json_to_table, json_to_markdown, json_to_yaml, csv_to_json"
        raise StepFailed(
            f"there is no transform {form[:60]!r}; there are {known} and their like for {', '.join(NAMES)}",
            code="bad_params",
            final=True,
        )
    source, _, target = form.partition("_to_")
    if target not in _TARGETS:
        return convert(text.encode(), form, Style()).decode().rstrip("\n")
    value = _read(text, source)
    return table(value) if target == "table" else markdown(value)


def _read(text: str, source: str) -> Any:
    written = text.encode() if source == "json" else convert(text.encode(), f"{source}_to_json", Style())
    try:
        return json.loads(written)
    except (ValueError, RecursionError) as error:
        raise StepFailed(f"the content is not {source.upper()}: {error}", code="conversion_failed") from error


def table(value: Any) -> str:
    """A Markdown table of a list of maps or lists; of a map one row for each entry."""
    rows = value if isinstance(value, list) else [value]
    if isinstance(value, Mapping) and not any(isinstance(item, list) for item in value.values()):
        rows = [{"field": key, "value": item} for key, item in value.items()]
    elif isinstance(value, Mapping):
        rows = next(item for item in value.values() if isinstance(item, list))
    maps = [row if isinstance(row, Mapping) else {"value": row} for row in rows[:_MOST_ROWS]]
    columns = list(dict.fromkeys(str(key) for row in maps for key in row))
    if not columns:
        return ""
    lines = [_row(columns), _row(["---"] * len(columns))]
    lines += [_row([_cell(row.get(column)) for column in columns]) for row in maps]
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("|", "\\|").replace("\r", "").replace("\n", "<br>")


def markdown(value: Any, level: int = 2) -> str:
    """Headings for the entries of maps, bullets for lists."""
    if level > _DEEPEST:
        return _plain(value)
    if isinstance(value, Mapping):
        return "\n\n".join(_section(str(key), item, level) for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(f"- {_inline(item)}" for item in value)
    return _plain(value)


def _section(key: str, value: Any, level: int) -> str:
    if isinstance(value, Mapping | list) and value:
        return f"{'#' * min(level, 6)} {key}\n\n{markdown(value, level + 1)}"
    return f"**{key}**: {_plain(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_plain(item)}" for key, item in value.items())
    return _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
