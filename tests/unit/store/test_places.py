"""Both places for bytes keep the same promises."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import random
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.executions.blobs.addresses import Key, address
from apps.executions.blobs.disk import Disk
from apps.executions.blobs.envelope import sealed
from apps.executions.blobs.locations import S3Location, parse
from apps.executions.blobs.port import Backend
from apps.executions.blobs.reading import verified
from apps.executions.blobs.s3 import PART, S3, Credentials
from apps.executions.errors import BlobDamaged, BlobMissing, StoreUnavailable
from tests.wire.s3_service import ACCESS_KEY, SECRET_KEY, Fault, S3Service, s3_service

ORGANIZATION, ELSEWHERE = str(uuid4()), str(uuid4())
LARGE = random.Random(3).randbytes(PART * 2 + 1000)


@pytest.fixture(scope="module")
def running() -> Iterator[S3Service]:
    with s3_service() as service:
        yield service


@pytest.fixture
def service(running: S3Service) -> S3Service:
    running.objects.clear()
    running.uploads.clear()
    running.asked.clear()
    running.faults.clear()
    running.conditions, running.page = True, 1000
    return running


def bucket(service: S3Service, *, timeout: float = 0.4, attempts: int = 3, prefix: str = "bytes") -> S3:
    location = parse(service.url(prefix))
    assert isinstance(location, S3Location)
    return S3(location, Credentials(ACCESS_KEY, SECRET_KEY), timeout=timeout, attempts=attempts)


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    if request.param == "disk":
        return Disk(tmp_path / "artifacts")
    return bucket(request.getfixturevalue("service"))


def key_of(data: bytes, organization: str = ORGANIZATION) -> Key:
    return Key(organization, address(data))


def put(place: Backend, data: bytes, organization: str = ORGANIZATION) -> bool:
    body = sealed(data, "zstd")
    return place.put(key_of(data, organization), io.BytesIO(body), len(body))


def read(place: Backend, data: bytes, organization: str = ORGANIZATION) -> bytes:
    key = key_of(data, organization)
    return b"".join(verified(key, place.get(key)))


# -- both ------------------------------------------------------------------------------------------------------------------
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=3000) | st.binary(max_size=10).map(lambda data: data * 1000))
def test_bytes_come_back(place: Backend, data: bytes) -> None:
    put(place, data)
    assert read(place, data) == data
    assert put(place, data) is False


def test_what_is_not_there_is_missing_for_everybody(place: Backend) -> None:
    key = key_of(b"nothing")
    with pytest.raises(BlobMissing):
        place.get(key)
    assert place.stat(key) is None
    place.discard([key])
    place.set_aside(key)


def test_organizations_share_nothing(place: Backend) -> None:
    put(place, b"ours")
    with pytest.raises(BlobMissing):
        read(place, b"ours", ELSEWHERE)
    assert put(place, b"ours", ELSEWHERE) is True
    place.discard([key_of(b"ours")])
    assert read(place, b"ours", ELSEWHERE) == b"ours"


def test_a_listing_names_what_is_stored(place: Backend) -> None:
    for number in range(5):
        put(place, b"%d" % number)
    put(place, b"other", ELSEWHERE)
    found = {stored.key: stored.size for stored in place.listing(ORGANIZATION)}
    assert found == {key_of(b"%d" % number): 1 for number in range(5)}
    assert len(list(place.listing())) == 6
    listed = next(iter(place.listing(ELSEWHERE)))
    known = place.stat(listed.key)
    assert known is not None
    assert abs((listed.modified_at - known.modified_at).total_seconds()) < 1
    place.discard([stored.key for stored in place.listing()])
    assert list(place.listing()) == []


def test_damaged_bytes_are_set_aside_and_can_come_again(place: Backend) -> None:
    put(place, b"whole")
    place.set_aside(key_of(b"whole"))
    assert list(place.listing()) == []
    assert put(place, b"whole") is True
    assert read(place, b"whole") == b"whole"


def test_many_who_store_the_same_at_once_store_it_once(place: Backend) -> None:
    data = b"the same" * 1000
    barrier = threading.Barrier(8)
    said: list[bool] = []

    def store() -> None:
        barrier.wait(10)
        said.append(put(place, data))

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(said) == 8
    assert any(said)
    assert [stored.key for stored in place.listing()] == [key_of(data)]
    assert read(place, data) == data


def test_fewer_bytes_than_were_promised_are_not_stored(place: Backend) -> None:
    with pytest.raises(StoreUnavailable, match="were to be stored"):
        place.put(key_of(b"short"), io.BytesIO(b"short"), 6)
    assert place.stat(key_of(b"short")) is None


def test_large_ones_go_in_parts(place: Backend, request: pytest.FixtureRequest) -> None:
    assert put(place, LARGE) is True
    assert put(place, LARGE) is False
    assert read(place, LARGE) == LARGE
    if isinstance(place, S3):
        asked = request.getfixturevalue("service").asked
        assert sum("partNumber" in path for _, path in asked) == 3


# -- disk ------------------------------------------------------------------------------------------------------------------
def test_files_cannot_be_written_to(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "artifacts")
    put(disk, b"data")
    path = disk.path(key_of(b"data"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o007 == 0
    assert path == tmp_path / "artifacts" / ORGANIZATION / path.name[:2] / path.name[2:4] / address(b"data")


def _die_while_storing(folder: Path, step: str) -> None:
    """Killed at a step of the way, as by SIGKILL."""

    class Body(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if step == "reading" and self.tell():
                os._exit(9)
            return super().read(1000)

    if step in ("fsync", "rename"):
        name = {"fsync": "fsync", "rename": "rename"}[step]
        setattr(os if step == "fsync" else Path, name, lambda *_: os._exit(9))
    data = b"never whole" * 1000
    Disk(folder).put(key_of(data), Body(data), len(data))
    os._exit(0)


@pytest.mark.parametrize("step", ["reading", "fsync", "rename"])
def test_a_killed_writer_leaves_no_name_without_bytes(tmp_path: Path, step: str) -> None:
    Disk(tmp_path).path(key_of(b"never whole" * 1000)).parent.mkdir(parents=True)
    process = multiprocessing.get_context("fork").Process(target=_die_while_storing, args=(tmp_path, step))
    process.start()
    process.join(20)
    disk = Disk(tmp_path)
    for stored in disk.listing():
        assert b"".join(verified(stored.key, disk.get(stored.key)))
    data = b"never whole" * 1000
    assert process.exitcode == 9
    assert disk.stat(key_of(data)) is None
    assert list(disk.leftovers(datetime.now(UTC) - timedelta(days=1))) == [], "it may be at work still"
    assert len(list(disk.leftovers(datetime.now(UTC) + timedelta(days=1)))) == 1
    assert put(disk, data) is True
    assert read(disk, data) == data


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    full = Path("/dev/full")

    class Full(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            with full.open("wb", buffering=0) as file:
                file.write(b"x")
            return b""

    disk = Disk(tmp_path)
    with pytest.raises(StoreUnavailable, match="make room"):
        disk.put(key_of(b"x"), Full(), 1)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# -- S3 --------------------------------------------------------------------------------------------------------------------
def test_prefixes_keep_stores_in_one_bucket_apart(service: S3Service) -> None:
    one, other = bucket(service, prefix="one"), bucket(service, prefix="other/deep")
    put(one, b"data")
    assert list(service.objects) == [f"one/{key_of(b'data').path}"]
    assert list(other.listing()) == []
    service.page = 2
    for number in range(5):
        put(other, b"%d" % number)
    assert len(list(other.listing())) == 5


def test_nothing_is_overwritten(service: S3Service) -> None:
    place = bucket(service)
    put(place, b"data")
    first = next(iter(service.objects.values()))
    assert put(place, b"data") is False
    assert next(iter(service.objects.values())) is first


def test_a_service_without_conditions_is_asked_before(service: S3Service) -> None:
    service.conditions = False
    place = bucket(service)
    assert [put(place, b"data"), put(place, b"data")] == [True, False]
    assert [put(place, LARGE), put(place, LARGE)] == [True, False]
    assert read(place, LARGE) == LARGE


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503, code="SlowDown"),
        Fault(status=500, code="InternalError"),
        Fault(status=400, code="BadDigest"),
        Fault(status=409, code="ConditionalRequestConflict"),
        Fault(hangs=True),
        Fault(hangs=True, after=True),
    ],
    ids=["503", "500", "wrong checksum", "conflict", "slow", "answer lost"],
)
def test_a_put_that_fails_once_is_tried_again(service: S3Service, fault: Fault) -> None:
    place = bucket(service)
    service.fail("PUT", fault)
    put(place, b"data")
    assert read(place, b"data") == b"data"
    assert sum(method == "PUT" for method, _ in service.asked) == 2


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(status=503, code="SlowDown"), "overloaded"),
        (Fault(status=400, code="BadDigest"), "BadDigest"),
        (Fault(hangs=True), "too slow"),
        (Fault(status=403, code="AccessDenied"), "do not allow"),
        (Fault(status=403, code="SignatureDoesNotMatch"), "secret key is wrong"),
    ],
)
def test_a_put_that_fails_always_ends_in_a_clear_error(service: S3Service, fault: Fault, message: str) -> None:
    service.fail("PUT", *[fault] * 10)
    with pytest.raises(StoreUnavailable, match=message) as refused:
        put(bucket(service, timeout=0.15, attempts=2), b"data")
    assert SECRET_KEY not in str(refused.value)
    assert ACCESS_KEY not in str(refused.value)
    assert service.objects == {}


def test_a_body_that_breaks_off_is_read_on_from_there(service: S3Service) -> None:
    place = bucket(service)
    data = random.Random(5).randbytes(900_000)
    put(place, data)
    service.fail("GET", Fault(cut=100_000), Fault(cut=300_000), Fault(status=503, code="SlowDown"))
    assert read(place, data) == data


def test_a_body_that_always_breaks_off_is_an_error(service: S3Service) -> None:
    place = bucket(service, attempts=2)
    data = random.Random(6).randbytes(1000)
    put(place, data)
    service.fail("GET", Fault(cut=100), *[Fault(cut=0)] * 10)
    with pytest.raises(StoreUnavailable, match=r"breaks off|IncompleteRead|ResponseStreaming"):
        read(place, data)


def test_another_body_is_damage(service: S3Service) -> None:
    place = bucket(service)
    put(place, b"data")
    service.fail("GET", Fault(flipped=True))
    with pytest.raises(BlobDamaged):
        read(place, b"data")


def test_parts_that_fail_leave_nothing_behind(service: S3Service) -> None:
    place = bucket(service, attempts=1)
    service.fail("PUT", *[Fault(status=503, code="SlowDown")] * 10)
    with pytest.raises(StoreUnavailable):
        put(place, LARGE)
    assert (service.objects, service.uploads) == ({}, {})


def test_uploads_nobody_completed_are_cleared_away(service: S3Service) -> None:
    place = bucket(service, attempts=1)
    service.fail("PUT", *[Fault(status=503, code="SlowDown")] * 10)
    service.fail("DELETE", *[Fault(status=503, code="SlowDown")] * 10)
    with pytest.raises(StoreUnavailable):
        put(place, LARGE)
    service.fail("DELETE")
    assert len(service.uploads) == 1
    assert list(place.leftovers(datetime.now(UTC) - timedelta(days=1))) == []
    assert len(list(place.leftovers(datetime.now(UTC) + timedelta(days=1)))) == 1
    assert service.uploads == {}


def test_nobody_at_the_endpoint_is_told_in_time(unused_port: int) -> None:
    location = S3Location("some-bucket", "", f"http://127.0.0.1:{unused_port}", "eu-central-1", "path")
    with pytest.raises(StoreUnavailable, match="nobody answers"):
        put(S3(location, Credentials(ACCESS_KEY, SECRET_KEY), timeout=0.2, attempts=2), b"data")


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_wrong_keys_and_buckets_are_told_apart(service: S3Service) -> None:
    location = parse(service.url())
    assert isinstance(location, S3Location)
    with pytest.raises(StoreUnavailable, match="does not know the access key"):
        put(S3(location, Credentials("AKIDWRONG", "x"), timeout=1, attempts=1), b"data")
    other = S3Location("another-bucket", "", location.endpoint, location.region, "path")
    with pytest.raises(StoreUnavailable, match="no such bucket"):
        put(S3(other, Credentials(ACCESS_KEY, SECRET_KEY), timeout=1, attempts=1), b"data")


def test_credentials_come_from_the_environment_too(service: S3Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    location = parse(service.url())
    assert isinstance(location, S3Location)
    put(S3(location, Credentials(), timeout=1, attempts=1), b"data")
    assert len(service.objects) == 1


def test_no_secret_is_told(service: S3Service, caplog: pytest.LogCaptureFixture) -> None:
    place = bucket(service, attempts=1)
    caplog.set_level(logging.INFO)
    service.fail("GET", *[Fault(status=503, code="SlowDown")] * 10)
    with pytest.raises(StoreUnavailable) as refused:
        read(place, b"data")
    texts: list[str] = [
        repr(place),
        place.url,
        repr(Credentials(ACCESS_KEY, SECRET_KEY)),
        str(refused.value),
        caplog.text,
    ]
    for text in texts:
        assert SECRET_KEY not in text


def test_a_forked_process_has_connections_of_its_own(service: S3Service) -> None:
    place = bucket(service)
    put(place, b"before")
    clients: Callable[[], object] = place._client
    mine = clients()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"own" if clients() is not mine else b"shared")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) == b"own"
    assert clients() is mine
