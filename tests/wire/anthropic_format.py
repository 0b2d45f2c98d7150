"""The Messages API as it stands on the wire."""

from __future__ import annotations

import json
from typing import Any

from tests.wire.behaviours import Answer, Received, Status, StreamError

_KINDS = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


def streams(received: Received) -> bool:
    return bool(received.body.get("stream"))


def body(answer: Answer, received: Received) -> dict[str, Any]:
    return _message(answer, received) | {
        "content": _blocks(answer),
        "stop_reason": _stop(answer),
        "usage": _usage(answer, answer.output_tokens),
    }


def events(answer: Answer, received: Received) -> list[bytes]:
    told = [_event("message_start", message=_message(answer, received)), _event("ping")]
    index = 0
    if answer.text or not answer.calls:
        told += _text_block(index, answer.text, answer.pieces)
        index += 1
    for number, (name, arguments) in enumerate(answer.calls):
        told += _tool_block(index, f"toolu_{number:04}", name, json.dumps(arguments))
        index += 1
    delta = {"stop_reason": _stop(answer), "stop_sequence": None, **answer.details}
    told += [
        _event("message_delta", delta=delta, usage={"output_tokens": answer.output_tokens}),
        _event("message_stop"),
    ]
    return told


def beginning(text: str, received: Received) -> list[bytes]:
    answer = Answer(text)
    start = _event("message_start", message=_message(answer, received))
    return [start, *_text_block(0, text, 2)[:-1]]


def error_event(error: StreamError) -> bytes:
    return _event("error", error={"type": error.kind, "message": "scripted"})


def error_body(status: Status) -> Any:
    kind = status.kind or _KINDS.get(status.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": status.message}, "request_id": "req_scripted"}


def _message(answer: Answer, received: Received) -> dict[str, Any]:
    return {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": received.body.get("model", "unknown"),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(answer, 1),
    }


def _usage(answer: Answer, output: int) -> dict[str, int]:
    return {
        "input_tokens": answer.input_tokens,
        "output_tokens": output,
        "cache_read_input_tokens": answer.cache_read,
        "cache_creation_input_tokens": answer.cache_write,
    }


def _stop(answer: Answer) -> str:
    return answer.stop or ("tool_use" if answer.calls else "end_turn")


def _blocks(answer: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": answer.text}] if answer.text or not answer.calls else []
    for number, (name, arguments) in enumerate(answer.calls):
        blocks.append({"type": "tool_use", "id": f"toolu_{number:04}", "name": name, "input": dict(arguments)})
    return blocks


def _text_block(index: int, text: str, pieces: int) -> list[bytes]:
    size = max(1, -(-len(text) // max(pieces, 1)))
    cut = [text[at : at + size] for at in range(0, len(text), size)]
    return [
        _event("content_block_start", index=index, content_block={"type": "text", "text": ""}),
        *(_event("content_block_delta", index=index, delta={"type": "text_delta", "text": part}) for part in cut),
        _event("content_block_stop", index=index),
    ]


def _tool_block(index: int, call_id: str, name: str, arguments: str) -> list[bytes]:
    block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
    middle = len(arguments) // 2
    return [
        _event("content_block_start", index=index, content_block=block),
        *(
            _event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": part})
            for part in (arguments[:middle], arguments[middle:])
        ),
        _event("content_block_stop", index=index),
    ]


def _event(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()
