"""`claude`: ask Claude once."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, step_kind
from workers.steps.models import presets
from workers.steps.models.asking import Ask, attempt, once_approved
from workers.steps.models.claude_call import put, question
from workers.steps.models.fields import ClaudeStep
from workers.steps.models.options import PresetOrAuto
from workers.steps.prompts.references import of_step


class Claude(ClaudeStep):
    """What to ask, and how."""

    base_preset: PresetOrAuto | None = Field(
        None, description="Start from a preset's options; `auto` is the workflow's `claude_preset`, else development."
    )


def work(params: Claude, step: StepContext, ask: Ask) -> dict[str, Any]:
    """Without `base_preset` only what the step itself says counts."""
    written = params.base_preset
    preset = presets.chosen(written, step.workflow, fallback="development") if written is not None else None
    return put(question(params, step, preset=preset), step, ask)


@step_kind(
    StepKind(
        name="claude",
        params=Claude,
        summary="Ask Claude",
        queue="calls",
        expressions=("prompt.*.condition",),
        per_item=("prompt.*.filter",),
        literals=("output_schema",),
        references=of_step,
    ),
    resume=once_approved(work),
)
def run(params: Claude, step: StepContext) -> Any:
    """One call; a budget may make it wait."""
    return attempt(work, params, step)
