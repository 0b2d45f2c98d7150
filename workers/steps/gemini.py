"""`gemini`: ask Gemini once, with functions it may ask for."""

from __future__ import annotations

from typing import Any

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, step_kind
from workers.steps.models.asking import Ask, attempt, once_approved
from workers.steps.models.fields import GeminiStep
from workers.steps.models.gemini_call import put
from workers.steps.models.requests import gemini_request
from workers.steps.prompts.references import of_step


class Gemini(GeminiStep):
    """What to ask, and how."""


def work(params: Gemini, step: StepContext, ask: Ask) -> dict[str, Any]:
    """The answer; the arguments of the first function call are fields of it too."""
    return put(params, step, ask, lambda messages: gemini_request(params, step, messages))


@step_kind(
    StepKind(
        name="gemini",
        params=Gemini,
        summary="Ask Gemini",
        queue="calls",
        expressions=("prompt.*.condition",),
        per_item=("prompt.*.filter",),
        literals=("output_schema",),
        references=of_step,
    ),
    resume=once_approved(work),
)
def run(params: Gemini, step: StepContext) -> Any:
    """One call; a budget may make it wait."""
    return attempt(work, params, step)
