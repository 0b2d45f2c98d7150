"""Content-addressed bytes on the local disk: `<organization>/ab/cd/<sha256>`.

An address is the SHA-256 of the bytes; what is read is hashed again, so a damaged file is an error, never data.
Organizations share no file, so that nothing can be learnt from another's storage.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Final

from django.conf import settings

from apps.executions.errors import BlobDamaged, BlobMissing

REST_SECONDS: Final = 24 * 3600.0
"""Bytes are stored before the row that names them: for so long nobody takes unnamed ones for forgotten."""
_ADDRESS = re.compile(r"[0-9a-f]{64}")


def address(data: bytes) -> str:
    """SHA-256 of the bytes, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def path_of(organization_id: str, sha256: str) -> Path:
    """Where the bytes are. Refuses what is not an address."""
    if not _ADDRESS.fullmatch(sha256):
        raise BlobMissing(f"{sha256!r} is not a SHA-256 address.")
    return Path(settings.SYMPHONY_ARTIFACT_DIR) / str(organization_id) / sha256[:2] / sha256[2:4] / sha256


def put(organization_id: str, data: bytes) -> tuple[str, bool]:
    """Keep bytes; (address, whether they are new). On disk before this returns, whole or not at all."""
    sha256 = address(data)
    path = path_of(organization_id, sha256)
    with suppress(FileNotFoundError):
        # Named anew: whoever clears away what nobody names leaves it alone for a while.
        os.utime(path)
        return sha256, False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return sha256, True


def get(organization_id: str, sha256: str) -> bytes:
    """The bytes at an address, verified."""
    try:
        data = path_of(organization_id, sha256).read_bytes()
    except FileNotFoundError as missing:
        raise BlobMissing(f"No bytes are stored at {sha256}.") from missing
    if address(data) != sha256:
        raise BlobDamaged(f"The bytes stored at {sha256} hash to another address.")
    return data


def is_at_rest(organization_id: str, sha256: str) -> bool:
    """Whether the bytes were stored or named anew long enough ago that whoever did has written it down by now."""
    try:
        return time() - path_of(organization_id, sha256).stat().st_mtime >= REST_SECONDS
    except FileNotFoundError:
        return True


def discard(organization_id: str, sha256: str) -> bool:
    """Delete bytes; whether they went. Those that were named anew in this very moment stay."""
    path = path_of(organization_id, sha256)
    aside = path.with_name(f".gone-{sha256}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return False
    if time() - aside.stat().st_mtime < REST_SECONDS:
        aside.rename(path)
        return False
    aside.unlink()
    return True
