"""Pool manager of the Pit: what plans allow at once, where it could be felt at all."""

from __future__ import annotations

from uuid import UUID

from apps.billing.queries import tasks_by_organization
from apps.core.tenancy import sweeping
from apps.executions import ledger
from apps.executions.services.pools import keep_plan_pools
from workers.routing import served_queues


def follow_plans() -> int:
    """Keep a pool for each organization whose plan lets less run at once than there are slots; how many there are. Where
    nobody could ever reach the limit nothing has to be asked at every claim."""
    slots = sum(ledger.slots_for(queue) for queue in {queue.partition("+")[0] for queue in served_queues()})
    with sweeping():
        felt: dict[UUID, int] = {each: most for each, most in tasks_by_organization().items() if most < slots}
        keep_plan_pools(felt)
    return len(felt)
