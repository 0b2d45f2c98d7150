"""From a step's fields to the request that is put to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workers.contract import StepContext, StepFailed
from workers.models.request import Message, ModelRequest, Tool
from workers.steps.models import presets
from workers.steps.models.fields import ClaudeStep, Function, GeminiStep, ModelStep
from workers.steps.models.options import Streaming
from workers.steps.models.structured import schema_of

CLAUDE = "haiku"
GEMINI = "gemini-flash-lite-latest"
GEMINI_SECONDS = 300.0
_STREAMED = frozenset({"stream_json", "stream-json"})

Options = Mapping[str, Any]


def claude_options(params: ClaudeStep, preset: str | None) -> dict[str, Any]:
    """The options in effect: the preset's, over them those of the step. (`defaults` were filled in with the document.)"""
    own: dict[str, Any] = {}
    for written in (params.options, params.claude_options):
        if written is not None:
            own |= written.model_dump(exclude_none=True)
    options = presets.merged(presets.PRESETS[preset], own) if preset is not None else own
    return {"output_format": "json"} | options


def claude_request(
    params: ClaudeStep,
    options: Options,
    messages: Sequence[Message],
    *,
    preset: str | None = None,
    schema: Mapping[str, Any] | None = None,
    session: tuple[str, str] | None = None,
) -> ModelRequest:
    """A call of Claude. `session` is the id and the name of the conversation it belongs to."""
    system = [options.get("system_prompt"), options.get("append_system_prompt")]
    return ModelRequest(
        provider="anthropic",
        model=_model(params) or options.get("model") or CLAUDE,
        messages=tuple(messages),
        system="\n\n".join(text for text in system if text),
        max_output_tokens=_setting(params, "max_tokens", "max_output_tokens") or options.get("max_tokens"),
        temperature=_first(_setting(params, "temperature"), options.get("temperature")),
        top_p=_first(_setting(params, "top_p"), options.get("top_p")),
        top_k=_first(_setting(params, "top_k"), options.get("top_k")),
        output_schema=schema if schema is not None else params.output_schema,
        cache_prompt=bool(options.get("cache_prompt")),
        timeout_seconds=_timeout(options),
        fallback_model=options.get("fallback_model"),
        preset=preset,
        session_id=session[0] if session else options.get("session_id"),
        session_name=session[1] if session else None,
        stream=streams(params) or bool(options.get("async_streaming")) or options.get("output_format") in _STREAMED,
    )


def gemini_request(
    params: GeminiStep,
    step: StepContext,
    messages: Sequence[Message],
    *,
    defaults: Mapping[str, Any] | None = None,
    schema: Mapping[str, Any] | None = None,
    model: str = GEMINI,
    seconds: float = GEMINI_SECONDS,
) -> ModelRequest:
    """A call of Gemini. `defaults` are used where the step says nothing of tokens and temperature."""
    budget = params.token_budget.model_dump(exclude_none=True) if params.token_budget else {}
    usual = defaults or {}

    def setting(name: str, *others: str) -> Any:
        written = (_setting(params, other) for other in (*others, name))
        return _first(budget.get(name), *written, usual.get(name))

    return ModelRequest(
        provider="gemini",
        model=_model(params) or model,
        messages=tuple(messages),
        max_output_tokens=setting("max_output_tokens", "max_tokens"),
        temperature=setting("temperature"),
        top_p=setting("top_p"),
        top_k=setting("top_k"),
        tools=tools_of(params, step),
        output_schema=schema if schema is not None else params.output_schema,
        timeout_seconds=params.timeout_ms / 1000 if params.timeout_ms else seconds,
        stream=streams(params),
    )


def streams(params: ModelStep) -> bool:
    """Whether the step wants its answer shown while it is written."""
    streaming = params.streaming
    return bool(streaming.enabled) if isinstance(streaming, Streaming) else bool(streaming)


def _model(params: ModelStep) -> str | None:
    return params.model or (params.config.model if params.config else None)


def _setting(params: ModelStep, *names: str) -> Any:
    """The first of these settings that the step has, itself or in its `config`."""
    generation = params.config.generation_config if params.config else None
    for holder in (params, params.config, generation):
        for name in names:
            value = getattr(holder, name, None)
            if value is not None:
                return value
    return None


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _timeout(options: Options) -> float | None:
    if options.get("timeout_ms"):
        return float(options["timeout_ms"]) / 1000
    return float(options["timeout_seconds"]) if options.get("timeout_seconds") else None


def tools_of(params: GeminiStep, step: StepContext) -> tuple[Tool, ...]:
    """The functions a step offers: its `functions`, else its `tools`."""
    written: list[Any] = []
    for item in params.functions or params.tools or []:
        declared = item.get("function_declarations") if isinstance(item, Mapping) else None
        written.extend(declared if isinstance(declared, list) else [item])
    return tuple(tool for item in written if (tool := _tool(item, step)) is not None)


def _tool(written: Any, step: StepContext) -> Tool | None:
    if isinstance(written, str):
        return _defined(written, step)
    if isinstance(written, Function):
        return Tool(written.name, written.description, _parameters(written.parameters))
    if isinstance(written, Mapping) and isinstance(written.get("name"), str):
        return Tool(written["name"], str(written.get("description") or ""), _parameters(written.get("parameters")))
    # Tools of the provider's own (a web search) have no name; they are not part of this port.
    return None


def _defined(name: str, step: StepContext) -> Tool:
    functions = step.workflow.section("gemini_functions")
    definition = functions.get(name)
    if not isinstance(definition, Mapping):
        known = ", ".join(map(str, functions)) or "none"
        raise StepFailed(
            f"the function {name[:80]!r} is not defined; `gemini_functions` of the workflow has: {known}",
            code="bad_params",
            final=True,
        )
    return Tool(name, str(definition.get("description") or ""), _parameters(definition.get("parameters")))


def _parameters(written: Any) -> Mapping[str, Any]:
    if not isinstance(written, Mapping) or not written:
        return {"type": "object", "properties": {}}
    return schema_of(written)
