"""Reading bytes: hashed while they pass. The last piece is given out only when all of them are what the address says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from apps.executions.blobs.addresses import Key
from apps.executions.blobs.envelope import opened
from apps.executions.errors import BlobDamaged


def verified(key: Key, stored: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes at an address, from what is stored there. A mismatch is `BlobDamaged`, and then never the whole."""
    digest = hashlib.sha256()
    held = b""
    for piece in opened(stored):
        digest.update(piece)
        if held:
            yield held
        held = piece
    if digest.hexdigest() != key.sha256:
        raise BlobDamaged(f"The bytes stored at {key.sha256} hash to another address.", sha256=key.sha256)
    if held:
        yield held
