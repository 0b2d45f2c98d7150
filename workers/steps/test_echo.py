"""`test_echo`: give back a value, or fail on purpose. For trying melodies out."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, step_kind
from workers.steps.fields import Params, TemplatedBool

FAIL_VALUE = "__FAIL__"


class TestEcho(Params):
    """What to give back."""

    __test__ = False

    value: Any = Field("default_echo", description='The result, as is. The text "__FAIL__" makes the step fail.')
    fail: TemplatedBool = Field(False, description="Fail instead of giving the value back.")
    error_message: str = Field("Test step intentionally failed", description="The error when it fails.")


@step_kind(StepKind(name="test_echo", params=TestEcho, summary="Give a value back unchanged, or fail", inline=True))
def run(params: TestEcho, step: StepContext) -> Any:
    """The value itself is the result."""
    if params.fail or params.value == FAIL_VALUE:
        raise StepFailed(params.error_message, code="test_failure")
    return params.value
