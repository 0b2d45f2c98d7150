"""What a provider is to the rest: a function from a request to a reply, which can be watched and stopped."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

from workers.contract import StepCancelled, TimedOut
from workers.models.errors import ModelError, error_of
from workers.models.keys import Key
from workers.models.request import ModelRequest, ToolCall, Usage


@dataclass(slots=True)
class Watch:
    """A call while it runs: who may stop it, and what is known of it so far.

    `step_deadline` and `deadline` are on the monotonic clock; the first is the step's timeout, the second the earlier one
    of it and the call's own. `usage` and `text_size` grow while the answer arrives, so that an answer that breaks off is
    paid for; `sent` says that the provider may have begun to work.
    """

    name: str
    cancelled: threading.Event
    deadline: float
    step_deadline: float | None = None
    on_text: Callable[[str], None] | None = None
    usage: Usage = field(default_factory=Usage)
    text_size: int = 0
    sent: bool = False

    @property
    def stopped(self) -> bool:
        return self.cancelled.is_set() or monotonic() >= self.deadline

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.deadline - monotonic())

    def check(self) -> None:
        """Raise what the call has to end with, if it has to."""
        if self.cancelled.is_set():
            raise StepCancelled(self.name)
        now = monotonic()
        if self.step_deadline is not None and now >= self.step_deadline:
            raise TimedOut(self.name)
        if now >= self.deadline:
            raise error_of("timeout", "The model did not answer in time.")

    def heard(self, text: str) -> None:
        """A piece of the answer has come."""
        self.heard_quietly(text)
        if self.on_text is not None and text:
            self.on_text(text)

    def heard_quietly(self, text: str) -> None:
        """A piece that nobody reads while it comes: arguments of a function, thoughts."""
        self.text_size += len(text)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered; `model` is the id it names itself by."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    usage: Usage
    model: str
    stop_reason: str
    structured: Any = None


class Provider(Protocol):
    """One provider's SDK behind the port.

    `model` is the id to ask for (aliases are resolved), `sampling` whether this model takes temperature, top_p and
    top_k. Raises ModelError for whatever the provider or the network did; stops soon after `watch` says so.
    """

    def __call__(
        self,
        request: ModelRequest,
        *,
        model: str,
        max_tokens: int,
        sampling: bool,
        key: Key,
        base_url: str | None,
        watch: Watch,
    ) -> Reply: ...


_LOCAL = threading.local()


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Let the network streams of this thread know which call they work for."""
    _LOCAL.watch = watch
    try:
        yield
    finally:
        _LOCAL.watch = None


def current_watch() -> Watch | None:
    return getattr(_LOCAL, "watch", None)


def structured_of(text: str, provider: str) -> Any:
    """The JSON value an answer to a request with a schema consists of."""
    try:
        return json.loads(text)
    except ValueError:
        raise ModelError(
            f"{provider} was asked for JSON and answered something else (or was cut off): {text[:200]!r}",
            code="output_schema",
        ) from None
