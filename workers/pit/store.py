"""Artifact store of the Pit: the row first, then the bytes, then the rows that name them.

Bytes are stored before the outcome that refers to them is committed; what a crash leaves in between is bytes nobody names,
which have a row and are freed after a while, never a name without bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from apps.core.ids import uuid7
from apps.executions import blobs
from apps.executions.errors import BlobDamaged, BlobMissing, StoreUnavailable
from apps.executions.models import PitOperation
from workers.contract import ProducedFile, StepFailed
from workers.pit import room
from workers.pit.journal import journal


def keep(claimed: Mapping[str, Any], files: Iterable[ProducedFile]) -> list[dict[str, Any]]:
    """Store what a step produced; the artifacts as ledger_finish records them."""
    return [_keep(claimed, file) for file in files]


def keep_result(claimed: Mapping[str, Any], data: bytes) -> dict[str, Any]:
    """Store a result too large for its row: a blob without an artifact of its own."""
    prepared = _store(claimed, data, result=True)
    return {"sha256": prepared.sha256, "size": prepared.size}


def value_of(claimed: Mapping[str, Any], cell: Mapping[str, Any]) -> Any:
    """A result from its row's `output`, or from the store when `ref` says so."""
    if not cell["ref"]:
        return cell["output"]
    try:
        return json.loads(blobs.get(claimed["organization"], cell["ref"]))
    except StoreUnavailable as error:
        raise StepFailed(error.detail, code=error.code, transient=True) from error
    except (BlobDamaged, BlobMissing) as error:
        _record(claimed, {"sha256": cell["ref"], "fault": error.code, "message": error.detail})
        raise StepFailed(error.detail, code=error.code, final=True) from error


def _keep(claimed: Mapping[str, Any], file: ProducedFile) -> dict[str, Any]:
    prepared = _store(claimed, file.data, name=file.name)
    return {
        "id": str(uuid7()),
        "name": file.name,
        "artifact_type": file.artifact_type,
        "content_type": file.content_type,
        "sha256": prepared.sha256,
        "size": prepared.size,
        "metadata": {"step": claimed["name"]},
    }


def _store(claimed: Mapping[str, Any], data: bytes, **what: Any) -> blobs.Prepared:
    prepared, new = room.store(claimed["organization"], data)
    _record(
        claimed,
        {**what, "sha256": prepared.sha256, "size": prepared.size, "deduplicated": not new},
        disk_bytes=len(prepared.body) if new else 0,
    )
    return prepared


def _record(claimed: Mapping[str, Any], context: Mapping[str, Any], **resources: int) -> None:
    journal.record(
        claimed["organization"],
        task_id=claimed["task"],
        kind=PitOperation.Kind.ARTIFACT_STORAGE,
        context=context,
        resources=resources,
    )
