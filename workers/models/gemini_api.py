"""Gemini, through the official SDK. Every call streams, as in `anthropic_api`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import httpx2
from google import genai
from google.genai import errors, types

from workers.models import failures, wire
from workers.models.errors import ModelError, error_of
from workers.models.keys import Key
from workers.models.port import Reply, Watch, structured_of, watched
from workers.models.request import ModelRequest, ToolCall, Usage
from workers.models.sdk_clients import SdkClients
from workers.models.wire import shared_client

NAME = "Gemini"
_STOP_REASONS = {"STOP": "end_turn", "MAX_TOKENS": "max_tokens"}
_REFUSALS = {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "LANGUAGE"}
_DELAY = re.compile(r"^(\d{1,6}(?:\.\d{1,9})?)s$")
_SECONDS = 600


@lru_cache(maxsize=1)
def _unused_async_client() -> httpx2.AsyncClient:
    """The SDK makes one for each of its clients, certificates and all, if it is not given one."""
    return httpx2.AsyncClient()


def _make(key: Key, base_url: str | None, shard: int) -> genai.Client:
    options = types.HttpOptions(
        base_url=base_url,
        httpx_client=shared_client(shard),
        httpx_async_client=_unused_async_client(),
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    return genai.Client(api_key=key.value, vertexai=False, http_options=options)


_clients = SdkClients(_make)


@dataclass(slots=True)
class _Heard:
    """The answer as far as it has come."""

    texts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    model: str = ""
    finish: str = ""
    blocked: str = ""


def call(
    request: ModelRequest, *, model: str, max_tokens: int, sampling: bool, key: Key, base_url: str | None, watch: Watch
) -> Reply:
    """See `port.Provider`."""
    client = _clients.of(key, base_url, wire.shard())
    heard = _Heard()
    try:
        with watched(watch):
            for chunk in client.models.generate_content_stream(
                model=model,
                contents=list(_contents(request)),
                config=_config(request, max_tokens, watch, sampling=sampling),
            ):
                watch.check()
                _take(heard, chunk, watch)
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - an SDK raises what its parsers, its HTTP client and Python raise
        watch.check()
        raise _told(error, key) from None
    return _reply(request, heard, watch, model)


def _contents(request: ModelRequest) -> Iterator[types.Content]:
    for message in request.messages:
        role = "model" if message.role == "assistant" else "user"
        yield types.Content(role=role, parts=[types.Part(text=message.content)])


def _config(request: ModelRequest, max_tokens: int, watch: Watch, *, sampling: bool) -> types.GenerateContentConfig:
    tools = [
        types.FunctionDeclaration(
            name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters)
        )
        for tool in request.tools
    ]
    # Models of the 2.5 line refuse functions beside a schema; the schema is checked by the step all the same.
    as_json = request.output_schema is not None and not tools
    return types.GenerateContentConfig(
        system_instruction=request.system or None,
        max_output_tokens=max_tokens,
        temperature=request.temperature if sampling else None,
        top_p=request.top_p if sampling else None,
        top_k=request.top_k if sampling else None,
        tools=[types.Tool(function_declarations=tools)] if tools else None,
        response_mime_type="application/json" if as_json else None,
        response_json_schema=dict(request.output_schema or {}) if as_json else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        http_options=types.HttpOptions(timeout=max(1, int(min(watch.seconds_left, _SECONDS) * 1000))),
    )


def _take(heard: _Heard, chunk: types.GenerateContentResponse, watch: Watch) -> None:
    if chunk.usage_metadata is not None:
        watch.usage = _usage(chunk.usage_metadata)
    heard.model = chunk.model_version or heard.model
    if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason is not None:
        heard.blocked = str(chunk.prompt_feedback.block_reason.value)
    for candidate in (chunk.candidates or [])[:1]:
        if candidate.finish_reason is not None:
            heard.finish = str(candidate.finish_reason.value)
        for part in (candidate.content.parts if candidate.content else None) or []:
            if part.function_call is not None and part.function_call.name:
                heard.calls.append(ToolCall(part.function_call.name, dict(part.function_call.args or {})))
            elif part.text and not part.thought:
                heard.texts.append(part.text)
                watch.heard(part.text)


def _reply(request: ModelRequest, heard: _Heard, watch: Watch, model: str) -> Reply:
    if heard.blocked:
        raise error_of("refused", f"Gemini refused the prompt: {heard.blocked}.")
    if heard.finish in _REFUSALS:
        raise error_of("refused", f"Gemini refused to answer: {heard.finish}.")
    if not heard.finish:
        raise error_of("api_error", f"{NAME} broke off in the middle of its answer.")
    if heard.finish == "MALFORMED_FUNCTION_CALL":
        raise error_of("api_error", f"{NAME} made a function call that cannot be read.")
    text = "".join(heard.texts)
    structured = None
    if request.output_schema is not None and not heard.calls:
        structured = structured_of(text, NAME)
    stop_reason = "tool_use" if heard.calls else _STOP_REASONS.get(heard.finish, heard.finish.lower())
    return Reply(text, tuple(heard.calls), watch.usage, heard.model or model, stop_reason, structured)


def _usage(metadata: types.GenerateContentResponseUsageMetadata) -> Usage:
    """Gemini counts cached tokens in the prompt, and its thoughts beside the answer."""
    cached = metadata.cached_content_token_count or 0
    prompt = (metadata.prompt_token_count or 0) + (metadata.tool_use_prompt_token_count or 0)
    output = (metadata.candidates_token_count or 0) + (metadata.thoughts_token_count or 0)
    return Usage(max(prompt - cached, 0), output, cached)


def _told(error: Exception, key: Key) -> ModelError:
    if isinstance(error, httpx2.TimeoutException):
        return error_of("timeout", f"{NAME} did not answer in time.")
    if isinstance(error, errors.APIError):
        status = error.code if isinstance(error.code, int) else 500
        if status == 400 and "API_KEY_INVALID" in json.dumps(error.details, default=str):
            status = 401
        headers = getattr(error.response, "headers", None) or {}
        after = failures.retry_after(headers)
        after = _retry_delay(error.details) if after is None else after
        return failures.of_status(NAME, status, str(error.message or error.status), key=key, retry_after=after)
    return failures.unreachable(NAME, error, key=key)


def _retry_delay(details: Any) -> float | None:
    """The delay that stands in the details of a quota error."""
    inner = details.get("error", details) if isinstance(details, Mapping) else {}
    listed = inner.get("details") if isinstance(inner, Mapping) else None
    for detail in listed if isinstance(listed, list) else []:
        matched = _DELAY.match(str(detail.get("retryDelay", ""))) if isinstance(detail, Mapping) else None
        if matched:
            return failures.bounded(float(matched.group(1)))
    return None
