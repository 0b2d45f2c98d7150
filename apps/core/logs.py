"""How a line of the log looks: whose request it belongs to, and nothing in it that must stay secret.

Two formats: lines for people, and JSON lines for machines (`SYMPHONY_LOG_FORMAT`).
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from typing import Any, Final

from apps.core.origin import current_origin
from apps.core.redaction import hide_values, without_secrets

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x80-\x9f\u2028\u2029]")
_LONGEST: Final = 20_000
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ROLE: Final = os.environ.get("SYMPHONY_ROLE") or "web"


def one_line(text: str) -> str:
    """What a user sends must not look like a line of ours, or like orders to a terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


class LineFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123 INFO name [request execution task] message`; a traceback follows in lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        found = _marks(record)
        marks = " ".join(found[name] for name in ("request_id", "execution_id", "task_id") if name in found)
        where = f" [{marks}]" if marks else ""
        message = one_line(without_secrets(_bounded(record.getMessage())))
        line = f"{moment}.{record.msecs:03.0f} {record.levelname} {record.name}{where} {message}"
        trouble = _trouble(self, record)
        return f"{line}\n{trouble}" if trouble else line


class JsonFormatter(logging.Formatter):
    """One JSON object in a line, the fields of an access line among them."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": without_secrets(_bounded(record.getMessage())),
            "role": _ROLE,
            "pid": record.process,
            "thread": record.threadName,
        }
        line |= _marks(record)
        line |= hide_values(getattr(record, "access", {}))
        if trouble := _trouble(self, record):
            line["exception"] = trouble
        # ASCII only: no separator of lines, no lone surrogate, whatever reads it.
        return json.dumps(line, default=str)


class NoWebSockets(logging.Filter):
    """There are none here, and uvicorn tells of each attempt with its whole query."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "WebSocket %s" not in str(record.msg)


def _marks(record: logging.LogRecord) -> dict[str, str]:
    """What the line belongs to: the request, the run and its trace, the step. Celery's own lines, written where nothing
    of that is known, tell the step in what they are about."""
    origin = current_origin()
    found = {name: getattr(origin, name) for name in ("request_id", "execution_id", "task_id") if getattr(origin, name)}
    if origin.execution_id:
        found["trace_id"] = origin.execution_id.replace("-", "")
    if "task_id" not in found and record.name.startswith("celery") and (task_id := _step_of(record)):
        found["task_id"] = task_id
    return found


def _step_of(record: logging.LogRecord) -> str:
    """The second of a step message's two arguments."""
    about = getattr(record, "data", None)
    ids = _UUID.findall(str(about.get("args", ""))[:200]) if isinstance(about, dict) else []
    return ids[1] if len(ids) == 2 else ""


def _trouble(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info:
        parts.append(formatter.formatException(record.exc_info))
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return without_secrets("\n".join(parts)) if parts else ""
