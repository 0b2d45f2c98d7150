"""`claude_options` and the other groups of fields that say how a model is to be asked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from workers.steps.fields import OrTemplate, TemplatedBool

Positive = Annotated[int, Field(ge=1, le=1_000_000_000), OrTemplate()]
Fraction = Annotated[float, Field(ge=0, le=1), OrTemplate()]
Temperature = Annotated[float, Field(ge=0, le=2), OrTemplate()]
Names = Annotated[list[str], OrTemplate()]
Format = Annotated[Literal["text", "json", "stream_json", "stream-json"], OrTemplate()]
StreamHandler = Annotated[Literal["console", "simple", "debug", "file", "callback", "buffer"], OrTemplate()]
PermissionMode = Annotated[
    Literal["default", "accept_edits", "acceptEdits", "bypass_permissions", "bypassPermissions", "plan"], OrTemplate()
]
PresetOrAuto = Annotated[Literal["development", "production", "analysis", "chat", "test", "auto"], OrTemplate()]
PresetName = Annotated[Literal["development", "production", "analysis", "chat", "test"], OrTemplate()]
Strategy = Annotated[Literal["exponential", "linear", "fixed", "constant"], OrTemplate()]


class Loose(BaseModel):
    """A group of fields to which other tools may add their own."""

    model_config = ConfigDict(extra="allow")


class RetryConfig(Loose):
    """When a failed call is made again, and what happens when it never succeeds."""

    max_retries: Annotated[int, Field(ge=0, le=100), OrTemplate()] | None = Field(
        None, description="Further attempts after the first one."
    )
    backoff_strategy: Strategy | None = Field(None, description="How the waiting time grows.")
    base_delay_ms: Annotated[int, Field(ge=0, le=3_600_000), OrTemplate()] | None = Field(
        None, description="The waiting time it grows from, in milliseconds."
    )
    max_delay_ms: Positive | None = Field(None, description="The longest waiting time, in milliseconds.")
    retry_conditions: Names | None = Field(None, description="Retry errors whose code or text contains one of these.")
    retry_on: Names | None = Field(None, description="The same as retry_conditions.")
    fallback_action: str | None = Field(None, description="What happens when every attempt has failed.")


class ClaudeOptions(Loose):
    """How Claude is to be asked. All of it is optional.

    What makes no sense for a single call of the messages API (turns, tools of the command line, permissions, folders) is
    checked and told in the result's `claude_metadata`, but changes nothing.
    """

    model: str | None = Field(None, description="sonnet, opus, haiku, or the full name of a model.")
    fallback_model: str | None = Field(None, description="Asked when the first one is overloaded or not there.")
    system_prompt: str | None = Field(None, description="Who the model should be.")
    append_system_prompt: str | None = Field(None, description="Added to the system prompt.")
    max_tokens: Positive | None = Field(None, description="Tokens of the answer, at most.")
    temperature: Temperature | None = Field(None, description="0 is sober, 1 lively.")
    top_p: Fraction | None = None
    top_k: Positive | None = None
    cache_prompt: TemplatedBool | None = Field(None, description="Ask the provider to keep the prompt for next time.")
    timeout_ms: Positive | None = Field(None, description="How long one call may take, in milliseconds.")
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400), OrTemplate()] | None = None
    output_format: Format | None = Field(
        None, description="With `json`, an answer that is JSON is also given as `data`."
    )
    session_id: str | None = Field(None, description="Go on with this session, and add to it.")
    resume_session: Annotated[bool | str, OrTemplate()] | None = Field(None, description="Go on with the session.")
    retry_config: RetryConfig | None = Field(None, description="When a failed call is made again.")
    async_streaming: TemplatedBool | None = Field(None, description="Show the answer while it is written.")
    stream_handler: StreamHandler | None = None
    stream_buffer_size: Positive | None = None
    stream_handler_opts: dict[str, Any] | None = None

    max_turns: Positive | None = Field(None, description="Recorded; a step makes one call.")
    allowed_tools: Names | None = Field(None, description="Recorded.")
    disallowed_tools: Names | None = Field(None, description="Recorded.")
    cwd: str | None = Field(None, description="Recorded; every run has a workspace of its own.")
    permission_mode: PermissionMode | None = Field(None, description="Recorded.")
    permission_prompt_tool: str | None = None
    verbose: TemplatedBool | None = None
    debug_mode: TemplatedBool | None = None
    telemetry_enabled: TemplatedBool | None = None
    cost_tracking: TemplatedBool | None = None
    print: TemplatedBool | None = None
    fork_session: TemplatedBool | None = None
    strict_mcp_config: TemplatedBool | None = None
    enable_skills: TemplatedBool | None = None
    enable_context_management: TemplatedBool | None = None
    pass_through_streaming: TemplatedBool | None = None
    mcp_config: Any = None
    mcp_servers: dict[str, Any] | None = None
    hooks: dict[str, Any] | None = None
    agents: dict[str, Any] | None = None
    agent: str | dict[str, Any] | None = None
    add_dir: list[str] | str | None = None
    setting_sources: list[str] | str | None = None
    memory_config: dict[str, Any] | None = None


class TokenBudget(Loose):
    """How long and how lively the answer may be."""

    max_output_tokens: Positive | None = Field(None, description="Tokens of the answer, at most.")
    max_input_tokens: Positive | None = Field(None, description="Recorded.")
    temperature: Temperature | None = Field(None, description="0 is sober, 1 lively.")
    top_p: Fraction | None = None
    top_k: Annotated[int, Field(ge=1, le=1000), OrTemplate()] | None = None


class Settings(Loose):
    """The `config` of a step as some files write it: a model and how to ask it."""

    model: str | None = None
    max_tokens: Positive | None = None
    temperature: Temperature | None = None
    top_p: Fraction | None = None
    top_k: Positive | None = None
    generation_config: TokenBudget | None = None


class Streaming(Loose):
    """Whether the answer is shown while it is written."""

    enabled: TemplatedBool = False
