"""Artifact store of the Pit: the bytes first, then the rows that name them.

Bytes are on disk before the outcome that refers to them is committed; what a crash leaves in between is bytes nobody
names, never a name without bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from apps.core.ids import uuid7
from apps.executions import blobs
from apps.executions.models import PitOperation
from workers.contract import ProducedFile
from workers.pit import room
from workers.pit.journal import journal


def keep(claimed: Mapping[str, Any], files: Iterable[ProducedFile]) -> list[dict[str, Any]]:
    """Store what a step produced; the artifacts as ledger_finish records them."""
    return [_keep(claimed, file) for file in files]


def keep_result(claimed: Mapping[str, Any], data: bytes) -> dict[str, Any]:
    """Store a result too large for its row: a blob without an artifact of its own."""
    sha256, _ = room.store(claimed["organization"], data)
    return {"sha256": sha256, "size": len(data)}


def value_of(claimed: Mapping[str, Any], cell: Mapping[str, Any]) -> Any:
    """A result from its row's `output`, or from the store when `ref` says so."""
    if cell["ref"]:
        return json.loads(blobs.get(claimed["organization"], cell["ref"]))
    return cell["output"]


def _keep(claimed: Mapping[str, Any], file: ProducedFile) -> dict[str, Any]:
    sha256, new = room.store(claimed["organization"], file.data)
    journal.record(
        claimed["organization"],
        task_id=claimed["task"],
        kind=PitOperation.Kind.ARTIFACT_STORAGE,
        context={"name": file.name, "sha256": sha256, "size": len(file.data), "deduplicated": not new},
        resources={"disk_bytes": len(file.data) if new else 0},
    )
    return {
        "id": str(uuid7()),
        "name": file.name,
        "artifact_type": file.artifact_type,
        "content_type": file.content_type,
        "sha256": sha256,
        "size": len(file.data),
        "metadata": {"step": claimed["name"]},
    }
