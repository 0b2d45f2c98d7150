"""One question to Claude, as all kinds of the family ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workers.contract import StepContext, StepFailed
from workers.models.request import ModelRequest
from workers.steps.models import presets
from workers.steps.models.answers import claude_result
from workers.steps.models.asking import Ask, Asked
from workers.steps.models.conversation import Conversation, keep, of_options
from workers.steps.models.fields import ClaudeStep
from workers.steps.models.requests import claude_options, claude_request
from workers.steps.models.structured import checked
from workers.steps.prompts.build import Built, build


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that is needed to ask: the request, the options it was made of, the conversation it stands in."""

    request: ModelRequest
    options: Mapping[str, Any]
    conversation: Conversation


def built_prompt(params: ClaudeStep, step: StepContext) -> Built:
    """The step's prompt, which must say something."""
    prompt = build(params.prompt, step)
    if not prompt.text.strip():
        raise StepFailed(
            "the prompt is empty: every part of it is empty or was left out by its condition",
            code="bad_params",
            final=True,
        )
    return prompt


def question(
    params: ClaudeStep,
    step: StepContext,
    *,
    preset: str | None = None,
    optimise: bool = False,
    schema: Mapping[str, Any] | None = None,
    conversation: Conversation | None = None,
) -> Question:
    """The question of a step. `optimise` applies the last word of claude_smart; a `conversation` replaces that of the
    step's options."""
    options = claude_options(params, preset)
    if optimise and preset is not None:
        options = presets.optimised(preset, options)
    if conversation is None:
        prompt = built_prompt(params, step)
        conversation = of_options(prompt, options.get("session_id"), options.get("resume_session"), step)
    request = claude_request(
        params, options, conversation.messages, preset=preset, schema=schema, session=conversation.session
    )
    return Question(request, options, conversation)


def put(asked: Question, step: StepContext, ask: Ask) -> dict[str, Any]:
    """Ask, check the answer against its schema, remember it in its session, and make it a result."""
    reply: Asked = ask(asked.request)
    schema = asked.request.output_schema
    value = checked(reply.answer, schema) if schema is not None else None
    keep(asked.conversation, step, reply.answer.text)
    return claude_result(reply, asked.request, asked.options, value=value)


def with_prompt(asked: Question, text: str) -> Question:
    """The same question in other words, without the conversation before it."""
    message = replace(asked.request.messages[-1], content=text)
    return replace(asked, request=replace(asked.request, messages=(message,)))
