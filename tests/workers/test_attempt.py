"""One attempt at a task of a published melody: what becomes of what a step does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from apps.accounts.models import User
from apps.accounts.queries import organization_for
from apps.core.tenancy import acting_as
from apps.melodies.services import create_melody
from apps.projects.services import set_secret
from workers import attempt
from workers.outcomes import Outcome

pytestmark = pytest.mark.django_db

SOURCE = b"workflow: {name: any, steps: [{name: step, type: test_echo}]}"

Claim = Callable[..., dict[str, Any]]


@pytest.fixture
def claimed(tmp_path: Path, settings: Settings, alice: User) -> Claim:
    """A task as the ledger hands it over."""
    settings.SYMPHONY_WORKSPACE_DIR = tmp_path / "workspaces"
    settings.SYMPHONY_ARTIFACT_DIR = tmp_path / "artifacts"
    with acting_as(alice.pk):
        organization = organization_for(actor=alice)
        version = create_melody(actor=alice, organization=organization, source=SOURCE, media="yaml")

    def claim(kind: str, params: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return {
            "task": "t1",
            "execution": tmp_path.name,
            "organization": str(organization.pk),
            "version": str(version.pk),
            "root": str(version.pk),
            "melody": str(version.melody_id),
            "name": "step",
            "kind": kind,
            "queue": "steps",
            "phase": 0,
            "attempt": 1,
            "lease": "l1",
            "params": params,
            "condition": None,
            "options": {},
            "bodies": [],
            "reads": None,
            "variables": None,
            "input": {},
            "tasks": 1,
            "shift": 0,
            **fields,
        }

    return claim


def run(task: dict[str, Any]) -> Outcome:
    result = attempt.run(task, threading.Event())
    assert isinstance(result, Outcome)
    return result


@pytest.mark.parametrize("kind", ["simulate", "wait"])
def test_a_step_that_takes_longer_than_its_timeout_fails(claimed: Claim, kind: str) -> None:
    outcome = run(claimed(kind, {"seconds": 30}, options={"timeout_seconds": 0.05}))
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error["code"] == "timeout"


def test_a_step_within_its_timeout_completes(claimed: Claim) -> None:
    task = claimed("simulate", {"seconds": 0, "output": 7}, options={"timeout_seconds": 30})
    assert run(task).output == 7


def test_a_cancelled_step_records_nothing(claimed: Claim) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(attempt.Abandoned):
        attempt.run(claimed("simulate", {"seconds": 30}), cancelled)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "x\\\0"])
def test_a_result_postgresql_cannot_hold_is_refused(claimed: Claim, value: str) -> None:
    outcome = run(claimed("test_echo", {"value": value}))
    assert outcome.error is not None
    assert outcome.error["code"] == "result_not_json"


@pytest.mark.parametrize("value", ["\\u0000", "\U0001f3b5", "a\\\\u0000b"])
def test_harmless_text_is_kept(claimed: Claim, value: str) -> None:
    assert run(claimed("test_echo", {"value": value})).output == value


def test_a_broken_expression_is_the_step_s_failure(claimed: Claim) -> None:
    outcome = run(claimed("test_echo", {"value": "{{pow(10, 1000000)}}"}))
    assert outcome.status == "failed"


def test_a_large_result_goes_to_the_store(claimed: Claim, tmp_path: Path) -> None:
    outcome = run(claimed("test_echo", {"value": "x" * 100_000}))
    assert outcome.status == "completed"
    assert outcome.output is None
    assert outcome.ref is not None
    stored = list((tmp_path / "artifacts").rglob(outcome.ref))
    assert len(stored) == 1


def test_a_secret_that_cannot_be_opened_says_what_to_do(claimed: Claim, settings: Settings, alice: User) -> None:
    settings.SYMPHONY_SECRET_KEYS = [Fernet.generate_key().decode()]
    with acting_as(alice.pk):
        set_secret(actor=alice, organization=organization_for(actor=alice), name="KEY", value="hush")
    settings.SYMPHONY_SECRET_KEYS = [Fernet.generate_key().decode()]
    task = claimed(
        "http", {"url": "http://127.0.0.1:9/", "secret_headers": {"X-Key": "{{secrets.KEY}}"}}, queue="calls"
    )
    outcome = run(task)
    assert outcome.error is not None
    assert outcome.error["code"] == "secret_unreadable"
    assert "store its value anew" in outcome.error["message"]
