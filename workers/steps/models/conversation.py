"""The messages of a call: the prompt, and before it the conversation it goes on with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workers.contract import StepContext
from workers.models.request import Message
from workers.steps.prompts import sessions
from workers.steps.prompts.build import Built


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages to send, and the record of the session they belong to (None for a question without one)."""

    messages: tuple[Message, ...]
    record: dict[str, Any] | None = None
    persistent: bool = False

    @property
    def session(self) -> tuple[str, str] | None:
        """The session's id and name."""
        return None if self.record is None else (str(self.record["session_id"]), str(self.record["session_name"]))


def alone(prompt: Built) -> Conversation:
    """A question without a conversation before it."""
    return Conversation((Message("user", prompt.text),))


def within(prompt: Built, record: dict[str, Any], step: StepContext, *, persistent: bool) -> Conversation:
    """A question in a session."""
    before = [Message(turn["role"], turn["content"]) for turn in sessions.turns(record, without_task=step.task_id)]
    return Conversation((*before, Message("user", prompt.text)), record, persistent)


def of_options(prompt: Built, named: Any, resume: Any, step: StepContext) -> Conversation:
    """The conversation a plain step goes on with: the one its `claude_continue` part or its `session_id` option names.
    With `resume_session` it is the melody's, kept over its runs, otherwise it is the run's."""
    name = prompt.continues or (named if isinstance(named, str) else "") or (resume if isinstance(resume, str) else "")
    if not name:
        return alone(prompt)
    known = sessions.find(step, name)
    persistent = bool(known["persist"]) if known is not None and "persist" in known else bool(resume)
    record = known if known is not None else sessions.opened(step, name, persistent=persistent)
    return within(prompt, record, step, persistent=persistent)


def keep(conversation: Conversation, step: StepContext, response: str) -> None:
    """Add what was asked and answered to the session, if there is one."""
    if conversation.record is not None:
        asked = conversation.messages[-1].content
        record = sessions.with_interaction(conversation.record, step, asked, response)
        sessions.save(step, record, persistent=conversation.persistent)
