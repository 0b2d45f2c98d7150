"""Stale manager of the Pit: runs whose time is over go, with their folders and the bytes nobody names any more.

How long an organization's runs are kept is in what it is entitled to; most are kept for ever.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.agents.services import forget_uses
from apps.billing.queries import retention_by_organization
from apps.core.tenancy import sweeping
from apps.executions import blobs, ledger

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
    return sum(_forget(organization_id, execution_id) for execution_id in expired)


def _forget(organization_id: UUID, execution_id: UUID) -> bool:
    with sweeping(), transaction.atomic():
        addresses = ledger.forget(execution_id)
        if addresses is None:
            return False
        forget_uses(execution_ids=[execution_id])
    shutil.rmtree(Path(settings.SYMPHONY_WORKSPACE_DIR) / str(execution_id), ignore_errors=True)
    free_bytes(organization_id, addresses)
    logger.info("execution %s is older than its organization keeps runs, and forgotten", execution_id)
    return True


def free_bytes(organization_id: UUID, addresses: Iterable[str]) -> int:
    """Delete bytes that nothing names any more; how many files. What was stored or named just now is left: the row that
    names it may not be written yet."""
    old = [sha256 for sha256 in addresses if blobs.is_at_rest(str(organization_id), sha256)]
    if not old:
        return 0
    with sweeping():
        unnamed = ledger.forget_blobs(organization_id, old)
    return sum(blobs.discard(str(organization_id), sha256) for sha256 in unnamed)
