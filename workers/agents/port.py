"""What a step asks of the framework an agent is made with, and what it hears back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class AgentCall:
    """One call of one agent. `config` is the version's, `configurable` what the step adds for this call.

    `thread_id` names the conversation; `checkpoint` is what an adapter kept of it the last time (`Paused.checkpoint`,
    `Done.checkpoint`). `answers` go on with a paused one: values by the interrupts' ids. `round` counts those answers: with
    the task's id it makes the key by which a call that is sent twice is known.
    """

    agent: str
    version: str
    framework: str
    run_id: str
    task_id: str
    attempt: int
    config: Mapping[str, Any]
    thread_id: str
    input: Any = None
    configurable: Mapping[str, Any] = field(default_factory=dict)
    recursion_limit: int | None = None
    checkpoint: Mapping[str, Any] | None = None
    answers: Mapping[str, Any] | None = None
    round: int = 0

    @property
    def idempotency_key(self) -> str:
        return self.task_id if self.round == 0 else f"{self.task_id}-{self.round}"


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A question of the agent to whoever is outside. `value` is JSON."""

    id: str
    value: Any


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as far as the agent reports them."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)

    def as_dict(self) -> dict[str, int]:
        total = self.input_tokens + self.output_tokens
        return {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens, "total_tokens": total}


@dataclass(frozen=True, slots=True)
class Done:
    """`output` is JSON."""

    output: Any
    usage: Usage = Usage()
    updates: int = 0
    checkpoint: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Paused:
    interrupts: Sequence[Interrupt]
    usage: Usage = Usage()
    updates: int = 0
    checkpoint: Mapping[str, Any] | None = None


class Watch(Protocol):
    """The step around the call."""

    def update(self, kind: str, data: Any) -> None:
        """Something worth telling has happened; bounded by whoever listens."""

    def check(self) -> None:
        """Raise when the step is cancelled or its time is over; called between all that takes long."""


class FrameworkAdapter(Protocol):
    def run(self, call: AgentCall, watch: Watch) -> Done | Paused:
        """Raises `workers.contract.StepFailed` when the agent gives no answer."""


__all__ = ["AgentCall", "Done", "FrameworkAdapter", "Interrupt", "Paused", "Usage", "Watch"]
