from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from apps.melodies.definition import BodyField, Definition, DerivedBody, InvalidDocument, Problem, StepKind, load


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EchoParams(_Params):
    value: Any = None
    seconds: int | str = 0
    level: Literal["low", "high"] = "low"


class SetParams(_Params):
    variables: dict[str, Any] = Field(default_factory=dict)


class LoopParams(_Params):
    iterator: str
    data_source: Any
    steps: list[Any] = Field(min_length=1)
    break_condition: Any = None


class SwitchParams(_Params):
    expression: str


class Operation(_Params):
    operation: str
    right_source: str | None = None
    condition: str | None = None
    expression: str | None = None


class TransformParams(_Params):
    operations: list[Operation]
    output_field: str | None = None


class WhileParams(_Params):
    condition: Any
    steps: list[Any] = Field(default_factory=list)


class PipelineParams(_Params):
    pipeline_file: str | None = None
    pipeline: Any = None
    inputs: dict[str, Any] | None = None


class Static(_Params):
    type: Literal["static"]
    content: str


class Previous(_Params):
    type: Literal["previous_response"]
    step: str
    extract: str | None = None


Part = Annotated[Static | Previous, Field(discriminator="type")]


class Options(_Params):
    max_turns: int | None = None
    model: str | None = None
    fallback_model: str | None = None
    output_format: Literal["text", "json", "stream_json"] | None = None
    allowed_tools: list[str] | None = None
    system_prompt: str | None = None


class ClaudeParams(_Params):
    prompt: str | list[Part]
    claude_options: Options | None = None
    preset: str | None = None


class GeminiParams(_Params):
    prompt: str | list[Part]
    model: str | None = None
    token_budget: dict[str, Any] | None = None
    functions: list[str] | None = None


class Tasks(_Params):
    parallel_tasks: list[dict[str, Any]]


class WaitParams(_Params):
    seconds: float


class CancelParams(_Params):
    steps: str | list[str]


def previous_parts(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    prompt = params.get("prompt")
    parts = [(place, part) for place, part in enumerate(prompt if isinstance(prompt, list) else ())]
    return [
        (part["step"], f"/prompt/{place}/step")
        for place, part in parts
        if isinstance(part, dict) and part.get("type") == "previous_response" and isinstance(part.get("step"), str)
    ]


def tasks_of(written: Mapping[str, Any]) -> list[DerivedBody]:
    tasks = written.get("parallel_tasks")
    return [
        DerivedBody(
            str(task.get("id")),
            [{**{key: value for key, value in task.items() if key != "id"}, "name": task.get("id"), "type": "claude"}],
            [f"/parallel_tasks/{place}"],
            loop_item="task",
        )
        for place, task in enumerate(tasks if isinstance(tasks, list) else ())
        if isinstance(task, dict)
    ]


@pytest.fixture(scope="session")
def kinds() -> Mapping[str, StepKind]:
    """Small kinds of every shape. `LoopParams` declares its body, `SwitchParams` leaves that to the language."""
    described = [
        StepKind("echo", EchoParams, "returns its value"),
        StepKind("set_variable", SetParams, "sets variables", inline=True, sets_variables=True),
        StepKind(
            "for_loop",
            LoopParams,
            "runs steps for each item",
            bodies=(BodyField("steps", "list"),),
            expressions=("break_condition",),
            sources=("data_source",),
        ),
        StepKind(
            "switch",
            SwitchParams,
            "runs one case",
            bodies=(BodyField("cases", "map"), BodyField("default", "list")),
            expressions=("expression",),
        ),
        StepKind(
            "data_transform",
            TransformParams,
            "changes data",
            sources=("operations.*.right_source",),
            literals=("operations.*.path",),
            per_item=("operations.*.condition", "operations.*.expression"),
        ),
        StepKind(
            "while_loop",
            WhileParams,
            "runs steps as long as",
            bodies=(BodyField("steps", "list"),),
            expressions=("condition",),
            repeats=True,
        ),
        StepKind(
            "pipeline", PipelineParams, "runs a workflow", bodies=(BodyField("pipeline", "workflow", optional=True),)
        ),
        StepKind("claude", ClaudeParams, "asks", queue="calls", references=previous_parts),
        StepKind("gemini", GeminiParams, "asks", queue="calls", references=previous_parts),
        StepKind(
            "robust",
            ClaudeParams,
            "asks again and again",
            queue="calls",
            references=previous_parts,
            retries_itself=True,
        ),
        StepKind("parallel", Tasks, "asks side by side", literals=("parallel_tasks",), derive=tasks_of),
        StepKind("wait", WaitParams, "waits", waits=True),
        StepKind("cancel", CancelParams, "calls off", steps=("steps",)),
    ]
    return {kind.name: kind for kind in described}


Read = Callable[[str], Definition]
Fail = Callable[[str], list[Problem]]


@pytest.fixture
def read(kinds: Mapping[str, StepKind]) -> Read:
    """The definition of a list of steps in YAML, indentation as it comes."""
    return lambda text: load(text, kinds)


@pytest.fixture
def fail(kinds: Mapping[str, StepKind]) -> Fail:
    """The problems of a document that must not load."""

    def problems(text: str) -> list[Problem]:
        with pytest.raises(InvalidDocument) as caught:
            load(text, kinds)
        return caught.value.problems

    return problems
