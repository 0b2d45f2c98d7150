"""`claude_batch`: many tasks for Claude, a few at a time, each a task of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, SkipValidation, ValidationInfo, field_validator, model_validator

from apps.melodies.definition.kinds import DerivedBody, StepKind
from workers.contract import Expand, FrameOutcome, FrameSpec, StepContext, step_kind
from workers.steps.content.written import dumped
from workers.steps.fields import OrTemplate, Params, TemplatedBool, is_rendered, require
from workers.steps.inner import error_of
from workers.steps.models.answers import now
from workers.steps.models.options import ClaudeOptions, Loose, Positive, PresetName, Settings, Temperature
from workers.steps.models.presets import AUTO
from workers.steps.models.tasks import MOST_TASKS, claude_step, id_of, result_of, seconds, status_of
from workers.steps.prompts.parts import Prompt

DEFAULT_TASK = "default_task"
ANALYSE_FILE = "Analyze this file"
SECONDS_PER_TASK = 60.0


class BatchTask(Loose):
    """One task. Its fields are those of a `claude` step, or a file to analyse."""

    task_id: str | int | None = Field(None, description="The task's name in the result.")
    id: str | int | None = Field(None, description="The same as task_id.")
    prompt: SkipValidation[Prompt | None] = Field(None, description="What to ask.")
    file: str | None = Field(None, description="A file to analyse; the step's prompt says how.")
    output_to_file: SkipValidation[str | None] = Field(None, description="A file for the task's result.")
    claude_options: SkipValidation[ClaudeOptions | None] = Field(None, description="How, over the step's own options.")
    condition: Any = Field(None, description="The task is left out when this does not hold.")


class BatchConfig(Loose):
    """How the tasks run."""

    max_parallel: Annotated[int, Field(ge=1, le=1000), OrTemplate()] = Field(3, description="How many run at once.")
    timeout_per_task: Annotated[float, Field(gt=0), OrTemplate()] = Field(
        60_000, description="Seconds up to 3600, above that milliseconds."
    )
    consolidate_results: TemplatedBool = Field(True, description="Also give one text made of all results.")


class ClaudeBatch(Params):
    """The tasks, or one prompt that is the only task."""

    tasks: list[BatchTask] | None = Field(None, max_length=MOST_TASKS, description="The tasks.")
    prompt: SkipValidation[Prompt | None] = Field(None, description="For tasks that have none of their own.")
    batch_config: BatchConfig = Field(
        default_factory=lambda: BatchConfig.model_validate({}), description="How the tasks run."
    )
    preset: PresetName | None = Field(None, description="The options tasks start from.")
    claude_options: SkipValidation[ClaudeOptions | None] = Field(None, description="Options of all tasks.")
    options: SkipValidation[ClaudeOptions | None] = Field(None, description="The same as claude_options.")
    model: str | None = None
    max_tokens: Positive | None = None
    temperature: Temperature | None = None
    config: Settings | None = None

    @field_validator("tasks")
    @classmethod
    def _distinct(cls, tasks: list[BatchTask] | None) -> list[BatchTask] | None:
        seen: set[str] = set()
        for index, task in enumerate(tasks or ()):
            name = id_of(task.model_dump(include={"id", "task_id"}), index)
            require(name not in seen, f"two tasks have the id {name[:80]!r}; ids are unique")
            seen.add(name)
        return tasks

    @model_validator(mode="after")
    def _has_tasks(self, info: ValidationInfo) -> ClaudeBatch:
        if not is_rendered(info):
            require(self.tasks or self.prompt, "give `tasks`, or a `prompt` that is the only task")
            bare = [task for task in self.tasks or () if task.prompt is None and not task.file]
            require(
                self.prompt or not bare, "a task has neither `prompt` nor `file`, and the step has no `prompt` for it"
            )
        return self


def derive(written: Mapping[str, Any]) -> list[DerivedBody]:
    """One body for each task."""
    config = written.get("batch_config")
    timeout = seconds(config.get("timeout_per_task")) if isinstance(config, Mapping) else None
    more = {
        "base_preset": written["preset"] if isinstance(written.get("preset"), str) else AUTO,
        "timeout_seconds": timeout or SECONDS_PER_TASK,
    }
    tasks = written.get("tasks")
    if not tasks:
        if written.get("prompt") is None:
            return []
        return [DerivedBody(DEFAULT_TASK, [claude_step(written, {}, DEFAULT_TASK, written["prompt"], more)], [""])]
    bodies = []
    for index, task in enumerate(tasks[:MOST_TASKS] if isinstance(tasks, list) else ()):
        if isinstance(task, Mapping):
            name = _id(task, index)
            step = claude_step(written, task, name, _prompt(task, written.get("prompt")), more)
            bodies.append(DerivedBody(name, [step], [f"/tasks/{index}"]))
    return bodies


def _id(task: Mapping[str, Any], index: int) -> str:
    return id_of({"id": task.get("task_id", task.get("id"))}, index)


def _prompt(task: Mapping[str, Any], common: Any) -> Any:
    """A task's own prompt; else its file, or what is written in it, and after that the step's prompt."""
    if task.get("prompt") is not None:
        return task["prompt"]
    if isinstance(common, str):
        common = [{"type": "static", "content": common}]
    rest = list(common) if isinstance(common, list) else []
    if isinstance(task.get("file"), str):
        return [{"type": "file", "path": task["file"]}, *(rest or [{"type": "static", "content": ANALYSE_FILE}])]
    return [{"type": "static", "content": dumped(dict(task), indent=2)}, *rest] if rest else None


def collect(params: ClaudeBatch, step: StepContext, frames: Sequence[FrameOutcome]) -> dict[str, Any]:
    """What every task gave, in order; a failed one never fails the step."""
    results = [_result(params, frame) for frame in frames]
    counts = {status: sum(1 for result in results if result["status"] == status) for status in ("success", "timeout")}
    failed = len(results) - counts["success"]
    times = [result["execution_time_ms"] for result in results]
    batch: dict[str, Any] = {
        "success": True,
        "batch_processed": True,
        "total_tasks": len(results),
        "successful_tasks": counts["success"],
        "failed_tasks": failed,
        "batch_results": results,
        "performance_statistics": {
            "total_execution_time_ms": sum(times),
            "average_task_time_ms": round(sum(times) / len(times), 2) if times else 0,
            "min_task_time_ms": min(times, default=0),
            "max_task_time_ms": max(times, default=0),
        },
        "cost": round(sum(_cost(result) for result in results), 9),
    }
    if params.batch_config.consolidate_results:
        batch["text"] = _digest(results)
        batch["claude_batch_metadata"] = {
            "step_name": step.name,
            "batch_processed_at": now(mock=all(_is_mock(result) for result in results)),
            "total_tasks": len(results),
            "task_breakdown": {
                "successful": counts["success"],
                "failed": failed - counts["timeout"],
                "timeout": counts["timeout"],
            },
            "files_processed": [result["file"] for result in results if result["file"] is not None],
        }
    return batch


def _result(params: ClaudeBatch, frame: FrameOutcome) -> dict[str, Any]:
    tasks = params.tasks or []
    task = tasks[frame.body] if frame.body < len(tasks) else None
    name = (
        DEFAULT_TASK if task is None else _id(task.model_dump(include={"task_id", "id"}, exclude_none=True), frame.body)
    )
    result = result_of(frame)
    told: dict[str, Any] = {
        "task_id": name,
        "status": "success",
        "file": task.file if task is not None else None,
        "execution_time_ms": int(result.get("duration_ms", 0)) if result else 0,
    }
    if status_of(frame) != "error":
        return told | {"result": result or {"success": True, "skipped": True}}
    error = dict(error_of(frame))
    status = {"timeout": "timeout", "cancelled": "failed"}.get(str(error.get("code")), "error")
    return told | {"status": status, "error": error}


def _cost(result: Mapping[str, Any]) -> float:
    cost = (result.get("result") or {}).get("cost", 0)
    return float(cost) if isinstance(cost, int | float) else 0.0


def _is_mock(result: Mapping[str, Any]) -> bool:
    return "result" not in result or bool(result["result"].get("mock", True))


def _digest(results: Sequence[Mapping[str, Any]]) -> str:
    good = sum(1 for result in results if result["status"] == "success")
    parts = [f"# Batch results\n\n{good} of {len(results)} tasks succeeded."]
    for result in results:
        if result["status"] == "success":
            said = str(result["result"].get("text", "Skipped."))
        else:
            said = f"Failed ({result['status']}): {result['error'].get('message')}"
        parts.append(f"## {result['task_id']}\n\n{said}")
    return "\n\n".join(parts)


@step_kind(
    StepKind(
        name="claude_batch",
        params=ClaudeBatch,
        summary="Give Claude many tasks, a few at a time",
        queue="calls",
        literals=(
            "tasks.*.prompt",
            "tasks.*.claude_options",
            "tasks.*.options",
            "tasks.*.output_schema",
            "tasks.*.output_to_file",
            "tasks.*.condition",
            "prompt",
            "claude_options",
            "options",
        ),
        derive=derive,
    ),
    collect=collect,
)
def run(params: ClaudeBatch, step: StepContext) -> Any:
    """One frame for each task."""
    number = len(params.tasks or ()) or 1
    frames = [FrameSpec(index) for index in range(number)]
    return Expand(frames, limit=params.batch_config.max_parallel, stop_on_failure=False)
