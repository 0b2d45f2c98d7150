"""`claude_smart`: ask Claude with the options of a preset, which may follow from the environment."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, step_kind
from workers.steps.fields import TemplatedBool
from workers.steps.models import presets
from workers.steps.models.asking import Ask, attempt, once_approved
from workers.steps.models.claude_call import put, question
from workers.steps.models.fields import PresetStep
from workers.steps.prompts.references import of_step


class ClaudeSmart(PresetStep):
    """What to ask, and the preset to start from."""

    environment_aware: TemplatedBool = Field(
        True, description="Without a preset, take that of the same name as the workflow's `environment.mode`."
    )


def work(params: ClaudeSmart, step: StepContext, ask: Ask) -> dict[str, Any]:
    """The answer, and which preset was used."""
    preset = presets.chosen(
        params.preset, step.workflow, fallback="development", environment_aware=params.environment_aware
    )
    metadata = {
        "preset_applied": preset,
        "environment_aware": params.environment_aware,
        "optimization_applied": True,
    }
    result = put(question(params, step, preset=preset, optimise=True), step, ask)
    return result | {"claude_smart_metadata": metadata}


@step_kind(
    StepKind(
        name="claude_smart",
        params=ClaudeSmart,
        summary="Ask Claude with the options of a preset",
        queue="calls",
        expressions=("prompt.*.condition",),
        per_item=("prompt.*.filter",),
        literals=("output_schema",),
        references=of_step,
    ),
    resume=once_approved(work),
)
def run(params: ClaudeSmart, step: StepContext) -> Any:
    """One call; a budget may make it wait."""
    return attempt(work, params, step)
