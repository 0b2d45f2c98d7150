"""Stale manager of the Pit: runs whose time is over go, with their folders, and bytes that nobody names.

How long an organization's runs are kept is in what it is entitled to; most are kept for ever.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.agents.services import forget_uses
from apps.billing.queries import retention_by_organization
from apps.core.tenancy import sweeping
from apps.executions import ledger
from apps.executions.blobs import Key
from apps.executions.blobs.places import current

logger = logging.getLogger(__name__)


def forget_expired(limit: int = 100) -> int:
    """Forget runs that ended longer ago than their organization keeps them, up to `limit` of each; how many."""
    now = datetime.now(UTC)
    with sweeping():
        kept = retention_by_organization()
    return sum(_forget_of(organization, now - timedelta(days=days), limit) for organization, days in kept.items())


def _forget_of(organization_id: UUID, before: datetime, limit: int) -> int:
    with sweeping():
        expired = ledger.expired(organization_id, before, limit)
    return sum(_forget(execution_id) for execution_id in expired)


def _forget(execution_id: UUID) -> bool:
    with sweeping(), transaction.atomic():
        if not ledger.forget(execution_id):
            return False
        forget_uses(execution_ids=[execution_id])
    shutil.rmtree(Path(settings.SYMPHONY_WORKSPACE_DIR) / str(execution_id), ignore_errors=True)
    logger.info("execution %s is older than its organization keeps runs, and forgotten", execution_id)
    return True


def free_unnamed(limit: int = 200, seconds: float = 20.0) -> int:
    """Delete bytes that nothing names, of failed attempts, crashes and forgotten runs, once they have rested for the grace
    period; how many blobs. So many at a time, as long as there are more, for about so long."""
    end = monotonic() + seconds
    count = 0
    while True:
        looked_at, freed = _free_some(limit)
        count += freed
        if looked_at < limit or monotonic() > end:
            return count


def _free_some(limit: int) -> tuple[int, int]:
    """(looked at, freed). Their rows are locked meanwhile: whoever wants to name one of them waits, and then stores anew."""
    before = datetime.now(UTC) - timedelta(seconds=settings.SYMPHONY_ARTIFACTS_GRACE_SECONDS)
    with sweeping(), transaction.atomic():
        suspects = ledger.suspects(before, limit)
        unnamed = ledger.free_blobs(suspects) if suspects else []
        current().discard([Key(str(organization), sha256) for organization, sha256, _ in unnamed])
    if unnamed:
        _told(unnamed)
    return len(suspects), len(unnamed)


def _told(freed: Sequence[tuple[UUID, str, int]]) -> None:
    logger.info("%d blobs that nothing named are freed, %d bytes", len(freed), sum(size for _, _, size in freed))
    with sweeping():
        for organization in sorted({organization for organization, _, _ in freed}):
            ledger.store_changed(organization)
