"""CSV, JSON, YAML and XML as bytes, to and from plain data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from workers.contract import StepFailed
from workers.steps.files.xml_text import BadXmlError, parse_xml, to_xml


class BadDataError(ValueError):
    """The data has a shape that the format cannot hold."""


NAMES = ("csv", "json", "yaml", "xml")
CONVERSIONS = tuple(f"{source}_to_{target}" for source in NAMES for target in NAMES if source != target)


@dataclass(frozen=True, slots=True)
class Style:
    """How texts are laid out. `headers`: the first row names the columns, or it does not, or these are the names."""

    delimiter: str = ","
    headers: bool | list[str] = True
    indent: int | None = 2


def convert(data: bytes, conversion: str, style: Style) -> bytes:
    """Read one format and write another; what cannot be read or held is a StepFailed that says why."""
    source, _, target = conversion.partition("_to_")
    try:
        return _WRITERS[target](_READERS[source](data, style), style)
    except (BadXmlError, csv.Error, yaml.YAMLError, ValueError, RecursionError) as error:
        reason = "the data is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise StepFailed(f"{conversion}: {reason}", code="conversion_failed") from error


def _read_csv(data: bytes, style: Style) -> Any:
    """A list of maps with all values as text; a list of lists without column names."""
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=style.delimiter, strict=True)
    filled = [row for row in rows if row]
    if style.headers is False:
        return filled
    names = style.headers if isinstance(style.headers, list) else (filled.pop(0) if filled else [])
    for number, row in enumerate(filled, start=1):
        if len(row) > len(names):
            raise ValueError(f"row {number} has {len(row)} values, but there are {len(names)} columns")
    return [dict(zip(names, row + [""] * (len(names) - len(row)), strict=True)) for row in filled]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write_csv(data: Any, style: Style) -> bytes:
    """Columns in the order they first occur."""
    rows = [data] if isinstance(data, Mapping) else data
    if not isinstance(rows, list):
        raise BadDataError("CSV needs a list of maps")
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=style.delimiter, lineterminator="\n")
    if all(isinstance(row, list) for row in rows):
        writer.writerows([[_cell(value) for value in row] for row in rows])
        return buffer.getvalue().encode()
    if not all(isinstance(row, Mapping) for row in rows):
        raise BadDataError("CSV needs a list of maps, or a list of lists")
    columns = list(dict.fromkeys(str(key) for row in rows for key in row))
    if isinstance(style.headers, list):
        columns = style.headers
    if style.headers is not False:
        writer.writerow(columns)
    writer.writerows([[_cell(row.get(column)) for column in columns] for row in rows])
    return buffer.getvalue().encode()


def _read_json(data: bytes, _: Style) -> Any:
    return json.loads(data.decode("utf-8-sig"))


def _write_json(data: Any, style: Style) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=style.indent, allow_nan=False, default=str) + "\n").encode()


def _read_yaml(data: bytes, _: Style) -> Any:
    """Plain data only; aliases are refused because a few of them can stand for gigabytes."""
    text = data.decode("utf-8-sig")
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise BadDataError(f"aliases are not accepted (*{event.anchor})")
    return _plain(yaml.load(text, Loader=yaml.CSafeLoader))


def _plain(value: Any) -> Any:
    """What JSON can hold: text keys, dates as text."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _cell_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes):
        raise BadDataError("binary values are not accepted")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _cell_key(key: Any) -> str:
    return json.dumps(key) if key is None or isinstance(key, bool | int | float) else str(_plain(key))


def _write_yaml(data: Any, _: Style) -> bytes:
    return yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False).encode()


def _read_xml(data: bytes, _: Style) -> Any:
    return parse_xml(data)


def _write_xml(data: Any, _: Style) -> bytes:
    return to_xml(data).encode()


_READERS: dict[str, Callable[[bytes, Style], Any]] = {
    "csv": _read_csv,
    "json": _read_json,
    "yaml": _read_yaml,
    "xml": _read_xml,
}
_WRITERS: dict[str, Callable[[Any, Style], bytes]] = {
    "csv": _write_csv,
    "json": _write_json,
    "yaml": _write_yaml,
    "xml": _write_xml,
}
