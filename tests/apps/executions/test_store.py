"""The artifact store with its rows: what is named stays, what is not goes, and what is counted is right."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, connection, connections, transaction
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.models import Organization, User
from apps.core.tenancy import staff, sweeping, working_for
from apps.executions import blobs, ledger
from apps.executions.blobs.envelope import sealed
from apps.executions.models import Artifact, Blob, CachedResult, PitOperation, StoreStatistics
from manage import role_for
from tests.apps.executions.conftest import Player, as_worker
from tests.stored import file_of, forge, store
from tests.wire.s3_service import ACCESS_KEY, SECRET_KEY, S3Service, s3_service

pytestmark = pytest.mark.django_db

API = "/api/v1/"
SCORE = b"dal segno al fine, " * 100
LONG_AGO = datetime.now(UTC) - timedelta(days=400)


@pytest.fixture
def run(alice: User, start: Callable[..., Player]) -> Player:
    player = start(alice)
    player.play(first={"artifacts": [player.artifact("score.txt", SCORE, "text/plain")]})
    return player


def row_of(player: Player, data: bytes) -> Blob:
    with staff():
        return Blob.objects.get(organization_id=player.organization, sha256=blobs.address(data))


def age() -> None:
    """As if everything had been stored long ago."""
    with sweeping():
        Blob.objects.update(touched_at=LONG_AGO)


def manage(*arguments: str) -> str:
    out = StringIO()
    with as_worker():
        call_command("store", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


# -- verify ------------------------------------------------------------------------------------------------------------------
def test_a_whole_store_is_whole(run: Player) -> None:
    assert "is whole: 1 blobs, 1900 bytes read" in manage("verify")
    with staff():
        slug = Organization.objects.get(pk=run.organization).slug
    assert "is whole: 1 blobs, 1900 bytes read" in manage("verify", "--organization", slug)


def test_a_login_that_sees_no_rows_is_refused_instead_of_being_told_that_all_is_whole(run: Player) -> None:
    assert role_for("store") == "worker"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE symphony_web")
        with pytest.raises(CommandError, match="SYMPHONY_ROLE=worker"):
            call_command("store", "verify")


def test_damaged_and_missing_bytes_are_named_and_written_down(run: Player) -> None:
    path = file_of(run.organization, blobs.address(SCORE))
    forge(path, b"da capo")
    with pytest.raises(CommandError, match="1 faults are open"):
        manage("verify")
    path.unlink()
    with pytest.raises(CommandError, match="1 faults are open"):
        manage("verify")
    with staff():
        told = PitOperation.objects.filter(operation_context__found_by="verify").order_by("id")
        assert [operation.operation_context["fault"] for operation in told] == ["blob_damaged", "blob_missing"]
        assert {operation.operation_type for operation in told} == {"artifact_storage"}


def test_repair_sets_damaged_bytes_aside_and_restores_them_from_a_copy(run: Player, tmp_path: Path) -> None:
    backup = (tmp_path / "backup").as_uri()
    manage("copy", "--to", backup)
    path = file_of(run.organization, blobs.address(SCORE))
    forge(path, b"da capo")
    assert "1 faults mended" in manage("verify", "--repair", "--from", backup)
    assert blobs.get(run.organization, blobs.address(SCORE)) == SCORE
    assert path.with_name(f".damaged-{path.name}").read_bytes() == b"da capo"
    assert "is whole" in manage("verify")


def test_bytes_and_names_without_a_row_are_given_one(run: Player) -> None:
    blobs.put(run.organization, b"a stray note")
    with sweeping():
        Blob.objects.all().delete()
    with pytest.raises(CommandError, match="2 faults are open"):
        manage("verify")
    assert "2 faults mended" in manage("verify", "--repair")
    assert row_of(run, SCORE).size == len(SCORE)
    assert row_of(run, b"a stray note").suspect
    assert "is whole: 2 blobs" in manage("verify")


def test_bytes_on_their_way_are_no_fault(run: Player) -> None:
    with working_for(run.organization):
        ledger.touch_blob(run.organization, "0" * 64, size=1, stored_size=1)
    assert "is whole" in manage("verify")


@pytest.mark.parametrize(
    "arguments",
    [("verify", "--at", "ftp://x"), ("copy", "--to", "s3://key:secret@bucket"), ("verify", "--from", "file:///x"),
     ("verify", "--organization", "nobody"), ("copy", "--to", "file:///x", "--threads", "0")],
)  # fmt: skip
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        manage(*arguments)
    assert "secret@" not in str(refused.value)


# -- moving --------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def service(settings: Settings) -> Iterator[S3Service]:
    settings.SYMPHONY_S3_ACCESS_KEY_ID, settings.SYMPHONY_S3_SECRET_ACCESS_KEY = ACCESS_KEY, SECRET_KEY
    settings.SYMPHONY_S3_TIMEOUT_SECONDS, settings.SYMPHONY_S3_ATTEMPTS = 2.0, 2
    with s3_service() as running:
        yield running


def test_a_store_moves_into_a_bucket_and_back(
    run: Player,
    alice: User,
    api_of: Callable[[User], APIClient],
    service: S3Service,
    settings: Settings,
    tmp_path: Path,
) -> None:
    with as_worker():
        store(run.organization, b"more notes")
    manage("copy", "--to", service.url())
    assert len(service.objects) == 2
    asked = sum(method == "PUT" for method, _ in service.asked)
    assert "0 blobs copied" in manage("copy", "--to", service.url()), "what is there already is left alone"
    assert sum(method == "PUT" for method, _ in service.asked) == asked
    settings.SYMPHONY_ARTIFACTS_URL = service.url()
    with staff():
        artifact = Artifact.objects.get()
    answer = api_of(alice).get(f"{API}artifacts/{artifact.pk}/content")
    assert answer.content == SCORE
    assert f"The store at {service.url()} is whole" in manage("verify")
    back = (tmp_path / "back").as_uri()
    assert "2 blobs copied" in manage("copy", "--to", back)
    assert "is whole" in manage("verify", "--at", back)


def test_damaged_bytes_are_not_copied(run: Player, tmp_path: Path) -> None:
    forge(file_of(run.organization, blobs.address(SCORE)), b"da capo")
    with pytest.raises(CommandError, match="1 blobs could not be copied"):
        manage("copy", "--to", (tmp_path / "target").as_uri())
    assert [path for path in (tmp_path / "target").rglob("*") if path.is_file()] == []


def test_a_store_that_cannot_be_reached_is_a_503(
    run: Player, alice: User, api_of: Callable[[User], APIClient], service: S3Service, settings: Settings
) -> None:
    settings.SYMPHONY_ARTIFACTS_URL = service.url().replace(service.endpoint, "http://127.0.0.1:9")
    with staff():
        artifact = Artifact.objects.get()
    answer = api_of(alice).get(f"{API}artifacts/{artifact.pk}/content")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert answer.headers["Retry-After"]


# -- rows ------------------------------------------------------------------------------------------------------------------------
def test_names_make_no_suspect_and_storing_touches(run: Player) -> None:
    age()
    assert ledger_suspects() == [blobs.address(SCORE)]
    with sweeping(), transaction.atomic():
        assert ledger.free_blobs(ledger.suspects(datetime.now(UTC), 10)) == []
    assert not row_of(run, SCORE).suspect
    assert ledger_suspects() == []
    before = row_of(run, SCORE).touched_at
    store(run.organization, SCORE)
    assert row_of(run, SCORE).touched_at == before, "named already: nothing is written"


def ledger_suspects() -> list[str]:
    with sweeping(), transaction.atomic():
        return list(Blob.objects.filter(pk__in=ledger.suspects(datetime.now(UTC), 10)).values_list("sha256", flat=True))


def test_kept_results_that_go_make_their_bytes_suspects(run: Player) -> None:
    sha256 = store(run.organization, b"a kept result")
    with working_for(run.organization):
        CachedResult.objects.create(
            organization_id=UUID(run.organization),
            key="k",
            output_ref=sha256,
            task_id=run.execution.pk,
            expires_at=LONG_AGO,
        )
        Blob.objects.update(suspect=False)
    with sweeping():
        assert ledger.forget_results(10) == 1
    assert row_of(run, b"a kept result").suspect
    assert not row_of(run, SCORE).suspect


def test_a_kept_result_that_is_replaced_makes_its_old_bytes_suspects(run: Player) -> None:
    sha256 = store(run.organization, b"a kept result")
    with working_for(run.organization):
        kept = CachedResult.objects.create(
            organization_id=UUID(run.organization), key="k", output_ref=sha256, task_id=run.execution.pk
        )
        Blob.objects.update(suspect=False)
        kept.output_ref = None
        kept.save()
    assert row_of(run, b"a kept result").suspect


@pytest.mark.django_db(transaction=True)
def test_bytes_that_are_being_named_are_not_freed(alice: User, start: Callable[..., Player]) -> None:
    """The name is not committed yet, and already counts: the row is locked by whoever names it."""
    player = start(alice)
    sha256 = store(player.organization, b"about to be named")
    age()
    artifact = player.artifact("note", b"about to be named", "text/plain")
    claimed = player.claim(player.task_ids("dispatched")[0])
    freed: list[Any] = []

    def free() -> None:
        try:
            with sweeping(), transaction.atomic():
                freed.extend(ledger.free_blobs(ledger.suspects(datetime.now(UTC), 10)))
        finally:
            connections.close_all()

    with transaction.atomic():
        player.finish(claimed, artifacts=[artifact])
        thread = threading.Thread(target=free)
        thread.start()
        thread.join(30)
    assert freed == []
    free()
    assert freed == []
    assert blobs.get(player.organization, sha256) == b"about to be named"


@pytest.mark.django_db(transaction=True)
def test_who_names_bytes_that_are_being_freed_is_refused(alice: User, start: Callable[..., Player]) -> None:
    """That takes a writer that rested for a whole grace period between storing and naming; it does not get a name."""
    player = start(alice)
    store(player.organization, b"too late")
    age()
    artifact = player.artifact("note", b"too late", "text/plain")
    claimed = player.claim(player.task_ids("dispatched")[0])
    refusals: list[str] = []

    def name() -> None:
        try:
            player.finish(claimed, artifacts=[artifact])
        except DataError as refusal:
            refusals.append(type(refusal).__name__)
        finally:
            connections.close_all()

    with sweeping(), transaction.atomic():
        assert len(ledger.free_blobs(ledger.suspects(datetime.now(UTC), 10))) == 1
        thread = threading.Thread(target=name)
        thread.start()
        wait_for_lock()
    thread.join(30)
    assert refusals == ["DataError"]
    with staff():
        assert not Artifact.objects.exists()


def wait_for_lock() -> None:
    """Until another connection waits for what this transaction holds."""
    end = datetime.now(UTC) + timedelta(seconds=20)
    with connection.cursor() as cursor:
        while datetime.now(UTC) < end:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


# -- counting ----------------------------------------------------------------------------------------------------------------------
def test_what_is_stored_is_counted(run: Player, alice: User, api_of: Callable[[User], APIClient]) -> None:
    address = f"{API}organizations/{run.organization}/storage/"
    assert api_of(alice).get(address).json()["refreshed_at"] is None
    again = Artifact(
        organization_id=UUID(run.organization), execution=run.execution, task_id=run.execution.pk,
        melody_id=run.execution.melody_id, name="copy", content_hash=blobs.address(SCORE), size=len(SCORE),
    )  # fmt: skip
    with as_worker():
        store(run.organization, b"noise")
        with sweeping():
            again.save(force_insert=True)
            assert ledger.count_stores(10, 60.0) == 1
            assert ledger.count_stores(10, 60.0) == 0, "not again within a minute"
    found = api_of(alice).get(address).json()
    assert found | {"refreshed_at": None} == {
        "artifacts": 2, "artifact_bytes": 3800, "results": 0, "result_bytes": 0, "named_bytes": 3800, "blobs": 2,
        "unique_bytes": 1905, "stored_bytes": 5 + len(sealed(SCORE, "zstd")), "hit_rate": 0.0, "refreshed_at": None,
    }  # fmt: skip


def test_strangers_learn_nothing_of_it(
    run: Player, bob: User, api_of: Callable[[User], APIClient], django_assert_max_num_queries: Any
) -> None:
    with staff():
        artifact = Artifact.objects.get()
    for path in (
        f"organizations/{run.organization}/storage/",
        f"artifacts/{artifact.pk}/lineage/",
        f"artifacts/{artifact.pk}/provenance/",
    ):
        assert api_of(bob).get(f"{API}{path}").status_code == 404


def test_organizations_are_counted_apart(run: Player, bob: User, start: Callable[..., Player]) -> None:
    other = start(bob)
    store(other.organization, b"his")
    store(run.organization, b"hers!")
    with sweeping():
        assert ledger.count_stores(10, 60.0) == 2
    with staff():
        found = dict(StoreStatistics.objects.values_list("organization_id", "unique_bytes"))
    assert found == {UUID(other.organization): 3, UUID(run.organization): 5 + len(SCORE)}
