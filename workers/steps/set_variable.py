"""`set_variable`: give variables new values, all at once."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, step_kind
from workers.steps.fields import OrTemplate, Params, require

_NAME = re.compile(r"[^\W\d][\w-]*\Z")

VariableScope = Literal["global", "session", "loop", "local"]


class SetVariable(Params):
    """Which variables get which values."""

    variables: dict[str, Any] | None = Field(
        None,
        description="Variable names and their new values. All values are taken before any variable changes; a value that "
        "is exactly one template keeps its type.",
    )
    variable: str | None = Field(None, description="Older form: the name of a single variable, with `value`.")
    value: Any = Field(None, description="Older form: the value of `variable`.")
    scope: Annotated[VariableScope, OrTemplate()] = Field(
        "global",
        description="global: for the whole run. session: kept for later runs of the melody too. loop and local: until the "
        "iteration ends.",
    )

    @model_validator(mode="after")
    def _one_form(self) -> SetVariable:
        written = self.model_fields_set
        require(
            not (self.variables is not None and self.variable is not None),
            "give either `variables` or the older `variable` with `value`, not both",
        )
        require(
            self.variables is not None or self.variable is not None,
            "`variables` is missing: a map from variable names to values",
        )
        require("value" not in written or self.variable is not None, "`value` needs `variable`, the name to set")
        for name in self.assignments():
            require(
                _NAME.match(name) is not None,
                f"{name!r} cannot name a variable: start with a letter or _, then letters, digits, _ or -",
            )
        return self

    def assignments(self) -> dict[str, Any]:
        """What is to be set, whichever form was written."""
        if self.variable is not None:
            return {self.variable: self.value}
        return self.variables or {}


@step_kind(
    StepKind(
        name="set_variable",
        params=SetVariable,
        summary="Set variables for the steps that follow",
        inline=True,
        sets_variables=True,
    )
)
def run(params: SetVariable, step: StepContext) -> dict[str, Any]:
    """Hand the values to the engine, which stores them with the outcome."""
    values = params.assignments()
    step.variables = dict(values)
    step.variable_scope = "loop" if params.scope in ("loop", "local") else "global"
    if params.scope == "session" and step.engine is not None:
        step.engine.remember(values)
    return {"variables_set": list(values), "scope": params.scope, "variable_count": len(values), "variables": values}
