"""Budgets; and to reserve before a call, to settle after it.

A reservation takes the most a call may cost from every budget it belongs to and from the limits of its run, or nothing
from any: concurrent calls wait for each other for an instant, so that no number of them overshoots. Each is a round trip
and a transaction of its own: call them outside of transactions, because one that stays open makes the whole
organization's calls wait.

The disk is not waited for while others wait. A reservation waits for it afterwards, in a second, empty transaction, so that
no call is made that a crash of the database could forget. A settlement does not: if it is forgotten the reservation is
still there, and counts in full when it is given up as lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.core.errors import Invalid
from apps.core.ids import uuid7
from apps.core.tenancy import sweeping
from apps.projects.models import Project
from apps.spending.errors import BudgetExceeded, Exceeded
from apps.spending.limits import NO_LIMITS, RunLimits
from apps.spending.models import Budget, OnExceed, Period, Scope

LONGEST_CALL: Final = 900.0
"""Seconds after which a reservation counts as lost, unless it says otherwise; the lease is added."""
_SMALLEST: Final = Decimal("0.000000001")
_COUNTED: Final = frozenset({"scope", "target_id", "period", "counts_mock"})
_KINDS_OF_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


@dataclass(frozen=True, slots=True)
class Alert:
    """To be recorded as an event `cost_alert`; each is given once. `scope` as in `Exceeded`; `percent` of a budget."""

    name: str
    scope: str
    budget_id: str | None
    limit_usd: Decimal | None
    spent_usd: Decimal
    percent: int | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """`alerts`: the run went beyond a limit whose action is "continue"."""

    id: UUID
    usd: Decimal
    tokens: int
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """`changed` is False when the reservation was settled or released before, or is not there."""

    changed: bool
    alerts: tuple[Alert, ...] = ()


def reserve(
    *,
    organization_id: UUID | str,
    project_id: UUID | str | None,
    melody_id: UUID | str | None,
    execution_id: UUID | str,
    task_id: UUID | str,
    attempt: int,
    provider: str,
    model: str,
    tokens: int,
    usd: Decimal,
    limits: RunLimits = NO_LIMITS,
    mock: bool = False,
    override: bool = False,
    ancestors: Sequence[UUID | str] = (),
    seconds: float = LONGEST_CALL,
) -> Reservation:
    """Set aside the most that a call may cost, or raise `BudgetExceeded`.

    `tokens` (input and the largest output) and `usd` must not be less than the call can come to: what goes beyond is
    counted all the same, but could not be refused. `ancestors` are the melodies around a nested one: their budgets hold
    for it as well. `seconds`: the longest the call may take, all retries of the SDK included.
    """
    identifier, most = uuid7(), _money(usd, rounding=ROUND_CEILING)
    call = {
        "id": str(identifier),
        "project": _text(project_id),
        "melody": _text(melody_id),
        "melodies": sorted({str(each) for each in (*ancestors, melody_id) if each}),
        "execution": str(execution_id),
        "task": str(task_id),
        "attempt": attempt,
        "provider": provider[:50],
        "model": model[:200],
        "mock": mock,
        "override": override,
        "tokens": _count(tokens),
        "usd": str(most),
        "alert_usd": None if limits.alert_usd is None else str(limits.alert_usd),
        "seconds": seconds + settings.SYMPHONY_LEASE_SECONDS,
        "limits": [
            {"name": each.name, "measure": each.measure, "amount": str(each.amount), "action": each.action}
            for each in limits.limits()
        ],
    }
    alone = not connection.in_atomic_block
    answer = _call("SELECT spending_reserve(%s, %s, %s)", [organization_id, json.dumps(call), alone])
    if refused := answer.get("refused"):
        raise BudgetExceeded(_exceeded(refused), refused["action"])
    if alone:
        _wait_for_the_disk()
    return Reservation(identifier, most, tokens, _alerts(answer))


def settle(
    *,
    reservation_id: UUID | str,
    usage: Mapping[str, int],
    usd: Decimal,
    model: str | None = None,
    organization_id: UUID | str | None = None,
) -> Settlement:
    """What the call came to in the end, also if it failed after it was made. A second settlement changes nothing.

    `usage` has input_tokens, output_tokens, cache_read_tokens and cache_write_tokens; what is not there is 0. Without an
    `organization_id` call it within `working_for`. Also mends a reservation that was given up as lost meanwhile.
    """
    spent = {name: _count(usage.get(name, 0)) for name in _KINDS_OF_TOKENS}
    outcome = {"state": "settled", "usd": str(_money(usd)), "model": model and model[:200], **spent}
    return _close(organization_id, reservation_id, outcome)


def release(*, reservation_id: UUID | str, organization_id: UUID | str | None = None) -> Settlement:
    """The call was not made. After a settlement it changes nothing."""
    return _close(organization_id, reservation_id, {"state": "released"})


def close_lost(*, limit: int = 500) -> int:
    """Count reservations as spent whose call must be over by now and that nobody settled: their worker died.

    For the sweep, on a worker's database role. Returns how many there were; at `limit` there may be more.
    """
    with sweeping():
        return int(_call("SELECT spending_close_lost(%s)", [limit]))


def create_budget(
    *,
    actor: User,
    organization: Organization,
    name: str,
    scope: str = Scope.ORGANIZATION,
    target_id: UUID | None = None,
    limit_usd: Decimal | None = None,
    limit_tokens: int | None = None,
    period: str = Period.MONTH,
    on_exceed: str = OnExceed.STOP,
    alert_at: int | None = None,
    counts_mock: bool = False,
    active: bool = True,
) -> Budget:
    """What its current period has cost by now counts, calls under way excepted."""
    require(actor=actor, organization=organization, action=Action.ADMINISTER)
    budget = Budget(
        organization=organization,
        name=name,
        scope=scope,
        target_id=target_id,
        limit_usd=limit_usd,
        limit_tokens=limit_tokens,
        period=period,
        on_exceed=on_exceed,
        alert_at=alert_at,
        counts_mock=counts_mock,
        active=active,
        created_by=actor,
    )
    here = Project.objects.filter(organization=organization)
    if scope == Scope.PROJECT and target_id is not None and not here.filter(pk=target_id).exists():
        raise _invalid("/target", "unknown_project", f"There is no project {target_id} in {organization.name}.")
    return _save(budget)


def update_budget(*, actor: User, budget: Budget, **changes: Any) -> Budget:
    """What holds from the next call on. What a budget counts stays as it is: its totals would not be true any more."""
    require(actor=actor, organization=budget.organization, action=Action.ADMINISTER)
    for name, value in changes.items():
        if name in _COUNTED and value != getattr(budget, name):
            field = "target" if name == "target_id" else name
            raise _invalid(f"/{field}", "fixed", f"The {field} of a budget cannot be changed: make another budget.")
        setattr(budget, name, value)
    return _save(budget)


def delete_budget(*, actor: User, budget: Budget) -> None:
    """What was spent stays in the usage of the organization."""
    require(actor=actor, organization=budget.organization, action=Action.ADMINISTER)
    with transaction.atomic():
        budget.delete()


def _save(budget: Budget) -> Budget:
    budget.name = budget.name.strip()
    if not budget.name:
        raise _invalid("/name", "required", "A budget needs a name.")
    if budget.limit_usd is None and budget.limit_tokens is None:
        raise _invalid("/limit_usd", "required", "A budget needs a limit: limit_usd, limit_tokens, or both.")
    if (budget.target_id is None) != (budget.scope == Scope.ORGANIZATION):
        needed = "no `target`" if budget.target_id else f"the id of the {budget.scope} in `target`"
        raise _invalid("/target", "invalid", f"A budget of scope {budget.scope} has {needed}.")
    budget.full_clean()
    budget.save()
    return budget


def _invalid(pointer: str, code: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"code": code, "message": message, "pointer": pointer}])


def _close(organization_id: UUID | str | None, reservation_id: UUID | str, outcome: Mapping[str, Any]) -> Settlement:
    alone = not connection.in_atomic_block
    answer = _call(
        "SELECT spending_settle(%s, %s, %s, %s)", [organization_id, reservation_id, json.dumps(outcome), alone]
    )
    return Settlement(answer["changed"], _alerts(answer))


def _call(sql: str, parameters: Sequence[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        (answer,) = cursor.fetchone()
    return json.loads(answer, parse_float=Decimal) if isinstance(answer, str) else answer


def _wait_for_the_disk() -> None:
    """A commit that waits for what was committed before it as well, by now without holding anybody up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_logical_emit_message(true, 'spending', '')")


