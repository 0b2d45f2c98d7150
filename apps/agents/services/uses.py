"""Which runs have used which version. For workers, and for whoever deletes runs."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.utils import timezone

from apps.agents.models import AgentVersion, AgentVersionUse
from apps.core.tenancy import sweeping, working_for


def record_use(*, organization_id: UUID | str, version: AgentVersion, execution_id: UUID | str) -> None:
    """The version is kept as long as the run is."""
    with working_for(organization_id):
        AgentVersionUse.objects.bulk_create(
            [
                AgentVersionUse(
                    organization_id=version.organization_id,
                    version=version,
                    execution_id=UUID(str(execution_id)),
                    used_at=timezone.now(),
                )
            ],
            update_conflicts=True,
            unique_fields=["version", "execution_id"],
            update_fields=["used_at"],
        )


def forget_uses(*, execution_ids: Iterable[UUID]) -> int:
    """When runs are deleted: they need their versions no longer. For the sweep."""
    with sweeping():
        deleted, _ = AgentVersionUse.objects.filter(execution_id__in=list(execution_ids)).delete()
    return deleted
