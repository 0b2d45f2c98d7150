"""From an answer to a result, or to the reason why it is none."""

from __future__ import annotations

import email.utils
import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from workers.contract import StepContext, StepFailed
from workers.steps.files.encodings import text_encoding
from workers.steps.files.types import artifact_type
from workers.steps.web.calling import Answer
from workers.steps.web.fields import Http
from workers.steps.web.secrets import Secrets

_EXCERPT = 500
_CODES = {401: "auth", 403: "auth", 408: "timeout", 429: "rate_limit", 503: "overloaded", 529: "overloaded"}
_UNSAFE = re.compile(r"[^\w.-]+")
LONGEST_WAIT = 3600.0


def result_of(params: Http, step: StepContext, answer: Answer, secrets: Secrets) -> dict[str, Any]:
    """The step's result; what it keeps as a file is kept."""
    if not _is_expected(params, answer.status):
        raise _unexpected(params, answer, secrets)
    result: dict[str, Any] = {
        "success": True,
        "status": answer.status,
        "url": answer.url,
        "headers": dict(answer.headers),
        "content_type": _media_type(answer),
        "bytes": len(answer.data),
        "redirects": answer.redirects,
        "duration_ms": round(answer.seconds * 1000),
    }
    return result | _body(params, step, answer, secrets)


def _body(params: Http, step: StepContext, answer: Answer, secrets: Secrets) -> dict[str, Any]:
    data = secrets.hidden_in_bytes(answer.data)
    form = _form(params, answer)
    if form == "bytes":
        name = _name(params, step, answer)
        content_type = _media_type(answer) or "application/octet-stream"
        step.keep(name, data, content_type=content_type, artifact_type=artifact_type(name))
        return {"body": None, "artifact": name}
    if form == "json" or (params.response_format == "auto" and _is_json(answer)):
        try:
            return {"body": json.loads(data) if data else None}
        except (ValueError, RecursionError) as error:
            if form == "json":
                raise StepFailed(
                    f"The answer is not JSON: {_text(data, answer)[:_EXCERPT]!r}", code="bad_answer"
                ) from error
    return {"body": _text(data, answer)}


def _form(params: Http, answer: Answer) -> str:
    if params.response_format != "auto":
        return params.response_format
    media_type = _media_type(answer)
    textual = media_type.startswith("text/") or media_type.endswith(
        ("json", "xml", "javascript", "x-www-form-urlencoded")
    )
    return "text" if textual or not answer.data or (not media_type and _is_text(answer.data)) else "bytes"


def _is_json(answer: Answer) -> bool:
    media_type = _media_type(answer)
    return media_type == "application/json" or media_type.endswith("+json")


def _media_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def _text(data: bytes, answer: Answer) -> str:
    """As text; what cannot be stored is replaced."""
    text = data.decode(text_encoding(answer.encoding or "") or "utf-8", "replace")
    return text.replace("\0", "\ufffd")


def _name(params: Http, step: StepContext, answer: Answer) -> str:
    last = unquote(urlsplit(answer.url).path).rpartition("/")[2]
    return _UNSAFE.sub("_", params.artifact_name or last or step.name).strip("._")[:200] or "answer"


def _is_expected(params: Http, status: int) -> bool:
    return any(
        wanted == str(status) or (wanted.endswith("xx") and wanted[0] == str(status)[0])
        for wanted in params.expect_status or ["2xx"]
    )


def _unexpected(params: Http, answer: Answer, secrets: Secrets) -> StepFailed:
    """A status that is none of those expected. What may pass by itself is marked as passing."""
    status = answer.status
    passing = status == 429 or ((status in (408, 425) or status >= 500) and params.is_idempotent)
    excerpt = _text(secrets.hidden_in_bytes(answer.data), answer)[:_EXCERPT]
    return StepFailed(
        f"{params.method} {answer.url} answered {status}" + (f": {excerpt}" if excerpt.strip() else "."),
        code=_CODES.get(status, "api_error" if status >= 500 else "bad_request"),
        details={"status": status, "url": answer.url, "body": excerpt},
        transient=passing,
        retry_after=_retry_after(answer) if status in (429, 503) or passing else None,
    )


def _retry_after(answer: Answer) -> float | None:
    """Seconds, whether they are told as such or as a date; at most an hour."""
    told = answer.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit() and len(told) < 10:
        return min(float(told), LONGEST_WAIT)
    try:
        moment = email.utils.parsedate_to_datetime(told)
    except (TypeError, ValueError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)
