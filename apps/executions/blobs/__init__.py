"""Content-addressed bytes: `<organization>/ab/cd/<sha256>`, on a disk or in a bucket, compressed where that helps.

An address is the SHA-256 of the bytes as they were given; what is read is hashed again, so damaged bytes are an error,
never data. Rows of `executions_blob` say which are there and which may go (sql/store.sql); nothing here asks the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain

from django.conf import settings

from apps.executions.blobs.addresses import Key, address
from apps.executions.blobs.envelope import Compression, sealed
from apps.executions.blobs.places import current
from apps.executions.blobs.reading import verified


@dataclass(frozen=True, slots=True)
class Prepared:
    """Bytes on their way into the store: their address, how many they are, and what of them is to be stored."""

    sha256: str
    size: int
    body: bytes


def prepare(data: bytes) -> Prepared:
    compression: Compression = "none" if settings.SYMPHONY_ARTIFACTS_COMPRESSION == "none" else "zstd"
    return Prepared(address(data), len(data), sealed(data, compression))


def keep(organization_id: str, prepared: Prepared) -> bool:
    """Keep bytes whose row has been touched; whether they are new. Stored before this returns, whole or not at all."""
    return current().put(Key(organization_id, prepared.sha256), BytesIO(prepared.body), len(prepared.body))


def put(organization_id: str, data: bytes) -> tuple[str, bool]:
    """Keep bytes without a row: (address, whether they are new)."""
    prepared = prepare(data)
    return prepared.sha256, keep(organization_id, prepared)


def get(organization_id: str, sha256: str) -> bytes:
    """The bytes at an address, verified."""
    return b"".join(stream(organization_id, sha256))


def stream(organization_id: str, sha256: str) -> Iterator[bytes]:
    """The bytes at an address in pieces, verified before the last one is given out. What is missing, or cannot be reached,
    is an error here already."""
    key = Key(organization_id, sha256)
    pieces = verified(key, current().get(key))
    first = next(pieces, b"")
    return chain((first,), pieces) if first else iter(())


__all__ = ["Key", "Prepared", "address", "get", "keep", "prepare", "put", "stream"]
