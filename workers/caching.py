"""Results of earlier runs: found by what they were made from, inside one organization."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q

from apps.core.tenancy import working_for
from apps.executions.models import CachedResult
from apps.melodies.definition.expressions import Scope, compile_template
from workers.outcomes import Claimed, Outcome
from workers.pit import store


def key_of(claimed: Claimed, params: Mapping[str, Any], scope: Scope) -> str | None:
    """The address of this step's result: the kind, and its rendered fields or the `key` it names; None without `cache`."""
    policy = claimed["options"].get("cache")
    if policy is None:
        return None
    made_from = params if policy["key"] is None else {"key": compile_template(policy["key"]).render(scope)}
    text = json.dumps([claimed["kind"], made_from], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def find(claimed: Claimed, key: str) -> tuple[Any, str] | None:
    """The result under a key and the id of the task that made it."""
    with working_for(claimed["organization"]):
        found = (
            CachedResult.objects.filter(organization_id=claimed["organization"], key=key)
            .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=datetime.now(UTC)))
            .first()
        )
    if found is None:
        return None
    return store.value_of(claimed, {"output": found.output, "ref": found.output_ref}), str(found.task_id)


def keep(outcome: Outcome, key: str) -> None:
    """Remember a result. What a mock made up is not remembered: it would hide the real answer later."""
    if isinstance(outcome.output, Mapping) and outcome.output.get("mock"):
        return
    claimed = outcome.claimed
    ttl = claimed["options"]["cache"]["ttl_seconds"]
    now = datetime.now(UTC)
    with working_for(claimed["organization"]):
        CachedResult.objects.update_or_create(
            organization_id=claimed["organization"],
            key=key,
            defaults={
                "output": outcome.output,
                "output_ref": outcome.ref,
                "task_id": claimed["task"],
                "created_at": now,
                "expires_at": None if ttl is None else now + timedelta(seconds=ttl),
            },
        )
