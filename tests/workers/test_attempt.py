"""One attempt, without a database: what becomes of what a step does."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from workers import attempt


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, settings: Settings) -> None:
    settings.SYMPHONY_WORKSPACE_DIR = tmp_path / "workspaces"
    settings.SYMPHONY_ARTIFACT_DIR = tmp_path / "artifacts"


def claimed(kind: str, params: dict[str, Any], *, execution: str = "e1", **fields: Any) -> dict[str, Any]:
    return {
        "task": "t1",
        "execution": execution,
        "organization": "01a1fea0-0000-7000-8000-000000000000",
        "name": "step",
        "kind": kind,
        "phase": 0,
        "attempt": 1,
        "lease": "l1",
        "params": params,
        "condition": None,
        "options": {},
        "bodies": [],
        "reads": None,
        "variables": None,
        "loop": None,
        "frame": None,
        "input": {},
        **fields,
    }


def run(task: dict[str, Any]) -> attempt.Outcome:
    result = attempt.run(task, threading.Event())
    assert isinstance(result, attempt.Outcome)
    return result


@pytest.mark.parametrize("kind", ["simulate", "wait"])
def test_a_step_that_takes_longer_than_its_timeout_fails(tmp_path: Path, kind: str) -> None:
    outcome = run(claimed(kind, {"seconds": 30}, execution=str(tmp_path.name), options={"timeout_seconds": 0.05}))
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error["code"] == "timeout"


def test_a_step_within_its_timeout_completes(tmp_path: Path) -> None:
    task = claimed("simulate", {"seconds": 0, "output": 7}, execution=tmp_path.name, options={"timeout_seconds": 30})
    assert run(task).output == 7


def test_a_cancelled_step_records_nothing(tmp_path: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(attempt.Abandoned):
        attempt.run(claimed("simulate", {"seconds": 30}, execution=tmp_path.name), cancelled)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "x\\\0"])
def test_a_result_postgresql_cannot_hold_is_refused(tmp_path: Path, value: str) -> None:
    outcome = run(claimed("test_echo", {"value": value}, execution=tmp_path.name))
    assert outcome.error is not None
    assert outcome.error["code"] == "result_not_json"


@pytest.mark.parametrize("value", ["\\u0000", "\U0001f3b5", "a\\\\u0000b"])
def test_harmless_text_is_kept(tmp_path: Path, value: str) -> None:
    assert run(claimed("test_echo", {"value": value}, execution=tmp_path.name)).output == value


def test_a_broken_expression_is_the_step_s_failure(tmp_path: Path) -> None:
    outcome = run(claimed("test_echo", {"value": "{{pow(10, 1000000)}}"}, execution=tmp_path.name))
    assert outcome.status == "failed"


def test_a_large_result_goes_to_the_store(tmp_path: Path) -> None:
    outcome = run(claimed("test_echo", {"value": "x" * 100_000}, execution=tmp_path.name))
    assert outcome.status == "completed"
    assert outcome.output is None
    assert outcome.ref is not None
    stored = list((tmp_path / "artifacts").rglob(outcome.ref))
    assert len(stored) == 1