def _alerts(answer: Mapping[str, Any]) -> tuple[Alert, ...]:
    return tuple(
        Alert(**{each.name: _decimal(alert, each.name) for each in fields(Alert)}) for alert in answer["alerts"]
    )


def _exceeded(refused: Mapping[str, Any]) -> Exceeded:
    return Exceeded(**{each.name: _decimal(refused, each.name) for each in fields(Exceeded)})


def _decimal(row: Mapping[str, Any], name: str) -> Any:
    value = row[name]
    return (
        Decimal(value) if value is not None and name in {"limit", "used", "wanted", "limit_usd", "spent_usd"} else value
    )


def _text(value: UUID | str | None) -> str | None:
    return str(value) if value else None


def _money(usd: Decimal, *, rounding: str | None = None) -> Decimal:
    if not usd.is_finite() or usd < 0:
        raise ValueError(f"a call costs nothing or more, not {usd}")
    return usd.quantize(_SMALLEST, rounding=rounding)


def _count(tokens: int) -> int:
    if tokens < 0:
        raise ValueError(f"a call takes no tokens or some, not {tokens}")
    return int(tokens)


__all__ = [
    "Alert",
    "BudgetExceeded",
    "Exceeded",
    "Reservation",
    "RunLimits",
    "Settlement",
    "close_lost",
    "create_budget",
    "delete_budget",
    "release",
    "reserve",
    "settle",
    "update_budget",
]
