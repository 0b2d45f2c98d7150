"""Room for something more, or a clear refusal. However many ask at once, no quota is overshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from apps.billing import queries
from apps.billing.entitlements import Quota
from apps.billing.errors import QuotaExceeded
from apps.billing.measures import measured
from apps.billing.services.locks import lock
from apps.core.tenancy import staff

_NAMES: Final = {
    Quota.SEATS: "members and pending invitations",
    Quota.CONCURRENT_EXECUTIONS: "runs at a time",
    Quota.CONCURRENT_TASKS: "steps at a time",
    Quota.STORAGE_BYTES: "bytes of storage",
    Quota.PROJECTS: "projects",
    Quota.AGENTS: "agents",
    Quota.RETENTION_DAYS: "days of retention",
    Quota.REQUESTS_PER_MINUTE: "requests a minute",
}


def require_room(
    *, organization_id: UUID, quota: Quota, adding: int = 1, used: Callable[[], int] | None = None
) -> None:
    """Raise `QuotaExceeded` unless `adding` more fit; call it in the transaction that adds them, before it does.

    What is used is counted by `used`, or by the measure registered for the quota (see `measures`), after everybody else who
    is adding has committed. Where the organization has no limit nothing is locked or counted.
    """
    entitled = queries.entitlements_of(organization_id)
    limit = entitled.limit(quota)
    if limit is None or adding <= 0:
        return
    lock(f"quota:{quota.value}", organization_id)
    # What the actor may not see counts all the same.
    with staff():
        taken = used() if used is not None else measured(quota, organization_id)
    if taken is None:
        raise LookupError(f"No app counts {quota.value}: register a measure, or say what is used.")
    if taken + adding > limit:
        raise QuotaExceeded(
            f"The tier {entitled.tier} has room for {limit:,} {_NAMES[quota]}, and {taken:,} are in use: "
            "remove some, or take a larger plan.",
            quota=quota.value,
            limit=limit,
            used=taken,
            adding=adding,
        )
