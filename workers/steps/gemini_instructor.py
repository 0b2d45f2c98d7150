"""`gemini_instructor`: ask Gemini for a value of a given shape."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, step_kind
from workers.steps.fields import OrTemplate
from workers.steps.models.asking import Ask, attempt, once_approved
from workers.steps.models.fields import GeminiStep
from workers.steps.models.gemini_call import put
from workers.steps.models.requests import gemini_request
from workers.steps.models.structured import Outline, schema_of
from workers.steps.prompts.references import of_step

MODEL = "gemini-2.5-flash"
SECONDS = 120.0
USUAL_SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "analysis": {"type": "string"}, "summary": {"type": "string"}},
    "required": ["text"],
}


class GeminiInstructor(GeminiStep):
    """What to ask, and the shape of the answer."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    outline: Outline | None = Field(
        None,
        alias="schema",
        description="A JSON Schema, or an outline such as `{name: string, tags: [string]}`; without it the answer has "
        "`text`, `analysis` and `summary`.",
    )
    validation_mode: Annotated[Literal["strict", "loose"], OrTemplate()] = Field(
        "strict", description="strict: an answer of another shape fails the step; loose: it has `validation_errors`."
    )


def work(params: GeminiInstructor, step: StepContext, ask: Ask) -> dict[str, Any]:
    """The answer; its value is `data`, and field by field beside `content`."""
    offers_functions = bool(params.functions or params.tools)
    schema = schema_of(params.outline) if params.outline else params.output_schema
    if schema is None and not offers_functions:
        schema = USUAL_SHAPE
    usual = {"temperature": 0.3 if offers_functions else 0.7, "max_output_tokens": 2048}
    return put(
        params,
        step,
        ask,
        lambda messages: gemini_request(
            params, step, messages, defaults=usual, schema=schema, model=MODEL, seconds=SECONDS
        ),
        loose=params.validation_mode == "loose",
    )


@step_kind(
    StepKind(
        name="gemini_instructor",
        params=GeminiInstructor,
        summary="Ask Gemini for a value of a given shape",
        queue="calls",
        expressions=("prompt.*.condition",),
        per_item=("prompt.*.filter",),
        literals=("schema", "output_schema"),
        references=of_step,
    ),
    resume=once_approved(work),
)
def run(params: GeminiInstructor, step: StepContext) -> Any:
    """One call; a budget may make it wait."""
    return attempt(work, params, step)
