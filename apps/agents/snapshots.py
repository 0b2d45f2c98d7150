"""What a version of an agent holds: its config and, for agents of code, its source. Pure.

An archived version keeps the two compressed, as they were.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.agents.frameworks import LARGEST_CONFIG, LARGEST_SOURCE

_LARGEST: Final = 4 * (LARGEST_CONFIG + LARGEST_SOURCE)
"""Bytes; escapes in JSON make a text longer."""


class SnapshotBrokenError(ValueError):
    """The archive does not hold what it says."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    config: Mapping[str, Any]
    source: str = ""

    def canonical(self) -> bytes:
        """The same for equal snapshots."""
        value = {"config": self.config, "source": self.source}
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()


def pack(snapshot: Snapshot) -> bytes:
    return zlib.compress(snapshot.canonical(), 9)


def unpack(archive: bytes, sha256: str) -> Snapshot:
    """Raises `SnapshotBrokenError` when it is not what was packed."""
    engine = zlib.decompressobj()
    try:
        value = json.loads(engine.decompress(archive, _LARGEST))
        snapshot = Snapshot(value["config"], value["source"])
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise SnapshotBrokenError("The archived version cannot be read.") from error
    if snapshot.sha256 != sha256:
        raise SnapshotBrokenError("The archived version is not what was archived: its SHA-256 differs.")
    return snapshot


__all__ = ["Snapshot", "SnapshotBrokenError", "pack", "unpack"]
