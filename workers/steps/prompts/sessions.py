"""Conversations: their records, which prompts read and claude steps go on with.

A record is kept by the engine under the session's name, for the run or (persistent) for the melody over all its runs:
`{session_id, session_name, description, created_at, persist, status, max_turns, checkpoint_interval, interactions}`, an
interaction being `{task, step, prompt, response}`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from workers.contract import StepContext

MAX_TURNS = 50
INTERVAL = 5
LONGEST_HISTORY = 400_000
"""Characters of a conversation that are sent along; what came before is left out."""
LONGEST_RESPONSE = 100_000
_MARK = "@"


class Turn(TypedDict):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


def id_of(step: StepContext, name: str, *, persistent: bool) -> str:
    """`name@hash`: the same for every step of the run, or (persistent) of the melody."""
    owner = step.workflow.melody_id if persistent and step.workflow.melody_id else step.execution_id
    return f"{name}{_MARK}{hashlib.sha256(f'{owner}/{name}'.encode()).hexdigest()[:12]}"


def find(step: StepContext, named: str) -> dict[str, Any] | None:
    """The record of a session by its name or id: one of this run, else a persistent one."""
    if step.engine is None:
        return None
    name, mark, digest = named.rpartition(_MARK)
    for key, expected in ((named, None), (name if mark and digest else "", named)):
        for persistent in (False, True):
            record = step.engine.session(key, persistent=persistent) if key else None
            if record is not None and expected in (None, record.get("session_id")):
                return dict(record)
    return None


def opened(step: StepContext, name: str, *, persistent: bool, fresh: bool = False) -> dict[str, Any]:
    """The session of this name, or a new record."""
    if step.engine is not None and not fresh:
        record = step.engine.session(name, persistent=persistent)
        if record is not None:
            return dict(record)
    return {
        "session_id": id_of(step, name, persistent=persistent),
        "session_name": name,
        "persist": persistent,
        "status": "active",
        "max_turns": MAX_TURNS,
        "checkpoint_interval": INTERVAL,
        "interactions": [],
    }


def interactions(record: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What was said so far, oldest first."""
    kept = (record or {}).get("interactions")
    return [dict(item) for item in kept if isinstance(item, Mapping)] if isinstance(kept, list) else []


def turns(record: Mapping[str, Any] | None, *, without_task: str | None = None) -> list[Turn]:
    """The messages of a conversation, the latest that fit; `without_task` leaves out what that task itself had said before
    it was tried again."""
    found: list[Turn] = []
    left = LONGEST_HISTORY
    for item in reversed(interactions(record)):
        if without_task is not None and item.get("task") == without_task:
            continue
        prompt, response = str(item.get("prompt") or ""), str(item.get("response") or "")
        left -= len(prompt) + len(response)
        if left < 0:
            break
        found[:0] = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
    return found


def with_interaction(record: Mapping[str, Any], step: StepContext, prompt: str, response: str) -> dict[str, Any]:
    """The record with one more exchange. What the same task had said in an earlier attempt is replaced."""
    said = {
        "task": step.task_id,
        "step": step.name,
        "prompt": prompt[-LONGEST_RESPONSE:],
        "response": response[:LONGEST_RESPONSE],
    }
    before = [item for item in interactions(record) if item.get("task") != step.task_id]
    return {**record, "interactions": [*before, said]}


def save(step: StepContext, record: Mapping[str, Any], *, persistent: bool) -> None:
    """Keep the record; without an engine there is nowhere to."""
    if step.engine is not None:
        step.engine.save_session(str(record["session_name"]), record, persistent=persistent)
