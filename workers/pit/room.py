"""Room for bytes: what an organization may store is counted before it is stored, and so is that they are about to be."""

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
from apps.executions import blobs, ledger
from apps.executions.errors import StoreUnavailable
from apps.executions.models import Blob
from workers.contract import StepFailed

_REMEMBERED_SECONDS: Final = 30.0
_unlimited: dict[str, float] = {}
"""Organizations without a limit, and until when that is believed: most have none."""


def store(organization_id: str, data: bytes) -> tuple[blobs.Prepared, bool]:
    """Keep bytes if there is room for them; what was stored, and whether it is new. `StepFailed`: there is no room, or the
    store cannot be reached."""
    prepared = blobs.prepare(data)
    try:
        _announce(organization_id, prepared)
        return prepared, blobs.keep(organization_id, prepared)
    except QuotaExceeded as error:
        raise StepFailed(error.detail, code="quota_exceeded", final=True) from error
    except StoreUnavailable as error:
        raise StepFailed(error.detail, code=error.code, transient=True) from error


def _announce(organization_id: str, prepared: blobs.Prepared) -> None:
    """Bytes have a row, in a transaction of its own, before they are there: else nobody would know of them."""
    with working_for(organization_id), transaction.atomic():
        if _unlimited.get(organization_id, 0.0) <= monotonic():
            _require_room(UUID(organization_id), prepared)
        ledger.touch_blob(organization_id, prepared.sha256, size=prepared.size, stored_size=len(prepared.body))


def _require_room(organization_id: UUID, prepared: blobs.Prepared) -> None:
    if entitlements_of(organization_id).storage_bytes is None:
        _unlimited[str(organization_id)] = monotonic() + _REMEMBERED_SECONDS
    elif not Blob.objects.filter(organization_id=organization_id, sha256=prepared.sha256).exists():
        require_room(organization_id=organization_id, quota=Quota.STORAGE_BYTES, adding=prepared.size)
