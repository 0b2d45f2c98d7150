"""Claude, through the official SDK. Every call streams: only so can it be stopped, and paid for when it breaks off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import anthropic
import httpx2
from anthropic.types import Message, MessageParam, TextBlockParam, ToolParam

from workers.models import failures, wire
from workers.models.errors import ModelError, error_of
from workers.models.keys import Key
from workers.models.port import Reply, Watch, structured_of, watched
from workers.models.request import ModelRequest, ToolCall, Usage
from workers.models.sdk_clients import SdkClients
from workers.models.wire import shared_client, timeouts

NAME = "Anthropic"
STRUCTURED_TOOL = "structured_output"
_SAMPLING_VERSION = "2023-06-01"
"""The API version that still takes temperature, top_p and top_k; the SDK's own refuses them."""
_LONG_PROMPT = 4000
_EPHEMERAL: Any = {"type": "ephemeral"}
_ERROR_STATUS = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "authentication_error": 401,
    "permission_error": 403,
}


def _make(key: Key, base_url: str | None, shard: int) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=key.value, base_url=base_url, http_client=shared_client(shard), max_retries=0)


_clients = SdkClients(_make)


def call(
    request: ModelRequest, *, model: str, max_tokens: int, sampling: bool, key: Key, base_url: str | None, watch: Watch
) -> Reply:
    """See `port.Provider`."""
    client = _clients.of(key, base_url, wire.shard())
    arguments = _arguments(request, model, max_tokens, sampling=sampling)
    try:
        with watched(watch):
            message = _stream(client, arguments, watch)
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - an SDK raises what its parsers, its HTTP client and Python raise
        watch.check()
        raise _told(error, key) from None
    return _reply(request, message)


def _stream(client: anthropic.Anthropic, arguments: Mapping[str, Any], watch: Watch) -> Message:
    ended = False
    with client.messages.stream(**arguments, timeout=timeouts(watch.seconds_left)) as stream:
        for event in stream:
            watch.check()
            if event.type == "text":
                watch.heard(event.text)
            elif event.type == "input_json":
                watch.heard_quietly(event.partial_json)
            elif event.type == "message_start":
                watch.usage = _usage(event.message)
            ended = ended or event.type == "message_stop"
        if not ended:
            raise error_of("api_error", f"{NAME} broke off in the middle of its answer.")
        message = stream.get_final_message()
        watch.usage = _usage(message)
        return message


def _arguments(request: ModelRequest, model: str, max_tokens: int, *, sampling: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": model,
        "max_tokens": max_tokens,
        "messages": list(_messages(request)),
    }
    if request.system:
        block: TextBlockParam = {"type": "text", "text": request.system}
        arguments["system"] = [block | {"cache_control": _EPHEMERAL} if request.cache_prompt else block]
    if request.tools:
        arguments["tools"] = [
            cast(ToolParam, {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)})
            for tool in request.tools
        ]
    if request.output_schema is not None:
        _ask_for_json(arguments, request.output_schema)
    values = _sampling(request) if sampling else {}
    if values:
        arguments["extra_headers"] = {"anthropic-version": _SAMPLING_VERSION}
        arguments["extra_body"] = values
    return arguments


def _messages(request: ModelRequest) -> Iterator[MessageParam]:
    for number, message in enumerate(request.messages):
        if request.cache_prompt and number == 0 and len(message.content) >= _LONG_PROMPT:
            block: TextBlockParam = {"type": "text", "text": message.content, "cache_control": _EPHEMERAL}
            yield cast(MessageParam, {"role": message.role, "content": [block]})
        else:
            yield cast(MessageParam, {"role": message.role, "content": message.content})


def _sampling(request: ModelRequest) -> dict[str, float]:
    """Models take temperature or top_p, not both."""
    values: dict[str, float] = {}
    if request.temperature is not None:
        values["temperature"] = min(request.temperature, 1.0)
    elif request.top_p is not None:
        values["top_p"] = request.top_p
    if request.top_k is not None:
        values["top_k"] = request.top_k
    return values


def _ask_for_json(arguments: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """By the API's own feature where it can express the schema, else by a tool the model has to use."""
    strict = None if not _is_closed(schema) else _strict(schema)
    if strict is not None:
        arguments["output_config"] = {"format": {"type": "json_schema", "schema": strict}}
        return
    whole = (
        schema
        if schema.get("type") == "object"
        else {"type": "object", "properties": {"value": schema}, "required": ["value"]}
    )
    tool = {"name": STRUCTURED_TOOL, "description": "Give the answer in this shape.", "input_schema": dict(whole)}
    arguments["tools"] = [*arguments.get("tools", ()), cast(ToolParam, tool)]
    arguments["tool_choice"] = {"type": "tool", "name": STRUCTURED_TOOL}
    # A model that thinks first may not be forced to use a tool.
    arguments["thinking"] = {"type": "disabled"}


def _strict(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        return anthropic.transform_schema(dict(schema))
    except (ValueError, TypeError, AttributeError, AssertionError):
        return None


def _is_closed(schema: Any) -> bool:
    """Whether every object in the schema names its properties: others cannot be asked for strictly."""
    if isinstance(schema, list):
        return all(_is_closed(part) for part in schema)
    if not isinstance(schema, Mapping):
        return True
    is_object = schema.get("type") == "object"
    if is_object and (not schema.get("properties") or isinstance(schema.get("additionalProperties"), Mapping)):
        return False
    if isinstance(schema.get("type"), list) or "patternProperties" in schema or "prefixItems" in schema:
        return False
    return all(
        _is_closed(value) for key, value in schema.items() if key not in {"enum", "const", "default", "examples"}
    )


def _reply(request: ModelRequest, message: Message) -> Reply:
    usage = _usage(message)
    if message.stop_reason == "refusal":
        details = getattr(message, "stop_details", None)
        why = getattr(details, "explanation", None) or "it gives no reason"
        raise error_of("refused", f"The model refused to answer: {why}")
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = tuple(
        ToolCall(block.name, cast(Mapping[str, Any], block.input))
        for block in message.content
        if block.type == "tool_use"
    )
    stop_reason = message.stop_reason or "end_turn"
    structured = None
    given = next((one for one in calls if one.name == STRUCTURED_TOOL), None)
    if request.output_schema is not None and given is not None:
        wrapped = request.output_schema.get("type") != "object"
        structured = given.arguments.get("value") if wrapped else dict(given.arguments)
        calls, stop_reason = tuple(one for one in calls if one is not given), "end_turn"
    elif request.output_schema is not None and not calls:
        structured = structured_of(text, NAME)
    return Reply(text, calls, usage, message.model, stop_reason, structured)


def _usage(message: Message) -> Usage:
    usage = message.usage
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens or 0,
        usage.cache_creation_input_tokens or 0,
    )


def _told(error: Exception, key: Key) -> ModelError:
    if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
        return error_of("timeout", f"{NAME} did not answer in time.")
    if isinstance(error, anthropic.APIStatusError):
        body = error.body if isinstance(error.body, Mapping) else {}
        inner = body.get("error")
        inner = inner if isinstance(inner, Mapping) else {}
        status = error.status_code if error.status_code >= 400 else _ERROR_STATUS.get(str(inner.get("type")), 500)
        after = failures.retry_after(error.response.headers)
        return failures.of_status(NAME, status, str(inner.get("message") or error.message), key=key, retry_after=after)
    cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) and error.__cause__ else error
    return failures.unreachable(NAME, cause, key=key)
