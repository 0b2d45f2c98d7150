"""Reading, writing, converting and rewriting the contents of files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workers.contract import StepContext, StepFailed
from workers.steps.files.formats import Style, convert
from workers.steps.files.jail import Jail, parts_of
from workers.steps.files.params import FileOps
from workers.steps.files.storing import MOST_WRITTEN, keep_file
from workers.steps.files.types import artifact_type, as_bytes, content_type

MOST_TEXT = 10 << 20
LONGEST_LINE = 8 << 20


def write(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Write a file, and keep it as an artifact unless told otherwise."""
    data = as_bytes(params.content)
    if len(data) > MOST_WRITTEN:
        raise StepFailed(f"the content has {len(data)} bytes; the limit is {MOST_WRITTEN}", code="too_large")
    path = params.path or ""
    jail.write(parts_of(path), data, overwrite=params.options.overwrite)
    if params.artifact is not False:
        keep_file(step, path, data)
    return {"operation": "write", "path": path, "bytes": len(data), "status": "completed"}


def read(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """The text of a file."""
    path = params.path or ""
    data = jail.read(parts_of(path), MOST_TEXT)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StepFailed(f"{path!r} is not UTF-8 text", code="not_text") from error
    return {"operation": "read", "path": path, "content": text, "bytes": len(data), "status": "completed"}


def convert_file(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Read one format, write another."""
    options = params.options
    style = Style(delimiter=options.csv_delimiter, headers=options.csv_headers, indent=options.json_indent)
    source, destination = str(params.source), params.destination or ""
    data = convert(jail.read(parts_of(source), MOST_TEXT), str(params.format), style)
    jail.write(parts_of(destination), data, overwrite=options.overwrite)
    if params.artifact:
        keep_file(step, destination, data)
    return {
        "operation": "convert",
        "source": source,
        "destination": destination,
        "format": params.format,
        "status": "completed",
    }


def _processor(params: FileOps) -> Callable[[str], str]:
    old, new = params.pattern or "", params.replacement or ""
    known: dict[str, Callable[[str], str]] = {
        "identity": lambda line: line,
        "uppercase": str.upper,
        "lowercase": str.lower,
        "trim": str.strip,
        "replace": lambda line: line.replace(old, new),
    }
    return known[str(params.processor)]


def stream_process(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Treat a text line by line; in place, unless there is a `destination`. `replace` takes its pattern literally."""
    source = str(params.source)
    target = source if params.destination is None else params.destination
    treat = _processor(params)
    written = 0
    with jail.reading(parts_of(source)) as file, jail.writing(parts_of(target)) as out:
        while raw := file.readline(LONGEST_LINE):
            if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                raise StepFailed(f"{source!r} has a line longer than {LONGEST_LINE} bytes", code="too_large")
            try:
                line = raw.decode()
            except UnicodeDecodeError as error:
                raise StepFailed(f"{source!r} is not UTF-8 text", code="not_text") from error
            body = line.rstrip("\r\n")
            written += out.write((treat(body) + line[len(body) :]).encode())
            if written > MOST_WRITTEN:
                raise StepFailed(f"the result is larger than {MOST_WRITTEN} bytes", code="too_large")
    return {
        "operation": "stream_process",
        "source": source,
        "processed_path": target,
        "processor": params.processor,
        "status": "completed",
        "method": "streaming",
    }


__all__ = ["artifact_type", "as_bytes", "content_type", "convert_file", "read", "stream_process", "write"]
