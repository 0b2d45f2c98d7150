"""Room for bytes: what an organization may store is counted before it is stored."""

from __future__ import annotations

from time import monotonic
from typing import Final
from uuid import UUID

from django.db import transaction

from apps.billing.entitlements import Quota
from apps.billing.errors import QuotaExceeded
from apps.billing.queries import entitlements_of
from apps.billing.services.quotas import require_room
from apps.core.tenancy import working_for
from apps.executions import blobs
from apps.executions.models import Blob
from workers.contract import StepFailed

_REMEMBERED_SECONDS: Final = 30.0
_unlimited: dict[str, float] = {}
"""Organizations without a limit, and until when that is believed: most have none, and then storing asks nothing."""


def store(organization_id: str, data: bytes) -> tuple[str, bool]:
    """Keep bytes if there is room for them; (address, whether they are new). `StepFailed` when there is none."""
    if _unlimited.get(organization_id, 0.0) > monotonic():
        return blobs.put(organization_id, data)
    try:
        with working_for(organization_id), transaction.atomic():
            return _store_counted(organization_id, data)
    except QuotaExceeded as error:
        raise StepFailed(error.detail, code="quota_exceeded", final=True) from error


def _store_counted(organization_id: str, data: bytes) -> tuple[str, bool]:
    entitlements = entitlements_of(UUID(organization_id))
    if entitlements.storage_bytes is None:
        _unlimited[organization_id] = monotonic() + _REMEMBERED_SECONDS
        return blobs.put(organization_id, data)
    sha256 = blobs.address(data)
    if Blob.objects.filter(organization_id=organization_id, sha256=sha256).exists():
        return blobs.put(organization_id, data)
    require_room(organization_id=UUID(organization_id), quota=Quota.STORAGE_BYTES, adding=len(data))
    stored = blobs.put(organization_id, data)
    Blob.objects.bulk_create(
        [Blob(organization_id=organization_id, sha256=sha256, size=len(data))], ignore_conflicts=True
    )
    return stored
