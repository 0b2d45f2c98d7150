"""What is asked of a model and what it answers, the same for every provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

ProviderName = Literal["anthropic", "gemini"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may ask for; `parameters` is a JSON Schema of an object."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call. The last message is the user's.

    `model` may be an alias of the price table (sonnet, opus, haiku). `output_schema` asks for an answer that is JSON of
    this schema (`ModelAnswer.structured`). `cache_prompt` asks the provider to keep what comes first (the system text and
    a long first message) for the next calls. `timeout_seconds` bounds the call beside the step's own timeout. `preset`,
    `session_id` and `session_name` only shape what the mock provider answers. A request's repr holds no prompt, so that
    no log does.
    """

    provider: ProviderName
    model: str
    messages: tuple[Message, ...] = field(repr=False)
    system: str = field(default="", repr=False)
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    tools: tuple[Tool, ...] = field(default=(), repr=False)
    output_schema: Mapping[str, Any] | None = field(default=None, repr=False)
    cache_prompt: bool = False
    timeout_seconds: float | None = None
    fallback_model: str | None = None
    preset: str | None = None
    session_id: str | None = None
    session_name: str | None = None
    stream: bool = False

    @property
    def last_prompt(self) -> str:
        """The text of the last message."""
        return self.messages[-1].content if self.messages else ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by what they cost: `input_tokens` are those neither read from nor written to the provider's cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens

    def as_dict(self) -> dict[str, int]:
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
        }


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a function to be called with these arguments."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """`stop_reason` is end_turn, max_tokens, tool_use or stop_sequence, whoever answers; `model` is the one that did.

    `structured` is the value of an answer to a request with `output_schema`; it is JSON, but whether it satisfies the
    schema is for the caller to check: models do not always keep to it.
    """

    text: str = field(repr=False)
    tool_calls: tuple[ToolCall, ...] = field(repr=False)
    usage: Usage
    model: str
    stop_reason: str
    cost_usd: Decimal
    mock: bool
    structured: Any = field(default=None, repr=False)
