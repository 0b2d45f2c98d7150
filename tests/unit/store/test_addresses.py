"""Addresses, paths and the form in which bytes are stored."""

from __future__ import annotations

import hashlib
import io
import random
import tracemalloc
from pathlib import Path
from uuid import uuid4

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.executions.blobs.addresses import Key, address
from apps.executions.blobs.envelope import CHUNK, MARK, opened, sealed
from apps.executions.blobs.locations import DiskLocation, LocationError, S3Location, parse
from apps.executions.blobs.reading import verified
from apps.executions.errors import BlobDamaged, BlobMissing

ORGANIZATION = str(uuid4())
COMPRESSIONS = st.sampled_from(["zstd", "none"])
TEXT = b"All the world's a stage, and all the men and women merely players. " * 200
CONTENTS = st.one_of(
    st.binary(max_size=2000),
    st.binary(max_size=40).map(lambda data: MARK + data),
    st.binary(min_size=1, max_size=8).map(lambda data: data * 4000),
)


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


@given(CONTENTS, COMPRESSIONS, st.integers(1, 5000))
def test_what_is_stored_opens_to_what_was_given(data: bytes, compression: str, size: int) -> None:
    stored = sealed(data, compression)  # type: ignore[arg-type]
    assert b"".join(opened(pieces(stored, size))) == data
    key = Key(ORGANIZATION, address(data))
    assert b"".join(verified(key, pieces(stored, size))) == data


@given(CONTENTS, COMPRESSIONS, st.data())
def test_no_change_of_what_is_stored_is_ever_served_whole(data: bytes, compression: str, draw: st.DataObject) -> None:
    stored = sealed(data, compression)  # type: ignore[arg-type]
    changed = bytearray(stored)
    if draw.draw(st.booleans()) and changed:
        changed[draw.draw(st.integers(0, len(changed) - 1))] ^= draw.draw(st.integers(1, 255))
    else:
        del changed[draw.draw(st.integers(0, len(changed))) :]
    served = b""
    try:
        for piece in verified(Key(ORGANIZATION, address(data)), pieces(bytes(changed), 100)):
            served += piece
    except BlobDamaged:
        assert len(served) < len(data) or served != data
    else:
        assert served == data, "only a change that changes nothing passes"


def test_text_shrinks_and_noise_stays_as_it_is() -> None:
    assert len(sealed(TEXT, "zstd")) < len(TEXT) / 20
    assert sealed(TEXT, "none") == TEXT
    assert sealed(noise(100_000), "zstd") == noise(100_000)
    assert sealed(b"short", "zstd") == b"short"


def test_any_tool_reads_what_is_stored() -> None:
    """The mark is a frame that the format skips: `zstd -d` needs to know nothing of it."""
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(sealed(TEXT, "zstd")), read_across_frames=True)
    assert reader.read() == TEXT


def test_a_large_content_is_opened_in_little_memory() -> None:
    stored = sealed(b"\0" * (64 << 20), "zstd")
    assert len(stored) < 10_000
    tracemalloc.start()
    digest = hashlib.sha256()
    for piece in opened([stored]):
        assert len(piece) <= CHUNK
        digest.update(piece)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert digest.hexdigest() == address(b"\0" * (64 << 20))
    assert most < 4 << 20


def test_more_than_the_header_says_is_damage() -> None:
    stored = sealed(TEXT, "zstd")
    lying = MARK + (len(TEXT) - 1).to_bytes(8, "little") + stored[len(MARK) + 8 :]
    with pytest.raises(BlobDamaged, match="another size"):
        b"".join(opened([lying]))


@settings(max_examples=40)
@given(st.text(max_size=80), st.text(max_size=80))
def test_only_addresses_become_paths(organization: str, sha256: str) -> None:
    with pytest.raises(BlobMissing):
        Key(organization, sha256)
    with pytest.raises(BlobMissing):
        Key(ORGANIZATION, sha256)
    with pytest.raises(BlobMissing):
        Key(organization, address(b""))


@pytest.mark.parametrize(
    "hostile",
    [
        "../../etc/passwd",
        "a" * 63 + "/",
        "A" * 64,
        "a" * 64 + "\n",
        "\0" * 64,
        "ａ" * 64,
        "",
        "." * 64,
        "%2e" * 21 + "a",
    ],
)
def test_hostile_names_are_no_addresses(hostile: str) -> None:
    with pytest.raises(BlobMissing):
        Key(ORGANIZATION, hostile)
    with pytest.raises(BlobMissing):
        Key(hostile, "a" * 64)
    assert Key.of_path(f"{ORGANIZATION}/aa/aa/{hostile}") is None


@given(st.uuids(), st.binary(max_size=20))
def test_a_path_leads_back_to_its_key(organization: object, data: bytes) -> None:
    key = Key(str(organization), address(data))
    assert Key.of_path(key.path) == key
    assert Key.of_path(f"x/{key.path}") is None
    assert Key.of_path(key.path + "/") is None


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("file:///var/lib/symphony/art%20ifacts", DiskLocation(Path("/var/lib/symphony/art ifacts"))),
        ("s3://my-bucket", S3Location("my-bucket")),
        ("s3://my-bucket/a/b/", S3Location("my-bucket", "a/b")),
        (
            "s3://my-bucket/a?endpoint=http://127.0.0.1:9000/&region=eu-central-1&style=path",
            S3Location("my-bucket", "a", "http://127.0.0.1:9000", "eu-central-1", "path"),
        ),
    ],
)
def test_places_have_addresses(url: str, location: object) -> None:
    found = parse(url)
    assert found == location
    assert parse(found.url) == found


@pytest.mark.parametrize(
    "url",
    [
        "", "artifacts", "http://x/y", "file://host/folder", "file:///a/../b", "file:///a%00b", "s3://", "s3:///a", "s3://UPPER",
        "s3://ab", "s3://key:secret@bucket", "s3://bucket/a//b", "s3://bucket/../x", "s3://bucket/a b", "s3://bucket?x=1",
        "s3://bucket?style=odd", "s3://bucket?style=path&style=auto", "s3://bucket?endpoint=ftp://x", "s3://bucket#x",
        "s3://bucket?endpoint=http://u:p@x", "s3://bucket?endpoint=http://x/path", "s3://bucket?region=A%20B", "s3://[",
        "s3://bucket?endpoint=http://x:99999",
    ],
)  # fmt: skip
def test_what_is_no_place_is_said_so_without_repeating_it(url: str) -> None:
    with pytest.raises(LocationError) as refused:
        parse(url)
    assert "secret@" not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_a_clear_error(text: str) -> None:
    for url in (text, f"s3://{text}", f"s3://bucket/{text}", f"s3://bucket?endpoint={text}", f"file://{text}"):
        try:
            location = parse(url)
        except LocationError:
            continue
        assert parse(location.url) == location
