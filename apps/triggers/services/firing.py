"""One firing, looked at: started, held, skipped or failed. In the caller's transaction, which holds its row."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from apps.accounts.permissions import Action
from apps.billing.errors import QuotaExceeded
from apps.core.errors import Forbidden, Invalid, NotFound, SymphonyError
from apps.executions.models import Execution
from apps.executions.queries import execution_outputs
from apps.executions.services import start_execution
from apps.melodies.definition.expressions import ExpressionError
from apps.melodies.permissions import require_for
from apps.triggers import mapping
from apps.triggers.kinds import Source, TriggerState, Waiting
from apps.triggers.models import Firing, Trigger
from apps.triggers.services import lanes, standing
from apps.triggers.services.outcomes import fail, hold, skip, started

logger = logging.getLogger(__name__)

PATIENCE: Final = timedelta(hours=24)
"""So long a firing waits for room in the quota of its organization."""
_BY_HAND: Final = frozenset({Source.MANUAL, Source.BACKFILL})
_PAYLOADS: Final = frozenset({Source.WEBHOOK, Source.EVENT, Source.MANUAL})
"""What comes with a payload of its own: one that cannot be used says nothing about the next."""
_LONGEST_WAIT: Final = 300.0


class OwnerGone(Exception):
    """The owner of a trigger may not start its melody any more."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def look_at(firing: Firing, trigger: Trigger, now: datetime) -> None:
    """`trigger` comes with its owner, and its melody with organization and project."""
    if firing.source not in _BY_HAND:
        if trigger.state in (TriggerState.PAUSED, TriggerState.STOPPED):
            skip(firing, f"trigger_{trigger.state}", f"The trigger was {trigger.state} when this came.")
            return
        if trigger.backoff_until is not None and trigger.backoff_until > now:
            hold(firing, Waiting.BACKOFF, trigger.backoff_until, trigger.last_error_code, trigger.last_error)
            return
    try:
        try:
            _go(firing, trigger, now)
        except (NotFound, Forbidden):
            # Whoever may not start it, or not any more, is told of that first.
            require_owner(trigger)
            raise
    except OwnerGone as error:
        fail(firing, error.code, error.reason)
        standing.stop(trigger, error.code, error.reason)
    except QuotaExceeded as error:
        _wait_for_room(firing, trigger, error, now)
    except ExpressionError as error:
        _cannot(firing, trigger, "expression_failed", f"{error.pointer or 'The expression'}: {error}", now)
    except SymphonyError as error:
        _cannot(firing, trigger, error.code, error.detail, now)


def values_of(firing: Firing, trigger: Trigger) -> dict[str, Any]:
    """What expressions can read; see `mapping`. Raises OwnerGone where its owner may not read it."""
    told = dict(firing.payload)
    if firing.source == Source.CHAIN:
        told = {"run": _followed(firing, trigger)}
    return {
        "payload": None,
        **told,
        "due_at": firing.due_at.isoformat(),
        "trigger": {"id": str(trigger.pk), "name": trigger.name, "kind": trigger.kind, "source": firing.source},
    }


def _go(firing: Firing, trigger: Trigger, now: datetime) -> None:
    if not trigger.owner.is_active:
        require_owner(trigger)
    values = values_of(firing, trigger)
    if firing.source != Source.MANUAL and not mapping.passes(trigger.filter, values):
        skip(firing, "filtered", "The filter does not let this pass.")
        return
    first = not firing.lane
    if first and firing.source != Source.BACKFILL:
        firing.lane = lanes.lane_for(trigger, values)
    if not lanes.may_go(firing, trigger, now, first=first):
        return
    given = mapping.input_of(trigger.input, trigger.mapping, firing.source, values)
    # A savepoint: what is half begun when it is refused goes, what is written about it stays.
    with transaction.atomic():
        execution = start_execution(
            actor=trigger.owner,
            melody=trigger.melody_id,
            version=trigger.version,
            input=given,
            correlation_id=firing.pk,
            trigger_id=trigger.pk,
            priority=trigger.priority,
        )
        started(firing, execution.pk, now)
    standing.works(trigger)


def require_owner(trigger: Trigger) -> None:
    """Raise OwnerGone unless its owner may start its melody."""
    owner = trigger.owner
    if not owner.is_active:
        raise OwnerGone(
            "owner_inactive", f"The account of its owner, {owner}, is closed; somebody else may take it over."
        )
    try:
        require_for(actor=owner, melody=trigger.melody, action=Action.WRITE)
    except NotFound:
        raise OwnerGone(
            "owner_left", f"Its owner, {owner}, is no member any more; somebody else may take it over."
        ) from None
    except Forbidden as error:
        raise OwnerGone(
            "owner_may_not", f"Its owner, {owner}, may not start runs here any more: {error.detail}"
        ) from None


def _followed(firing: Firing, trigger: Trigger) -> dict[str, Any]:
    """The run a chained one follows; only its id and how it ended, when it has been forgotten meanwhile."""
    told = {"id": firing.payload.get("execution"), "status": firing.payload.get("status")}
    found = Execution.objects.filter(pk=told["id"])
    execution = found.select_related("melody__organization", "melody__project", "version").first()
    if execution is None:
        return told
    try:
        require_for(actor=trigger.owner, melody=execution.melody, action=Action.READ)
    except (NotFound, Forbidden):
        raise OwnerGone(
            "owner_may_not", f"Its owner, {trigger.owner}, may not see the runs it follows any more."
        ) from None
    error = {"code": execution.error_code, "message": execution.error_message} if execution.error_code else None
    return told | {
        "melody": {"id": str(execution.melody_id), "name": execution.melody.name},
        "version": execution.version.number,
        "input": execution.input,
        "outputs": execution_outputs(execution),
        "error": error,
    }


def _wait_for_room(firing: Firing, trigger: Trigger, error: QuotaExceeded, now: datetime) -> None:
    """A run that finds no room is not lost: it waits, less and less often, for a day."""
    firing.held_since = firing.held_since or now
    if now - firing.held_since > PATIENCE:
        fail(firing, error.code, error.detail)
    else:
        firing.tries = min(firing.tries + 1, 1000)
        pause = min(5.0 * 2 ** min(firing.tries - 1, 10), _LONGEST_WAIT)
        hold(firing, Waiting.QUOTA, now + timedelta(seconds=pause), error.code, error.detail)
    standing.noted(trigger, error.code, error.detail)


def _cannot(firing: Firing, trigger: Trigger, code: str, reason: str, now: datetime) -> None:
    fail(firing, code, reason)
    if firing.source in _PAYLOADS and code in ("expression_failed", "invalid_input", Invalid.code):
        standing.noted(trigger, code, reason)
    elif firing.source not in _BY_HAND:
        standing.failed(trigger, code, reason, now)
