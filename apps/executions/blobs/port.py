"""What a place for bytes can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from apps.executions.blobs.addresses import Key


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes as a place has them: `size` counts what is stored, which is less than what was given where it is compressed."""

    key: Key
    size: int
    modified_at: datetime


class Backend(Protocol):
    """Holds sealed bytes by key, whole or not at all. Each call may raise `StoreUnavailable`."""

    @property
    def url(self) -> str:
        """Where it is, as the settings name it; no secret is in it."""

    def put(self, key: Key, body: BinaryIO, size: int) -> bool:
        """Keep what is read from `body`; True when it was not there. It is there for good when this returns."""

    def get(self, key: Key) -> Iterator[bytes]:
        """What is stored, in pieces; `BlobMissing` before the first."""

    def stat(self, key: Key) -> Stored | None:
        """None: nothing is stored there."""

    def discard(self, keys: Sequence[Key]) -> None:
        """Delete; what is not there is no trouble."""

    def set_aside(self, key: Key) -> None:
        """Take damaged bytes out of the way, to be looked at by people, so that whole ones can be put there."""

    def listing(self, organization: str | None = None) -> Iterator[Stored]:
        """Everything that is stored, or all of one organization."""

    def leftovers(self, before: datetime) -> Iterator[str]:
        """Delete what writers that were killed before then have left half-written; the name of each."""
