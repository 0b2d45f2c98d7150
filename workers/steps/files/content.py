"""Reading, writing, converting and rewriting the contents of files."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable
from typing import Any

from workers.steps.contract import StepContext, StepFailed
from workers.steps.files.formats import Style, convert
from workers.steps.files.jail import Jail, parts_of
from workers.steps.files.params import FileOps

MOST_TEXT = 10 << 20
MOST_WRITTEN = 64 << 20
LONGEST_LINE = 8 << 20

_DOCUMENTS = frozenset({".md", ".html", ".txt", ".rst", ".pdf"})
_CODE = frozenset({".py", ".js", ".ts", ".ex", ".exs", ".rs", ".go", ".sh", ".sql", ".c", ".java"})
_SETTINGS = frozenset({".toml", ".ini", ".cfg", ".yaml", ".yml", ".env"})
_TEXT_TYPES = {
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".jsonl": "application/jsonl",
}


def content_type(name: str) -> str:
    """The media type a file name suggests."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return _TEXT_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def artifact_type(name: str) -> str:
    """documentation, code, config or data, by the file's name."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix in _DOCUMENTS:
        return "documentation"
    return "code" if suffix in _CODE else "config" if suffix in _SETTINGS else "data"


def as_bytes(content: Any) -> bytes:
    """Text as it is; anything else as JSON."""
    if isinstance(content, str):
        return content.encode("utf-8", "surrogatepass")
    return (json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n").encode()


def write(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Write a file, and keep it as an artifact unless told otherwise."""
    data = as_bytes(params.content)
    if len(data) > MOST_WRITTEN:
        raise StepFailed(f"the content has {len(data)} bytes; the limit is {MOST_WRITTEN}", code="too_large")
    path = params.path or ""
    jail.write(parts_of(path), data, overwrite=params.options.overwrite)
    if params.artifact is not False:
        _keep(step, path, data)
    return {"operation": "write", "path": path, "bytes": len(data), "status": "completed"}


def _keep(step: StepContext, path: str, data: bytes) -> None:
    name = "/".join(parts_of(path))
    step.keep(name, data, content_type=content_type(name), artifact_type=artifact_type(name))


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
        _keep(step, destination, data)
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
