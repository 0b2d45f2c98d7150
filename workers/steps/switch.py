"""`switch`: run the steps of the one case that matches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from apps.melodies.definition.expressions import ExpressionError, compile_expression
from apps.melodies.definition.kinds import BodyField, StepKind
from workers.contract import Expand, FrameOutcome, FrameSpec, StepContext, StepFailed, step_kind
from workers.steps.fields import Params, is_rendered, require
from workers.steps.inner import failure


def case_text(value: Any) -> str:
    """How a value is compared with the case keys: text as it is, all else as JSON (`true`, `null`, `3`)."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _text_keys(value: Any) -> Any:
    """YAML reads the keys `true:` and `3:` as a boolean and a number."""
    return {case_text(key): steps for key, steps in value.items()} if isinstance(value, dict) else value


class Switch(Params):
    """What to look at, and what to do for each value."""

    expression: Any = Field(
        description="The value to look at: a path (`steps.review.verdict`), an expression or a template."
    )
    cases: Annotated[dict[str, list[Any]], BeforeValidator(_text_keys)] = Field(
        default_factory=dict,
        description="A list of steps for each value, compared as text. A key with `*` or `?` is a pattern, for values that "
        "are no key themselves.",
    )
    default: list[Any] | None = Field(None, description="Steps to run when no case matches.")

    @model_validator(mode="after")
    def _has_a_way(self, info: ValidationInfo) -> Switch:
        require(
            is_rendered(info) or bool(self.cases) or self.default is not None,
            "`cases` is missing: a map from values to lists of steps",
        )
        return self


def _result(matched: str | None, results: dict[str, Any]) -> dict[str, Any]:
    return {"success": True, "matched_case": matched, "results": results}


def collect(params: Switch, step: StepContext, frames: Sequence[FrameOutcome]) -> dict[str, Any]:
    """The results of the case that ran. An inner step that failed fails the switch."""
    if not frames:
        return _result(None, {})
    frame = frames[0]
    if frame.status != "completed":
        raise failure(frame)
    matched = frame.label if frame.body < len(params.cases) else None
    return _result(matched, dict(frame.results))


@step_kind(
    StepKind(
        name="switch",
        params=Switch,
        summary="Run the steps of the case that matches a value",
        inline=True,
        bodies=(BodyField("cases", "map"), BodyField("default", "list")),
        expressions=("expression",),
        branches=True,
    ),
    collect=collect,
)
def run(params: Switch, step: StepContext) -> Any:
    """Choose the body: the case of this value, else the pattern that says most, else the default."""
    try:
        value = compile_expression(params.expression).evaluate(step.scope) if _is_text(params) else params.expression
    except ExpressionError as error:
        raise StepFailed(f"expression of switch {step.name!r}: {error}", code="bad_expression") from error
    text = case_text(value)
    labels = list(params.cases)
    chosen = text if text in params.cases else _pattern(labels, text)
    if chosen is not None:
        return Expand([FrameSpec(labels.index(chosen))])
    if params.default is not None:
        return Expand([FrameSpec(len(labels))])
    return _result(None, {})


def _pattern(labels: Sequence[str], text: str) -> str | None:
    """The pattern that matches with the most characters of its own; of equal ones the first in the alphabet."""
    matching = [label for label in labels if ("*" in label or "?" in label) and fnmatchcase(text, label)]
    return min(matching, key=lambda label: (-sum(sign not in "*?" for sign in label), label), default=None)


def _is_text(params: Switch) -> bool:
    return isinstance(params.expression, str)
