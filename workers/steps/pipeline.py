"""`pipeline`: run another melody as one step, written out here or stored under a path or a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, model_validator

from apps.melodies.definition.kinds import BodyField, StepKind
from workers.contract import Expand, FrameOutcome, FrameSpec, MelodyRef, StepContext, StepFailed, step_kind
from workers.steps.fields import OrTemplate, Params, is_rendered, require
from workers.steps.inner import error_of
from workers.steps.nested.config import NestedConfig, common_fields
from workers.steps.nested.limits import check_circle, check_depth, check_size
from workers.steps.nested.outputs import Output, outputs_of

SOURCES = ("pipeline_file", "pipeline", "pipeline_ref")


class Pipeline(Params):
    """Which melody, what goes in, and what comes out."""

    pipeline_file: str | None = Field(None, min_length=1, description="The path under which the melody is stored.")
    pipeline: Any = Field(None, description="The melody, written out here; its steps see nothing of this one.")
    pipeline_ref: str | None = Field(None, min_length=1, description="The name or id of a stored melody.")
    version: Annotated[int, Field(ge=1), OrTemplate()] | None = Field(
        None, description="A version of the stored melody; the latest if left out."
    )
    inputs: dict[str, Any] | None = Field(
        None, description="What `inputs.…` means inside. A value that is exactly one template keeps its type."
    )
    outputs: list[Output] | None = Field(
        None, description="Which inner results come out: names of steps, or `{path: step.field[0], as: name}`."
    )
    config: NestedConfig = Field(default_factory=lambda: NestedConfig.model_validate({}), description="How it runs.")

    @model_validator(mode="after")
    def _has_a_source(self, info: ValidationInfo) -> Pipeline:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        require(is_rendered(info) or given, "one of `pipeline_file`, `pipeline` and `pipeline_ref` is missing")
        most, steps = self.config.max_total_steps, _written_steps(self.pipeline)
        if isinstance(most, int):
            require(
                steps <= most, f"Maximum total steps ({most}) exceeded: the melody written out here has {steps} already"
            )
        return self


def _written_steps(pipeline: Any) -> int:
    steps = pipeline.get("steps") if isinstance(pipeline, Mapping) else None
    return len(steps) if isinstance(steps, list) else 0


def collect(params: Pipeline, step: StepContext, frames: Sequence[FrameOutcome]) -> Any:
    """What came out, or what the configuration makes of a failure."""
    frame = frames[-1]
    name = frame.label or step.name
    if frame.status == "completed":
        return _wrapped(params, outputs_of(params.outputs or (), frame.results, name))
    error = error_of(frame)
    message = f"Nested pipeline {name!r} failed: {error.get('message')}"
    told = {**error, "code": str(error.get("code") or "pipeline_failed"), "message": message}
    failure = StepFailed(message, code=told["code"], details=error)
    return _of_failure(params, step, told, frame.results, failure)


def _of_failure(
    params: Pipeline, step: StepContext, error: Mapping[str, Any], results: Mapping[str, Any], failure: StepFailed
) -> Any:
    if "fallback_value" in params.config.model_fields_set:
        step.emit("pipeline_fell_back", {"pipeline": step.name, "message": str(failure)})
        return _wrapped(params, params.config.fallback_value)
    if params.config.capture_errors or params.config.continue_on_error:
        return {"success": False, "error": dict(error), "results": dict(results)}
    raise failure


def _wrapped(params: Pipeline, outputs: Any) -> Any:
    """Melodies of the language were written for results that are wrapped where, and only where, there are inputs."""
    return {"result": outputs} if params.inputs else outputs


@step_kind(
    StepKind(
        name="pipeline",
        params=Pipeline,
        summary="Run another melody as one step",
        inline=True,
        bodies=(BodyField("pipeline", "workflow", optional=True),),
        common=common_fields,
    ),
    collect=collect,
)
def run(params: Pipeline, step: StepContext) -> Any:
    """Find the melody and start its steps in a namespace of their own; or what the configuration makes of not finding it."""
    try:
        return _begin(params, step)
    except StepFailed as error:
        if error.code not in ("file_not_found", "pipeline_not_found"):
            raise
        return _of_failure(params, step, {"code": error.code, "message": str(error)}, {}, error)


def _begin(params: Pipeline, step: StepContext) -> Expand:
    check_depth(step, params.config.max_depth)
    melody = _stored(params, step)
    size = _written_steps(params.pipeline) if melody is None else melody.size
    check_size(step, size, params.config.max_total_steps)
    if melody is not None:
        check_circle(step, melody)
    elif params.pipeline is None:
        raise StepFailed(
            f"Step {step.name!r} names no melody: `pipeline_file`, `pipeline` and `pipeline_ref` are empty.",
            code="bad_params",
            final=True,
        )
    return Expand(
        [FrameSpec(0, isolated=True, inputs=_inputs(params, step), variables=_variables(params, step), melody=melody)]
    )


def _stored(params: Pipeline, step: StepContext) -> MelodyRef | None:
    """The stored melody that is meant; None when it is written out here. A file goes before what is written out."""
    if params.pipeline_file is None and (params.pipeline is not None or params.pipeline_ref is None):
        return None
    if step.engine is None:
        raise StepFailed("There is no engine around this step to find a melody.", code="internal_error")
    version = f", version {params.version}" if params.version is not None else ""
    if params.pipeline_file is not None:
        path = params.pipeline_file.strip().removeprefix("./")
        melody = step.engine.melody_at(path, params.version)
        problem = f"Pipeline file not found: no melody is stored under the path {path!r}{version}."
        code = "file_not_found"
    else:
        melody = step.engine.melody_named(params.pipeline_ref or "", params.version)
        problem = f"Pipeline not found: there is no melody of the name or id {params.pipeline_ref!r}{version}."
        code = "pipeline_not_found"
    if melody is None:
        raise StepFailed(problem, code=code, final=True)
    return melody


def _inputs(params: Pipeline, step: StepContext) -> Mapping[str, Any]:
    if params.inputs:
        return params.inputs
    return dict(step.scope.inputs) if params.config.inherit_context else {}


def _variables(params: Pipeline, step: StepContext) -> Mapping[str, Any]:
    """Its own hide those it inherits. Those of a stored melody are added when the frame begins."""
    inner = params.pipeline if isinstance(params.pipeline, Mapping) else {}
    own = {**(inner.get("global_vars") or {}), **(inner.get("variables") or {})}
    if not params.config.inherit_context:
        return own
    return {**(step.engine.variables() if step.engine is not None else step.scope.state), **own}
