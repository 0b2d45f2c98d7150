"""Moving bytes from one place to another, each checked on its way."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

from apps.core.tenancy import sweeping
from apps.executions.blobs.addresses import Key
from apps.executions.blobs.port import Backend
from apps.executions.blobs.reading import verified
from apps.executions.errors import BlobDamaged, BlobMissing
from apps.executions.models import Blob

BATCH: Final = 500
_IN_MEMORY: Final = 8 << 20

_T = TypeVar("_T")


@dataclass(slots=True)
class Moved:
    """`there` counts those that were there already; `faults` are addresses whose bytes could not be copied."""

    copied: int = 0
    bytes: int = 0
    there: int = 0
    faults: list[str] = field(default_factory=list)


def copy(
    source: Backend,
    target: Backend,
    *,
    organization: UUID | None = None,
    threads: int = 8,
    told: Callable[[Moved], None] = lambda _: None,
) -> Moved:
    """Copy everything that has a row. What the target has is left alone, so a copy that was broken off goes on where it was.
    `told` hears how far it is, now and then."""
    moved = Moved()
    with ThreadPoolExecutor(threads) as pool:
        for some in batches(rows_of_blobs(organization)):
            keys = [Key(str(blob.organization_id), blob.sha256) for blob in some]
            for key, size in zip(keys, pool.map(lambda key: _copied(source, target, key), keys), strict=True):
                _count(moved, key, size)
            told(moved)
    return moved


def transfer(source: Backend, target: Backend, key: Key) -> int:
    """Copy one, as it is stored; how many bytes it takes. `BlobDamaged` before anything is written where it is not what its
    address says."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:

        def passing() -> Iterator[bytes]:
            for piece in source.get(key):
                spool.write(piece)
                yield piece

        for _ in verified(key, passing()):
            pass
        size = spool.tell()
        spool.seek(0)
        target.put(key, spool, size)  # type: ignore[arg-type]  # as good as a BinaryIO
    return size


def rows_of_blobs(organization: UUID | None) -> Iterator[Blob]:
    """All rows, in the order in which they came; a transaction for each batch, none while the caller works."""
    last = 0
    while True:
        with sweeping():
            found = Blob.objects.filter(pk__gt=last).order_by("pk")
            rows = list((found if organization is None else found.filter(organization_id=organization))[:BATCH])
        if not rows:
            return
        yield from rows
        last = rows[-1].pk


def batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    remaining = iter(items)
    while some := list(islice(remaining, BATCH)):
        yield some


def _copied(source: Backend, target: Backend, key: Key) -> int | BlobMissing | BlobDamaged | None:
    """None: the target has it."""
    try:
        return None if target.stat(key) is not None else transfer(source, target, key)
    except (BlobMissing, BlobDamaged) as error:
        return error


def _count(moved: Moved, key: Key, size: int | BlobMissing | BlobDamaged | None) -> None:
    if size is None:
        moved.there += 1
    elif isinstance(size, int):
        moved.copied += 1
        moved.bytes += size
    else:
        with sweeping():
            freed = not Blob.objects.filter(organization_id=key.organization, sha256=key.sha256, suspect=False).exists()
        if isinstance(size, BlobDamaged) or not freed:
            moved.faults.append(f"{key.organization}/{key.sha256}: {size.detail}")
