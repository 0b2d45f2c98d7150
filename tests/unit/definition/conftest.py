from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from apps.melodies.definition import BodyField, Definition, InvalidDocument, Problem, StepKind, load


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


class TransformParams(_Params):
    operations: list[Operation]


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
            literals=("operations.*.condition",),
        ),
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
