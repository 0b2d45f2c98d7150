"""`parallel_claude`: several questions to Claude side by side, each a task of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, SkipValidation, ValidationInfo, field_validator, model_validator

from apps.melodies.definition.kinds import DerivedBody, StepKind
from workers.contract import Expand, FrameOutcome, FrameSpec, StepContext, StepFailed, step_kind
from workers.steps.fields import OrTemplate, Params, is_rendered, require
from workers.steps.inner import error_of
from workers.steps.loops import loop_data
from workers.steps.models.generated import Generator, item_id, items_of
from workers.steps.models.options import ClaudeOptions, Loose, Positive, Settings, Temperature
from workers.steps.models.tasks import MOST_TASKS, claude_step, id_of, result_of, seconds, status_of
from workers.steps.prompts.parts import Prompt

ITEM = "task"


class ParallelTask(Loose):
    """One question. Its fields are those of a `claude` step."""

    id: str | int | None = Field(None, description="The task's name in the result.")
    prompt: SkipValidation[Prompt | None] = Field(None, description="What to ask.")
    claude_options: SkipValidation[ClaudeOptions | None] = Field(None, description="How, over the step's own options.")
    output_to_file: SkipValidation[str | None] = Field(None, description="A file for the task's result.")
    condition: Any = Field(None, description="The task is left out when this does not hold.")


class ParallelConfig(Loose):
    """How the tasks run."""

    max_workers: Positive | None = Field(None, description="How many run at once; without it all of them.")
    queue_size: Positive | None = Field(None, description="Accepted; tasks wait as rows.")
    timeout_per_task: Annotated[float, Field(gt=0), OrTemplate()] | None = Field(
        None, description="Seconds up to 3600, above that milliseconds."
    )
    retry_failed: Annotated[bool | int, OrTemplate()] = Field(
        False, description="Try a failed task again whatever it failed of: up to four times, or so often."
    )


class ParallelClaude(Params):
    """The tasks: written one by one, or made from a template for each item of a list."""

    parallel_tasks: list[ParallelTask] | None = Field(None, max_length=MOST_TASKS, description="The tasks.")
    task_generator: Generator | None = Field(None, description="What to make tasks of.")
    task_template: SkipValidation[ParallelTask | None] = Field(
        None, description="The task for each of them; it is `{{task}}` there."
    )
    parallel_config: ParallelConfig = Field(
        default_factory=lambda: ParallelConfig.model_validate({}), description="How the tasks run."
    )
    claude_options: SkipValidation[ClaudeOptions | None] = Field(None, description="Options of all tasks.")
    model: str | None = None
    max_tokens: Positive | None = None
    temperature: Temperature | None = None
    config: Settings | None = None

    @field_validator("parallel_tasks")
    @classmethod
    def _distinct(cls, tasks: list[ParallelTask] | None) -> list[ParallelTask] | None:
        seen: set[str] = set()
        for index, task in enumerate(tasks or ()):
            name = id_of(task.model_dump(include={"id"}), index)
            require(name not in seen, f"two tasks have the id {name[:80]!r}; ids are unique")
            seen.add(name)
        return tasks

    @model_validator(mode="after")
    def _has_tasks(self, info: ValidationInfo) -> ParallelClaude:
        if not is_rendered(info):
            generated = self.task_template is not None and self.task_generator is not None
            require(
                self.parallel_tasks or generated, "`parallel_tasks` is missing: a list of tasks, each with a prompt"
            )
        return self


def derive(written: Mapping[str, Any]) -> list[DerivedBody]:
    """One body for each task, then one for the template."""
    more = _policy(written.get("parallel_config"))
    tasks = written.get("parallel_tasks")
    bodies = []
    for index, task in enumerate(tasks[:MOST_TASKS] if isinstance(tasks, list) else ()):
        if isinstance(task, Mapping):
            name = id_of(task, index)
            step = claude_step(written, task, name, task.get("prompt"), more)
            bodies.append(DerivedBody(name, [step], [f"/parallel_tasks/{index}"]))
    template = written.get("task_template")
    if isinstance(template, Mapping):
        step = claude_step(written, template, ITEM, template.get("prompt"), more)
        bodies.append(DerivedBody(ITEM, [step], ["/task_template"], loop_item=ITEM))
    return bodies


RETRIES = 4
"""As often as failures that pass by themselves are tried again without being asked for."""


def _policy(config: Any) -> dict[str, Any]:
    if not isinstance(config, Mapping):
        return {}
    more: dict[str, Any] = {}
    timeout = seconds(config.get("timeout_per_task"))
    if timeout is not None:
        more["timeout_seconds"] = timeout
    retry = config.get("retry_failed")
    if isinstance(retry, int) and retry > 0:
        more["retry"] = {"max_retries": RETRIES if retry is True else retry}
    return more


def collect(params: ParallelClaude, step: StepContext, frames: Sequence[FrameOutcome]) -> dict[str, Any]:
    """What every task gave, by its id. A failed task is told of; the step has done its work all the same."""
    results: dict[str, Any] = {}
    for frame in frames:
        name = _name(params, step, frame)
        results[name] = _outcome(frame)
    return {
        "combined_results": "\n\n".join(_section(name, result) for name, result in results.items()),
        "individual_results": results,
        "success": True,
        "total_tasks": len(results),
        "successful_tasks": sum(1 for result in results.values() if result["status"] == "ok"),
        "failed_tasks": sum(1 for result in results.values() if result["status"] == "error"),
    }


def _name(params: ParallelClaude, step: StepContext, frame: FrameOutcome) -> str:
    tasks = params.parallel_tasks or []
    if frame.body < len(tasks):
        return id_of(tasks[frame.body].model_dump(include={"id"}), frame.body)
    template = params.task_template
    written = template.get("id") if isinstance(template, Mapping) else None
    return item_id(written, frame.loop or {}, step, ITEM)


def _outcome(frame: FrameOutcome) -> dict[str, Any]:
    """The task's result, with `status`: ok, skipped or error."""
    status = status_of(frame)
    if status == "error":
        return {"status": "error", "success": False, "error": dict(error_of(frame))}
    return {**(result_of(frame) or {"success": True, "skipped": True}), "status": status}


