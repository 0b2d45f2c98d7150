"""Bytes that are not what their address says, or are gone: written down where somebody came upon them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import SymphonyError
from apps.core.tenancy import acting_as
from apps.executions.errors import BlobDamaged, BlobMissing
from apps.executions.models import Artifact, PitOperation


def record_damage(*, actor: User, artifact: Artifact, error: SymphonyError) -> None:
    """An operation of the Pit, in the run of the artifact; in a transaction of its own, unless one is open."""
    with acting_as(actor.pk), transaction.atomic():
        PitOperation.objects.create(
            organization_id=artifact.organization_id,
            execution_id=artifact.execution_id,
            task_id=artifact.task_id,
            operation_type=PitOperation.Kind.ARTIFACT_STORAGE,
            operation_context={
                "artifact": str(artifact.pk),
                "name": artifact.name,
                "sha256": artifact.content_hash,
                "fault": error.code,
                "message": error.detail,
            },
        )


def watched(pieces: Iterator[bytes], *, actor: User, artifact: Artifact) -> Iterator[bytes]:
    """The same pieces; damage that shows on the way is written down, and ends them before they are whole."""
    try:
        yield from pieces
    except (BlobDamaged, BlobMissing) as error:
        record_damage(actor=actor, artifact=artifact, error=error)
        raise
