"""One question to Gemini."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from workers.contract import StepContext, StepFailed
from workers.models.request import Message, ModelRequest
from workers.steps.models.answers import gemini_result
from workers.steps.models.asking import Ask
from workers.steps.models.fields import GeminiStep
from workers.steps.models.structured import checked, complaints, value_of
from workers.steps.prompts import sessions
from workers.steps.prompts.build import build

MakeRequest = Callable[[Sequence[Message]], ModelRequest]


def put(params: GeminiStep, step: StepContext, ask: Ask, make: MakeRequest, *, loose: bool = False) -> dict[str, Any]:
    """Ask, check the answer against its schema, and make it a result. With `loose` an answer that does not satisfy the
    schema is a result too, with `validation_errors`."""
    prompt = build(params.prompt, step)
    if not prompt.text.strip():
        raise StepFailed(
            "the prompt is empty: every part of it is empty or was left out by its condition",
            code="bad_params",
            final=True,
        )
    record = sessions.find(step, prompt.continues) if prompt.continues else None
    before = [Message(turn["role"], turn["content"]) for turn in sessions.turns(record, without_task=step.task_id)]
    request = make([*before, Message("user", prompt.text)])
    reply = ask(request)
    schema = request.output_schema
    if schema is None or reply.answer.tool_calls:
        return gemini_result(reply, request)
    if not loose:
        return gemini_result(reply, request, value=checked(reply.answer, schema))
    value = value_of(reply.answer)
    wrong = complaints(value, schema) if value is not None else ["the answer is not JSON"]
    return gemini_result(reply, request, value=value) | {"validation_errors": wrong}