def _section(name: str, result: Mapping[str, Any]) -> str:
    if result["status"] == "error":
        said = f"Error: {result['error'].get('message')}"
    else:
        said = "Skipped" if result["status"] == "skipped" else str(result.get("text", ""))
    return f"===[{name}]===\n{said}"


@step_kind(
    StepKind(
        name="parallel_claude",
        params=ParallelClaude,
        summary="Ask Claude several questions side by side",
        queue="calls",
        sources=("task_generator.data_source", "task_generator.items", "task_generator.source"),
        literals=(
            "parallel_tasks.*.prompt",
            "parallel_tasks.*.claude_options",
            "parallel_tasks.*.options",
            "parallel_tasks.*.output_schema",
            "parallel_tasks.*.output_to_file",
            "parallel_tasks.*.condition",
            "task_template",
            "claude_options",
        ),
        derive=derive,
    ),
    collect=collect,
)
def run(params: ParallelClaude, step: StepContext) -> Any:
    """One frame for each task; a task that fails does not hold back the others."""
    written = len(params.parallel_tasks or ())
    frames = [FrameSpec(index) for index in range(written)]
    if params.task_template is not None and params.task_generator is not None:
        items = items_of(params.task_generator, step)
        parent = step.scope.loop
        frames += [
            FrameSpec(written, loop_data(ITEM, item, index, len(items), parent)) for index, item in enumerate(items)
        ]
    if len(frames) > MOST_TASKS:
        raise StepFailed(
            f"{len(frames)} tasks are more than the limit of {MOST_TASKS}; make larger batches", code="too_many_tasks"
        )
    if not frames:
        return collect(params, step, ())
    limit = params.parallel_config.max_workers or len(frames)
    return Expand(frames, limit=min(limit, len(frames)), stop_on_failure=False)
