"""Where bytes are: an organization and the SHA-256 of the bytes, nothing else. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from apps.executions.errors import BlobMissing

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ORGANIZATION: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def address(data: bytes) -> str:
    """SHA-256 of the bytes, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One organization's bytes. Organizations share none, so that nothing can be learnt from another's storage."""

    organization: str
    sha256: str

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise BlobMissing(f"{self.sha256[:80]!r} is not a SHA-256 address.")
        if not _ORGANIZATION.fullmatch(self.organization):
            raise BlobMissing(f"{self.organization[:80]!r} is not the id of an organization.")

    @property
    def path(self) -> str:
        """`<organization>/ab/cd/<sha256>`, in every backend: one can be copied to another by any tool."""
        return f"{self.organization}/{self.sha256[:2]}/{self.sha256[2:4]}/{self.sha256}"

    @classmethod
    def of_path(cls, path: str) -> Self | None:
        """The key whose path this is; None for anything else."""
        organization, _, rest = path.partition("/")
        try:
            key = cls(organization, rest.rpartition("/")[2])
        except BlobMissing:
            return None
        return key if key.path == path else None
