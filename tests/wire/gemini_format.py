"""generateContent and streamGenerateContent as they stand on the wire."""

from __future__ import annotations

import json
from typing import Any

from tests.wire.behaviours import Answer, Received, Status, StreamError

_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}


def streams(received: Received) -> bool:
    return ":streamGenerateContent" in received.path


def body(answer: Answer, received: Received) -> dict[str, Any]:
    parts = ([{"text": answer.text}] if answer.text else []) + _calls(answer)
    return _chunk(received, parts, answer, last=True)


def events(answer: Answer, received: Received) -> list[bytes]:
    if "promptFeedback" in answer.details:
        return [_event({**answer.details, "usageMetadata": _usage(answer), "modelVersion": _model(received)})]
    size = max(1, -(-len(answer.text) // max(answer.pieces, 1)))
    parts: list[list[dict[str, Any]]] = [
        [{"text": answer.text[at : at + size]}] for at in range(0, len(answer.text), size)
    ]
    parts += [[call] for call in _calls(answer)] or ([] if parts else [[]])
    return [_event(_chunk(received, part, answer, last=number == len(parts) - 1)) for number, part in enumerate(parts)]


def beginning(text: str, received: Received) -> list[bytes]:
    answer = Answer(text)
    middle = len(text) // 2
    return [_event(_chunk(received, [{"text": part}], answer, last=False)) for part in (text[:middle], text[middle:])]


def error_event(error: StreamError) -> bytes:
    return _event(error_body(Status(error.status, kind="UNAVAILABLE")))


def error_body(status: Status) -> Any:
    error: dict[str, Any] = {
        "code": status.status,
        "message": status.message,
        "status": status.kind or _STATUSES.get(status.status, "INTERNAL"),
    }
    return {"error": error if status.details is None else error | {"details": status.details}}


def _chunk(received: Received, parts: list[dict[str, Any]], answer: Answer, *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if last:
        candidate["finishReason"] = answer.stop or "STOP"
    return {"candidates": [candidate], "usageMetadata": _usage(answer), "modelVersion": _model(received)}


def _usage(answer: Answer) -> dict[str, int]:
    prompt = answer.input_tokens + answer.cache_read
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": answer.output_tokens,
        "thoughtsTokenCount": answer.thoughts,
        "cachedContentTokenCount": answer.cache_read,
        "totalTokenCount": prompt + answer.output_tokens + answer.thoughts,
    }


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [{"functionCall": {"name": name, "args": dict(arguments)}} for name, arguments in answer.calls]


def _model(received: Received) -> str:
    return received.path.rpartition("/models/")[2].partition(":")[0]


def _event(data: Any) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
