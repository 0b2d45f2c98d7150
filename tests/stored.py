"""The artifact store for tests: bytes as a worker stores them, and their files, to be damaged or missed."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from apps.core.tenancy import working_for
from apps.executions import blobs, ledger
from apps.executions.blobs import Key
from apps.executions.blobs.disk import Disk


def store(organization_id: object, data: bytes) -> str:
    """As a worker does: the row first, then the bytes; their address. What names them comes later."""
    prepared = blobs.prepare(data)
    with working_for(str(organization_id)):
        ledger.touch_blob(str(organization_id), prepared.sha256, size=prepared.size, stored_size=len(prepared.body))
    blobs.keep(str(organization_id), prepared)
    return prepared.sha256


def file_of(organization_id: object, sha256: str) -> Path:
    return Disk(Path(settings.SYMPHONY_ARTIFACT_DIR)).path(Key(str(organization_id), sha256))


def forge(path: Path, data: bytes) -> None:
    """Put other bytes where stored ones are, which nobody may write to."""
    path.chmod(0o640)
    path.write_bytes(data)
