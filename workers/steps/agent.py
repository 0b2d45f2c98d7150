"""`agent`: run an agent of the organization. What it asks meanwhile, people or a signal answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.agents.port import AgentCall, Done, Interrupt, Paused, Usage
from workers.agents.watching import StepWatch
from workers.contract import StepContext, StepFailed, WaitFor, step_kind
from workers.steps.agents.choosing import Chosen, choose
from workers.steps.fields import OrTemplate, Params, TemplatedBool
from workers.steps.moments import LONGEST

MOST_ROUNDS: Final = 100
LONGEST_TITLE: Final = 200


class Agent(Params):
    """Which agent, what it is given, and who answers what it asks."""

    agent: str = Field(min_length=1, max_length=200, description="The agent's slug or id.")
    version: str | None = Field(None, max_length=40, description="Which version, as 1.4.0; by default the latest.")
    input: Any = Field(None, description="What the agent is given: a text, or whatever its graph takes.")
    configurable: dict[str, Any] = Field(
        default_factory=dict, description="What the framework shall know of this call beside the input."
    )
    thread_id: str | None = Field(
        None, min_length=1, max_length=200, description="A conversation that several steps of the run carry on."
    )
    persist: TemplatedBool = Field(False, description="That conversation lives on in later runs of the melody.")
    recursion_limit: Annotated[int, Field(ge=1, le=10_000), OrTemplate()] | None = Field(
        None, description="How many steps a graph may take."
    )
    deployed: TemplatedBool = Field(False, description="Call the deployment that runs, not the version itself.")
    stream: TemplatedBool = Field(True, description="Tell the agent's updates as events while it runs.")
    on_interrupt: Annotated[Literal["approval", "signal", "fail"], OrTemplate()] = Field(
        "approval", description="Who answers when the agent asks something."
    )
    signal: str | None = Field(
        None, min_length=1, max_length=200, description="The signal's name; by default the step's."
    )
    role: Annotated[Literal["owner", "admin", "member"], OrTemplate()] = Field(
        "member", description="Who may decide: people of the organization with at least this role."
    )
    quorum: Annotated[int, Field(ge=1, le=100), OrTemplate()] = Field(1, description="How many people must approve.")
    title: str | None = Field(None, description="The heading people see; by default the step's name.")
    answer_within: Annotated[float, Field(gt=0, le=LONGEST.total_seconds()), OrTemplate()] | None = Field(
        None, description="Seconds to wait for each answer; after that the step fails. Without it for ever."
    )


@dataclass(frozen=True, slots=True)
class _Thread:
    """`record` is where its state is kept between calls; `shared` with other steps."""

    id: str
    record: str
    shared: bool
    persistent: bool


def _thread(params: Agent, step: StepContext, agent_id: str) -> _Thread:
    if params.thread_id is None:
        return _Thread(step.task_id, f"agent/{step.task_id}", shared=False, persistent=False)
    persistent = bool(params.persist) and bool(step.workflow.melody_id)
    owner = step.workflow.melody_id if persistent else step.execution_id
    return _Thread(
        f"{owner}/{params.thread_id}", f"agent/{agent_id}/{params.thread_id}", shared=True, persistent=persistent
    )


def resume(params: Agent, step: StepContext, happened: Mapping[str, Any]) -> Any:
    """Go on with what was answered."""
    kept: Mapping[str, Any] = step.carry if isinstance(step.carry, Mapping) else {}
    asked = [str(one.get("id", "")) for one in kept.get("questions") or ()]
    if happened.get("timed_out"):
        raise StepFailed("Nobody answered the agent in time.", code="interrupt_timeout", final=True)
    if "decisions" in happened:
        decisions = list(happened["decisions"] or ())
        approved = not any(one.get("decision") == "reject" for one in decisions)
        answer: Any = {"approved": approved, "decisions": decisions}
        answers = dict.fromkeys(asked, answer)
    else:
        answers = _told(asked, happened.get("payload"))
    used = kept.get("usage") or {}
    usage = Usage(int(used.get("input_tokens", 0)), int(used.get("output_tokens", 0)))
    return _call(params, step, answers=answers, number=int(kept.get("round", 0)) + 1, before=usage)


def _told(asked: Sequence[str], payload: Any) -> dict[str, Any]:
    """A payload that names each question answers each; any other answers all of them."""
    if isinstance(payload, Mapping) and asked and all(one in payload for one in asked):
        return {one: payload[one] for one in asked}
    return dict.fromkeys(asked, payload)


@step_kind(
    StepKind(name="agent", params=Agent, summary="Run an agent of the organization", queue="calls"), resume=resume
)
def run(params: Agent, step: StepContext) -> Any:
    """One call, up to the result or the first question."""
    return _call(params, step, answers=None, number=0, before=Usage())


def _call(params: Agent, step: StepContext, *, answers: Mapping[str, Any] | None, number: int, before: Usage) -> Any:
    chosen = choose(step, params.agent, params.version, deployed=bool(params.deployed))
    thread = _thread(params, step, str(chosen.agent.pk))
    engine = step.engine
    kept = (
        engine.session(thread.record, persistent=thread.persistent) if engine and (answers or thread.shared) else None
    )
    call = AgentCall(
        agent=str(chosen.agent.pk),
        version=str(chosen.version),
        framework=chosen.agent.framework,
        run_id=step.execution_id,
        task_id=step.task_id,
        attempt=step.attempt,
        config=chosen.config,
        thread_id=thread.id,
        input=params.input,
        configurable=params.configurable,
        recursion_limit=params.recursion_limit,
        checkpoint=kept or None,
        answers=answers,
        round=number,
    )
    if engine is not None:
        engine.release_database()
    watch = StepWatch(step, stream=bool(params.stream))
    began = monotonic()
    came = chosen.adapter.run(call, watch)
    usage = before + came.usage
    step.emit(
        "agent_called",
        {
            "agent": chosen.agent.slug,
            "version": str(chosen.version),
            "framework": chosen.agent.framework,
            "updates": came.updates,
            "updates_left_out": watch.left_out,
            "usage": came.usage.as_dict(),
            "paused": isinstance(came, Paused),
            "duration_ms": round((monotonic() - began) * 1000),
        },
    )
    _keep(step, thread, came)
    if isinstance(came, Paused):
        return _ask(params, step, came, number, usage)
    return _result(chosen, thread, came, number, usage)


def _keep(step: StepContext, thread: _Thread, came: Done | Paused) -> None:
    """The state of the thread, where somebody will go on with it."""
    if step.engine is None or came.checkpoint is None or not (thread.shared or isinstance(came, Paused)):
        return
    try:
        step.engine.save_session(thread.record, came.checkpoint, persistent=thread.persistent)
    except ValueError as error:
        raise StepFailed(
            f"The state of the agent's thread is too large to be kept: {error}", code="checkpoint_too_large", final=True
        ) from error


def _ask(params: Agent, step: StepContext, came: Paused, number: int, usage: Usage) -> WaitFor:
    if params.on_interrupt == "fail" or number >= MOST_ROUNDS:
        why = "and nobody is to answer" if params.on_interrupt == "fail" else f"for the {MOST_ROUNDS + 1}st time"
        raise StepFailed(
            f"The agent asks something, {why}: {_shown(came.interrupts)}", code="agent_interrupted", final=True
        )
    due_at = None if params.answer_within is None else datetime.now(UTC) + timedelta(seconds=params.answer_within)
    title = (params.title or step.name)[:LONGEST_TITLE]
    questions = [{"id": one.id, "value": one.value} for one in came.interrupts]
    details = {
        "title": title,
        "description": _shown(came.interrupts),
        "details": {"questions": questions},
        "questions": questions,
        "round": number,
        "usage": usage.as_dict(),
    }
    if params.on_interrupt == "signal":
        return WaitFor("signal", params.signal or step.name, due_at=due_at, details=details)
    return WaitFor("approval", title, due_at=due_at, details=details, role=params.role, quorum=params.quorum)


def _shown(interrupts: Sequence[Interrupt]) -> str:
    return "; ".join(one.value if isinstance(one.value, str) else repr(one.value) for one in interrupts)[:1000]


def _result(chosen: Chosen, thread: _Thread, came: Done, number: int, usage: Usage) -> dict[str, Any]:
    return {
        "success": True,
        "output": came.output,
        "agent": chosen.agent.slug,
        "version": str(chosen.version),
        "thread_id": thread.id,
        "rounds": number + 1,
        "updates": came.updates,
        "usage": usage.as_dict(),
    }
