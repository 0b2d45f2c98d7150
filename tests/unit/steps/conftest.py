"""Running a step kind the way the engine does: render, validate, run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workers.steps  # registers the kinds
from apps.melodies.definition.expressions import Scope
from workers.contract import StepContext, runnable
from workers.steps.rendering import prepare

assert workers.steps.__all__

RunStep = Callable[..., Any]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def context(workspace: Path) -> StepContext:
    return StepContext(
        name="it", execution_id="e1", task_id="t1", attempt=1, scope=Scope(), workspace=workspace, readable_roots=()
    )


@pytest.fixture
def run(context: StepContext) -> RunStep:
    """`run("kind", field=…)` gives the result; what the step left behind is in the `context` fixture."""

    def call(kind: str, /, **params: Any) -> Any:
        found = runnable(kind)
        return found.run(prepare(found.kind, params, context.scope), context)

    return call
