"""`data_transform`: filter, change, join, group, sort and sum up data, whatever its size in the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from apps.melodies.definition.expressions import ExpressionError, compile_source
from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, step_kind
from workers.steps.fields import OrTemplate, Params, TemplatedBool, require
from workers.steps.files.storing import store
from workers.steps.transform.apply import apply
from workers.steps.transform.operations import Operation
from workers.steps.transform.render import RenderOptions, markdown_table, svg_bars
from workers.steps.transform.values import type_name

OutputFormat = Literal["json", "jsonl", "string", "count", "markdown", "svg_bars"]


class Lazy(Params):
    """Accepted for older documents."""

    enabled: TemplatedBool = Field(False, description="Has no effect: all sizes are treated alike.")


class DataTransform(Params):
    """Data, what to do with it, and the form of the outcome."""

    input_source: Any = Field(
        description="Where the data is: `steps.x.y`, `previous_response:STEP.field`, a variable, a template, or written out."
    )
    operations: list[Operation] = Field(default_factory=list, description="One after the other.")
    output_field: str | None = Field(None, description="The outcome's name in the result; by default the step's name.")
    output_format: Annotated[OutputFormat, OrTemplate()] = Field(
        "json",
        description="json: as it is. string, jsonl: as text. count: how many. markdown: a table, svg_bars: a chart, both from "
        "a list of maps; these two are the whole result unless `output_field` is given.",
    )
    options: RenderOptions = Field(
        default_factory=lambda: RenderOptions.model_validate({}), description="For markdown and svg_bars."
    )
    output_file: str | None = Field(None, description="Also write the outcome to this file of the workspace.")
    lazy: Lazy | TemplatedBool | None = Field(None, description="Accepted, without effect.")
    stream_mode: TemplatedBool | None = Field(None, description="Accepted, without effect.")
    chunk_size: Annotated[int, Field(ge=1), OrTemplate()] | None = Field(None, description="Accepted, without effect.")

    @model_validator(mode="after")
    def _has_source(self) -> DataTransform:
        require(self.input_source is not None, "`input_source` is empty: say where the data is")
        return self


def _input(params: DataTransform, step: StepContext) -> Any:
    try:
        data = compile_source(params.input_source).evaluate(step.scope)
    except ExpressionError as error:
        raise StepFailed(f"input_source: {error}", code="bad_expression") from error
    if data is None:
        raise StepFailed(f"input_source {str(params.input_source)[:120]!r} leads to nothing", code="not_found")
    return _outcome(data)


def _outcome(data: Any) -> Any:
    """Of a whole transformation's result what it made, without the note on how."""
    note = data.get("metadata") if isinstance(data, Mapping) and len(data) == 2 else None
    if not isinstance(note, Mapping) or not {"operation_count", "input_type", "output_type"} <= note.keys():
        return data
    return next(value for name, value in data.items() if name != "metadata")


def _formatted(data: Any, params: DataTransform) -> Any:
    match params.output_format:
        case "count":
            return len(data) if isinstance(data, list | Mapping) else 0 if data is None else 1
        case "string":
            return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        case "jsonl":
            rows = data if isinstance(data, list) else [data]
            return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        case "markdown":
            return markdown_table(data, params.options)
        case "svg_bars":
            return svg_bars(data, params.options)
    return data


@step_kind(
    StepKind(
        name="data_transform",
        params=DataTransform,
        summary="Filter, change, join, group, sort and sum up data",
        inline=True,
        sources=("input_source", "operations.*.right_source"),
        literals=("operations.*.path",),
        per_item=("operations.*.condition", "operations.*.expression", "operations.*.mapping"),
    )
)
def run(params: DataTransform, step: StepContext) -> Any:
    """The outcome under its name with some metadata, or the bare text of a table or chart."""
    data = source = _input(params, step)
    for number, operation in enumerate(params.operations, start=1):
        try:
            data = apply(operation, data, step.scope)
        except StepFailed as error:
            raise StepFailed(f"operation {number}: {error}", code=error.code, details=error.details) from error
    try:
        value = _formatted(data, params)
    except RecursionError:
        raise StepFailed("the data is nested too deeply to be written as text", code="too_deep") from None
    if params.output_file:
        store(step, params.output_file, value)
    if params.output_format in ("markdown", "svg_bars") and params.output_field is None:
        return value
    return {
        params.output_field or step.name: value,
        "metadata": {
            "operation_count": len(params.operations),
            "input_type": type_name(source),
            "output_type": type_name(value),
            "processed_at": datetime.now(UTC).isoformat(),
        },
    }
