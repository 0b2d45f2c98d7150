"""Fixtures for the kinds that ask models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.steps.models.stage import Asker, Memory
from workers.contract import StepContext, Workflow


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def asker() -> Asker:
    return Asker()


@pytest.fixture
def document(context: StepContext) -> Callable[..., None]:
    """`document(defaults={…})` sets the fields of the workflow around the step."""

    def set_fields(**fields: Any) -> None:
        context.workflow = Workflow(name="it", fields=fields, melody_id="m1")

    return set_fields


@pytest.fixture
def write(workspace: Path) -> Callable[[str, str], None]:
    """`write("a/b.txt", text)` puts a file into the workspace."""

    def put(path: str, text: str) -> None:
        target = workspace / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    return put
