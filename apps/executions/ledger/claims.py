"""Claiming tasks and keeping them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

from apps.core.db.prepared import Prepared
from apps.core.db.rows import rows_of
from apps.executions.ledger.releases import HandOver, Release, claim_of, hand_over_of, lease_times, release_of
from apps.executions.ledger.sweeping import lost_limits

_CLAIM: Final = Prepared.function("ledger_claim", 5)
_GRANT: Final = Prepared.function("ledger_grant", 4)


def claim(organization_id: str, task_id: str, worker: str) -> HandOver:
    """Claim one task: `taken` has everything needed to run it, or is empty when it is not to be had."""
    return hand_over_of(_CLAIM.rows([organization_id, task_id, worker, *lease_times()]))


def grant(queue: str, inline: int, worker: str) -> HandOver:
    """What is next in a queue, of whatever organization, for a slot that has nothing to go on with: claimed already. Of
    small steps up to `inline` come together."""
    return hand_over_of(_GRANT.rows([queue, inline, worker, settings.SYMPHONY_LEASE_SECONDS]))


def renew(organization_id: str, held: Mapping[str, str]) -> set[str]:
    """Prolong leases ({lease: task}); those that still hold."""
    rows = rows_of(
        "SELECT * FROM ledger_renew(%s, %s::uuid[], %s::uuid[], %s)",
        [organization_id, list(held.values()), list(held), settings.SYMPHONY_LEASE_SECONDS],
    )
    return {str(row[0]) for row in rows}


def heartbeats(organization_id: str, beats: Mapping[str, tuple[str, float]]) -> None:
    """Signs of life of steps with a heartbeat timeout: {lease: (task, seconds ago)}."""
    rows_of(
        "SELECT ledger_heartbeats(%s, %s::uuid[], %s::uuid[], %s::float[])",
        [organization_id, [task for task, _ in beats.values()], list(beats), [age for _, age in beats.values()]],
    )


def progress(claimed: Mapping[str, Any], event_type: str, payload: Mapping[str, Any]) -> bool:
    """An event while the step runs. False: the claim is not the caller's any more."""
    rows = rows_of("SELECT ledger_progress(%s, %s, %s, %s, %s)", [*claim_of(claimed), event_type, json.dumps(payload)])
    return bool(rows[0][0])


def report_lost(organization_id: str, carrier: str, reason: str) -> list[Release]:
    """A worker process died: give back what it held. `carrier` is what it named itself in its claims."""
    rows = rows_of(
        "SELECT * FROM ledger_report_lost(%s, %s, %s, %s, %s, %s)",
        [organization_id, carrier, reason, *lost_limits(), settings.SYMPHONY_RESEND_SECONDS],
    )
    return [release_of(row) for row in rows]


def variables(claimed: Mapping[str, Any]) -> dict[str, Any]:
    """All variables a claimed task can see."""
    rows = rows_of("SELECT ledger_visible(%s, %s)", [claimed["organization"], claimed["task"]])
    found = rows[0][0]
    return dict((json.loads(found) if isinstance(found, str) else found) or {})
