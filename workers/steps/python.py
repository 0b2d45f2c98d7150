"""`python`: run a program of the melody's author, in the sandbox and nowhere else."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, step_kind
from workers.steps.boxed import Boxed, run_boxed

LONGEST_SOURCE = 1_000_000


class Python(Boxed):
    """The program, and what it is given."""

    source: str = Field(
        min_length=1,
        max_length=LONGEST_SOURCE,
        description="The program, taken as it is: data comes in by `inputs`, never by templates. What it leaves in the "
        "variable `result` is the step's `value`.",
    )
    inputs: dict[str, Any] = Field(
        default_factory=dict, description="What the program finds in its variable `inputs`; templates are filled in."
    )


@step_kind(
    StepKind(
        name="python",
        params=Python,
        summary="Run a Python program in the sandbox",
        queue="calls",
        literals=("source",),
    )
)
def run(params: Python, step: StepContext) -> dict[str, Any]:
    """The value it left, its output, and how it ended."""
    return run_boxed(params, step, {"language": "python", "source": params.source, "inputs": params.inputs})
