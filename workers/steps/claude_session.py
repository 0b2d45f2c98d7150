"""`claude_session`: a conversation that several steps, and with `persist` several runs, carry on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, step_kind
from workers.steps.content.written import dumped
from workers.steps.fields import OrTemplate, TemplatedBool
from workers.steps.models import presets
from workers.steps.models.asking import Ask, attempt, once_approved
from workers.steps.models.claude_call import built_prompt, put, question
from workers.steps.models.conversation import Conversation, within
from workers.steps.models.fields import PresetStep
from workers.steps.models.options import Loose, Positive
from workers.steps.prompts import sessions
from workers.steps.prompts.build import Built
from workers.steps.prompts.references import of_step

_CHECKPOINT_CHARACTERS = 10_000


class SessionConfig(Loose):
    """Which conversation, and how long it lives."""

    session_name: str | None = Field(None, description="The session's name; without it the step's.")
    session_id: str | None = Field(None, description="The same as session_name, or the id of a session.")
    persist: TemplatedBool = Field(False, description="Keep the session over all runs of the melody.")
    continue_on_restart: TemplatedBool = Field(False, description="Go on with it in later runs, too.")
    continue_session: TemplatedBool | None = Field(None, description="false: begin anew.")
    checkpoint_frequency: Annotated[int, Field(ge=0), OrTemplate()] = Field(
        sessions.INTERVAL, description="Keep the transcript as an artifact after so many turns; 0: never."
    )
    max_turns: Positive | None = Field(None, description="How many turns the session may have.")
    description: str = Field("Automated session", description="What the session is about.")
    checkpoint_dir: str | None = Field(None, description="Folder of those artifacts.")


class ClaudeSession(PresetStep):
    """What to say next, and in which session."""

    session_config: SessionConfig = Field(
        default_factory=lambda: SessionConfig.model_validate({}), description="The session."
    )

    def knows_its_session(self) -> bool:
        return True


def work(params: ClaudeSession, step: StepContext, ask: Ask) -> dict[str, Any]:
    """The answer, and how the session stands."""
    config = params.session_config
    prompt = built_prompt(params, step)
    persistent = bool(config.persist or config.continue_on_restart)
    record = _opened(params, prompt, step, persistent=persistent)
    preset = presets.chosen(params.preset, step.workflow, fallback="analysis")
    conversation = within(prompt, record, step, persistent=persistent)
    result = put(question(params, step, preset=preset, conversation=conversation), step, ask)
    _checkpoint(conversation, config, step, result)
    return result | {
        "session_id": record["session_id"],
        "session_name": record["session_name"],
        "session_active": True,
        "claude_session_metadata": {
            "session_id": record["session_id"],
            "session_name": record["session_name"],
            "session_persisted": persistent,
            "checkpoint_frequency": config.checkpoint_frequency,
            "continue_on_restart": config.continue_on_restart,
            "interactions": len(_others(record, step)) + 1,
        },
    }


def _opened(params: ClaudeSession, prompt: Built, step: StepContext, *, persistent: bool) -> dict[str, Any]:
    config = params.session_config
    named = config.session_name or config.session_id or prompt.continues
    known = sessions.find(step, named) if named and "@" in named else None
    name = str(known["session_name"]) if known is not None else named or step.name
    fresh = config.continue_session is False and step.retries == 0
    record = sessions.opened(step, name, persistent=persistent, fresh=fresh)
    record.setdefault("created_at", datetime.now(UTC).isoformat(timespec="seconds"))
    most = config.max_turns or (config.model_extra or {}).get("max_session_turns")
    if isinstance(most, int):
        record["max_turns"] = most
    record |= {"description": config.description, "checkpoint_interval": config.checkpoint_frequency}
    taken = len(_others(record, step))
    if taken >= int(record.get("max_turns") or sessions.MAX_TURNS):
        raise StepFailed(
            f"the session {name!r} has had {taken} turns, as many as it may; raise session_config.max_turns, or begin "
            "anew with continue_session: false",
            code="session_full",
            final=True,
        )
    return record


def _others(record: Mapping[str, Any], step: StepContext) -> list[dict[str, Any]]:
    """The turns that are not this task's own from an attempt before."""
    return [item for item in sessions.interactions(record) if item.get("task") != step.task_id]


def _checkpoint(
    conversation: Conversation, config: SessionConfig, step: StepContext, result: Mapping[str, Any]
) -> None:
    """Every so many turns: the last answer in the record, and the whole record as an artifact."""
    frequency = config.checkpoint_frequency
    if conversation.record is None or frequency <= 0:
        return
    prompt, response = conversation.messages[-1].content, str(result["text"])
    record = sessions.with_interaction(conversation.record, step, prompt, response)
    record["checkpoint"] = {
        "last_response": response[:_CHECKPOINT_CHARACTERS],
        "step_name": step.name,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    sessions.save(step, record, persistent=conversation.persistent)
    turns = len(record["interactions"])
    if turns % frequency == 0:
        folder = (config.checkpoint_dir or "sessions").strip("./") or "sessions"
        name = "".join(char if char.isalnum() or char in "-_" else "_" for char in str(record["session_name"]))[:100]
        data = dumped(record, indent=2).encode()
        step.keep(f"{folder}/{name}.json", data, content_type="application/json", artifact_type="checkpoint")


@step_kind(
    StepKind(
        name="claude_session",
        params=ClaudeSession,
        summary="Carry on a conversation with Claude",
        queue="calls",
        expressions=("prompt.*.condition",),
        per_item=("prompt.*.filter",),
        literals=("output_schema",),
        references=of_step,
    ),
    resume=once_approved(work),
)
def run(params: ClaudeSession, step: StepContext) -> Any:
    """One turn; a budget may make it wait."""
    return attempt(work, params, step)
