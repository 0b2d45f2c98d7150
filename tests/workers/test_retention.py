"""Runs that are older than their organization keeps them, room for bytes, and runs at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.accounts.models import Organization, User
from apps.accounts.queries import organization_for
from apps.accounts.services import create_user
from apps.billing.entitlements import TIERS
from apps.billing.errors import QuotaExceeded
from apps.core.tenancy import acting_as, staff, sweeping, working_for
from apps.executions import blobs, services
from apps.executions.models import Artifact, Blob, Execution, MelodyStatistics
from apps.melodies.models import MelodyVersion
from apps.melodies.services import create_melody
from tests.stored import file_of, store
from tests.workers.test_ledger import begin, claim, finish
from workers import workspaces
from workers.contract import StepFailed
from workers.pit import chores, retention, room
from workers.pit.chores import CHORES, Chores

LONG_AGO = datetime.now(UTC) - timedelta(days=400)
OF_A_RUN = (
    "task", "event", "artifact", "signal", "decision", "variable", "stripe", "expansion", "frame", "pitoperation",
)  # fmt: skip


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    room._unlimited.clear()
    yield
    room._unlimited.clear()


@pytest.fixture
def limited(settings: Settings, acting: User) -> None:
    settings.SYMPHONY_DEFAULT_TIER = "free"
    with staff():
        Organization.objects.update(subscription_tier="free")


def echo(name: str) -> dict[str, Any]:
    return {"name": name, "type": "test_echo"}


def play(actor: User, data: bytes, *, ended: datetime | None = None) -> Execution:
    """A run that left an artifact, and ended at that time if one is given."""
    execution, (first,) = begin(actor, {"workflow": {"name": "piece", "steps": [echo("a")]}})
    claimed = claim(first)
    assert claimed is not None
    sha256 = store(execution.organization_id, data)
    artifact = {"id": str(uuid4()), "name": "score", "artifact_type": "text", "content_type": "text/plain",
                "sha256": sha256, "size": len(data)}  # fmt: skip
    finish(claimed, artifacts=[artifact])
    (workspaces.of(str(execution.pk)) / "score").write_bytes(data)
    if ended is not None:
        age(execution, ended)
    return execution


def age(execution: Execution, ended: datetime) -> None:
    """As if it had been created and had ended then: its id says when, so it is made anew under another."""
    old = UUID(int=int(ended.timestamp() * 1000) << 80 | execution.pk.int & ((1 << 80) - 1) & ~0xFFFFFFFF)
    with staff(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(
            "UPDATE executions_execution SET id = %s, created_at = %s, completed_at = %s WHERE id = %s",
            [old, ended, ended, execution.pk],
        )
        cursor.execute(
            "UPDATE executions_task SET id = ledger_task_id(%s, seq), execution_id = %s WHERE execution_id = %s",
            [old, old, execution.pk],
        )
        for table in OF_A_RUN[1:]:
            cursor.execute(
                f"UPDATE executions_{table} SET execution_id = %s WHERE execution_id = %s", [old, execution.pk]
            )
    workspaces.of(str(execution.pk)).rename(workspaces.of(str(execution.pk)).with_name(str(old)))
    execution.pk = old


def rest(execution: Execution, data: bytes) -> Path:
    """As if these bytes had been stored, or had lost a name, long ago."""
    with sweeping():
        touched = Blob.objects.filter(organization_id=execution.organization_id, sha256=blobs.address(data))
        assert touched.update(touched_at=LONG_AGO) == 1
    return file_of(execution.organization_id, blobs.address(data))


def left_of(execution: Execution) -> dict[str, int]:
    with staff(), connection.cursor() as cursor:
        counts = {}
        for table in OF_A_RUN:
            cursor.execute(f"SELECT count(*) FROM executions_{table} WHERE execution_id = %s", [execution.pk])
            counts[table] = cursor.fetchone()[0]
    return counts


@pytest.mark.django_db
def test_what_is_too_old_goes_with_all_it_left(acting: User, limited: None) -> None:
    old = play(acting, b"old", ended=LONG_AGO)
    new = play(acting, b"new")
    path = rest(old, b"old")
    assert left_of(old)["task"] > 0
    assert retention.forget_expired() == 1
    assert set(left_of(old).values()) == {0}
    assert retention.free_unnamed() == 0, "whoever copied the name in this moment has not committed it yet"
    rest(old, b"old")
    rest(new, b"new")
    assert retention.free_unnamed() == 1
    assert not path.exists()
    assert not (workspaces.of(str(new.pk)).parent / str(old.pk)).exists()
    assert [run.pk for run in Execution.objects.all()] == [new.pk]
    assert blobs.get(str(new.organization_id), blobs.address(b"new")) == b"new"
    assert retention.forget_expired() == 0


@pytest.mark.django_db
def test_the_statistics_of_a_melody_count_what_is_kept(acting: User, limited: None) -> None:
    execution = play(acting, b"old notes", ended=LONG_AGO)
    chores.refresh_statistics()
    counted = MelodyStatistics.objects.filter(melody_id=execution.melody_id)
    assert counted.get().executions == 1
    with sweeping():
        counted.update(stale=False, refreshed_at=LONG_AGO)
    assert retention.forget_expired() == 1
    chores.refresh_statistics()
    assert counted.get().executions == 0


@pytest.mark.django_db
def test_who_keeps_runs_for_ever_keeps_them(acting: User) -> None:
    old = play(acting, b"old", ended=LONG_AGO)
    assert retention.forget_expired() == 0
    assert left_of(old)["artifact"] == 1


@pytest.mark.django_db
def test_a_run_that_goes_on_is_kept_whatever_its_age(acting: User, limited: None) -> None:
    execution, _ = begin(acting, {"workflow": {"name": "piece", "steps": [echo("a")]}})
    with staff():
        Execution.objects.update(created_at=LONG_AGO)
    assert retention.forget_expired() == 0
    assert Execution.objects.filter(pk=execution.pk).exists()


@pytest.mark.django_db
def test_bytes_another_run_names_or_that_were_just_stored_stay(acting: User, limited: None) -> None:
    play(acting, b"shared", ended=LONG_AGO)
    other = play(acting, b"shared")
    fresh = play(acting, b"fresh", ended=LONG_AGO)
    assert retention.forget_expired() == 2
    rest(other, b"shared")
    assert retention.free_unnamed() == 0
    assert blobs.get(str(other.organization_id), blobs.address(b"shared")) == b"shared"
    assert blobs.get(str(fresh.organization_id), blobs.address(b"fresh")) == b"fresh"
    with staff():
        assert Artifact.objects.count() == 1
        assert Blob.objects.count() == 2


# -- room -----------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_bytes_beyond_the_room_there_is_are_refused(acting: User, limited: None) -> None:
    organization = str(organization_for(actor=acting).pk)
    most = TIERS["free"].storage_bytes
    assert most is not None
    room.store(organization, b"a little")
    with working_for(organization):
        Blob.objects.create(organization_id=UUID(organization), sha256="0" * 64, size=most - 10)
    with pytest.raises(StepFailed, match="storage") as refused:
        room.store(organization, b"much more")
    assert (refused.value.code, refused.value.final) == ("quota_exceeded", True)
    kept, new = room.store(organization, b"a little")
    assert (kept.sha256, new) == (blobs.address(b"a little"), False), "it takes no more room"
    with working_for(organization):
        assert Blob.objects.count() == 2, "what was refused is not counted"


@pytest.mark.django_db
def test_who_has_no_limit_is_asked_once(acting: User) -> None:
    organization = str(organization_for(actor=acting).pk)
    room.store(organization, b"first")
    with CaptureQueriesContext(connection) as asked:
        room.store(organization, b"second")
    told = [query["sql"] for query in asked if "set_config" not in query["sql"] and "SAVEPOINT" not in query["sql"]]
    assert len(told) == 1, "that the bytes are about to be there, nothing else"


@pytest.mark.django_db
def test_a_store_that_cannot_be_reached_is_worth_another_attempt(acting: User, settings: Settings) -> None:
    organization = str(organization_for(actor=acting).pk)
    settings.SYMPHONY_ARTIFACTS_URL = "s3://some-bucket?endpoint=http://127.0.0.1:9&region=eu-central-1&style=path"
    settings.SYMPHONY_S3_ACCESS_KEY_ID = settings.SYMPHONY_S3_SECRET_ACCESS_KEY = "not-a-secret"
    settings.SYMPHONY_S3_TIMEOUT_SECONDS, settings.SYMPHONY_S3_ATTEMPTS = 0.2, 1
    with pytest.raises(StepFailed, match="nobody answers") as failed:
        room.store(organization, b"data")
    assert (failed.value.code, failed.value.transient) == ("store_unavailable", True)
    with working_for(organization):
        Blob.objects.update(touched_at=LONG_AGO)
    settings.SYMPHONY_ARTIFACTS_URL = None
    assert retention.free_unnamed() == 1, "a row whose bytes never came goes as well"


# -- runs at once -----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_of_many_that_start_at_once_only_so_many_do(settings: Settings, transactional_db: None) -> None:
    settings.SYMPHONY_DEFAULT_TIER = "free"
    most = TIERS["free"].concurrent_executions
    assert most is not None
    user = create_user(email="crowd@example.org", password=None)
    version = _published(user)
    outcomes: list[str] = []
    barrier = threading.Barrier(most + 3)

    def start() -> None:
        try:
            barrier.wait(timeout=30)
            with acting_as(user.pk):
                services.start_execution(actor=user, melody=version.melody)
            outcomes.append("started")
        except QuotaExceeded:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=start) for _ in range(most + 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["refused"] * 3 + ["started"] * most
    with staff():
        assert Execution.objects.count() == most


def _published(user: User) -> MelodyVersion:
    with acting_as(user.pk):
        organization = organization_for(actor=user)
        return create_melody(
            actor=user,
            organization=organization,
            source="workflow: {name: piece, steps: [{name: a, type: test_echo}]}",
            media="yaml",
        )


# -- the sweep ----------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("chore", [chore for _, chore in CHORES], ids=lambda chore: chore.__name__)
def test_the_sweep_may_do_what_it_has_to(worker_role: None, chore: Callable[[], object]) -> None:
    chore()


def test_one_chore_that_fails_keeps_no_other_from_its_turn(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def broken() -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(chores, "CHORES", ((1000.0, broken), (1000.0, lambda: done.append(1))))
    turns = Chores()
    turns.do_due()
    turns.do_due()
    assert done == [1], "once, for it is not due again"
    assert caplog.text.count("the disk is full") == 1
