"""Controlling many runs at once: those that match, up to a bound, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from apps.accounts.models import Membership, Role, User
from apps.accounts.permissions import Action, may
from apps.core.errors import Forbidden, SymphonyError
from apps.executions.errors import CountChanged
from apps.executions.models import Execution
from apps.executions.services.control import cancel_execution, pause_execution, resume_execution
from apps.executions.services.retrying import RETRYABLE, retry_execution
from apps.executions.states import ExecutionStatus

MOST_AT_ONCE: Final = 1000
USUAL: Final = 100
_MOST_SHOWN: Final = 100
_S = ExecutionStatus


class BulkAction(StrEnum):
    """What can be done with many runs."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"


_POSSIBLE: Final[Mapping[BulkAction, Q]] = {
    BulkAction.CANCEL: Q(status__in=(_S.QUEUED, _S.PENDING, _S.RUNNING, _S.PAUSED)),
    BulkAction.PAUSE: Q(status__in=(_S.PENDING, _S.RUNNING)),
    BulkAction.RESUME: Q(status=_S.PAUSED),
    BulkAction.RETRY: Q(status__in=RETRYABLE, retry_count__lt=F("max_retries")),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    execution: UUID
    code: str
    message: str


@dataclass(slots=True)
class BulkResult:
    """`matched`: how many there were to be had, before anything was done; `by_status` of those. At most 100 of `done` and
    `refused` are listed, all are counted."""

    dry_run: bool
    matched: int
    by_status: dict[str, int]
    done: int = 0
    executions: list[UUID] = field(default_factory=list)
    refusals: int = 0
    refused: list[Refusal] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        return max(self.matched - self.done - self.refusals, 0)


def control_many(
    *,
    actor: User,
    action: BulkAction,
    chosen: QuerySet[Execution],
    dry_run: bool,
    limit: int = USUAL,
    expected: int | None = None,
    reason: str = "",
) -> BulkResult:
    """Do the same with the oldest `limit` of the chosen runs that it can be done with; with `dry_run` only count them.

    Runs of organizations in which the actor only looks on are left out; Forbidden when there are no others. With `expected`
    nothing is done unless as many match (CountChanged). One that refuses keeps no other from its turn.
    """
    fitting = chosen.filter(_POSSIBLE[action])
    own = fitting if actor.is_staff else fitting.filter(organization__in=_writable(actor))
    by_status = dict(own.order_by().values_list("status").annotate(count=Count("id")))
    matched = sum(by_status.values())
    if not matched and fitting.order_by().exists():
        raise Forbidden("You may look at these executions, and not control them; ask an admin of their organization.")
    if expected is not None and expected != matched:
        raise CountChanged(f"{matched} executions match, not {expected}; nothing was done.")
    result = BulkResult(dry_run, matched, by_status)
    if not dry_run:
        _do(_verb(actor, action, reason), own, min(limit, MOST_AT_ONCE), result)
    return result


def _writable(actor: User) -> QuerySet[Any]:
    writing = [role for role in Role if may(role, Action.WRITE)]
    return Membership.objects.filter(user=actor, role__in=writing, organization__is_active=True).values("organization")


def _verb(actor: User, action: BulkAction, reason: str) -> Callable[..., Execution]:
    if action == BulkAction.RESUME:
        return partial(resume_execution, actor=actor)
    verbs: Mapping[BulkAction, Callable[..., Execution]] = {
        BulkAction.CANCEL: cancel_execution,
        BulkAction.PAUSE: pause_execution,
        BulkAction.RETRY: retry_execution,
    }
    return partial(verbs[action], actor=actor, reason=reason)


def _do(verb: Callable[..., Execution], own: QuerySet[Execution], limit: int, result: BulkResult) -> None:
    # One order for all who do this: of two at once, the second waits at the first run and not in the midst of them.
    for execution in own.select_related("organization", "melody__project").order_by("id")[:limit]:
        try:
            with transaction.atomic():
                verb(execution=execution)
        except SymphonyError as error:
            result.refusals += 1
            if len(result.refused) < _MOST_SHOWN:
                result.refused.append(Refusal(execution.pk, error.code, error.detail))
        else:
            result.done += 1
            if len(result.executions) < _MOST_SHOWN:
                result.executions.append(execution.pk)
