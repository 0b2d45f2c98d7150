"""What may be read of spending, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Count, DecimalField, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDay

from apps.accounts import queries as accounts
from apps.accounts.models import Organization, User
from apps.spending.errors import BudgetNotFound
from apps.spending.models import Budget, Usage, UsageState

GroupBy = Literal["model", "melody", "project", "day"]
MOST_GROUPS: Final = 1000
_SUM: Final = "sum_"
_DEAREST: Final = ("-sum_usd", "-sum_mock_usd", "key")

_REAL = Q(mock=False)
_OVER = Q(state__in=(UsageState.SETTLED, UsageState.LOST))
_KEYS: Final[dict[GroupBy, Any]] = {
    "model": F("model"),
    "melody": F("melody_id"),
    "project": F("project_id"),
    "day": TruncDay("created_at", tzinfo=UTC),
}


def _count(condition: Q) -> Any:
    return Count("pk", filter=condition)


def _tokens(name: str, condition: Q) -> Any:
    return Coalesce(Sum(name, filter=condition), 0)


def _usd(condition: Q) -> Any:
    return Coalesce(Sum("usd", filter=condition), Decimal(0), output_field=DecimalField())


_SUMS: Final[dict[str, Any]] = {
    "calls": _count(_REAL),
    "lost_calls": _count(_REAL & Q(state=UsageState.LOST)),
    "input_tokens": _tokens("input_tokens", _REAL),
    "output_tokens": _tokens("output_tokens", _REAL),
    "cache_read_tokens": _tokens("cache_read_tokens", _REAL),
    "cache_write_tokens": _tokens("cache_write_tokens", _REAL),
    "usd": _usd(_REAL & _OVER),
    "reserved_usd": _usd(_REAL & Q(state=UsageState.RESERVED)),
    "mock_calls": _count(~_REAL),
    "mock_tokens": _tokens("tokens", ~_REAL & _OVER),
    "mock_usd": _usd(~_REAL & _OVER),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The current period of a budget; `ends_at` None where it has no end. What remains is never less than 0."""

    starts_at: datetime
    ends_at: datetime | None
    spent_usd: Decimal
    reserved_usd: Decimal
    remaining_usd: Decimal | None
    spent_tokens: int
    reserved_tokens: int
    remaining_tokens: int | None


@dataclass(frozen=True, slots=True)
class Spending:
    """`total` and each of `groups` have the sums of `_SUMS`; a group has its `key` besides. At most 1,000 groups."""

    total: dict[str, Any]
    groups: list[dict[str, Any]]


def budgets(*, actor: User, organization: Organization) -> QuerySet[Budget]:
    """To a member; to anybody else none."""
    return Budget.objects.filter(
        organization=organization, organization__in=accounts.organizations(actor=actor)
    ).order_by("-id")


def budget_for(*, actor: User, budget_id: UUID) -> Budget:
    budget = (
        Budget.objects.filter(organization__in=accounts.organizations(actor=actor), pk=budget_id)
        .select_related("organization")
        .first()
    )
    if budget is None:
        raise BudgetNotFound
    return budget


def standings(budgets: Sequence[Budget]) -> dict[UUID, Standing]:
    """Where budgets stand now, in one question. Evaluate it while acting as somebody who may see them."""
    sql = """
      SELECT b.id, s.starts_at, CASE b.period WHEN 'total' THEN NULL ELSE s.starts_at + ('1 ' || b.period)::interval END,
             coalesce(q.spent_usd, c.usd), coalesce(q.reserved_usd, 0), coalesce(q.spent_tokens, c.tokens),
             coalesce(q.reserved_tokens, 0)
      FROM spending_budget b
      CROSS JOIN LATERAL (SELECT spending_period_start(b.period, now()) AS starts_at) s
      LEFT JOIN spending_budgetperiod q ON q.budget_id = b.id AND q.starts_at = s.starts_at
      LEFT JOIN LATERAL (
        SELECT * FROM spending_counted(b.organization_id, b.scope, b.target_id, b.counts_mock, s.starts_at)
        WHERE q.id IS NULL) c ON true
      WHERE b.id = ANY (%s::uuid[])
    """
    known = {budget.pk: budget for budget in budgets}
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(known)])
        return {row[0]: _standing(known[row[0]], *row[1:]) for row in cursor.fetchall()}


def spending(
    *,
    actor: User,
    organization: Organization,
    since: datetime,
    until: datetime,
    group_by: GroupBy,
) -> Spending:
    """Calls begun in that time, summed up: days in their order, everything else the dearest first."""
    rows = Usage.objects.filter(
        organization=organization,
        organization__in=accounts.organizations(actor=actor),
        created_at__gte=since,
        created_at__lt=until,
    ).exclude(state=UsageState.RELEASED)
    return _summed(rows, _KEYS[group_by], ("key",) if group_by == "day" else _DEAREST)


def execution_spending(execution_id: UUID) -> Spending:
    """Of one run, by task. Evaluate it while acting as somebody who may see the run."""
    rows = Usage.objects.filter(execution_id=execution_id).exclude(state=UsageState.RELEASED)
    return _summed(rows, F("task_id"), _DEAREST)


def _summed(rows: QuerySet[Usage], key: Any, order: Sequence[str]) -> Spending:
    # Under names of their own: the fields of the model have some of these already.
    sums = {f"{_SUM}{name}": expression for name, expression in _SUMS.items()}
    groups = rows.order_by().values(key=key).annotate(**sums).order_by(*order)[:MOST_GROUPS]
    return Spending(_renamed(rows.aggregate(**sums)), [_renamed(group) for group in groups])


def _renamed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(_SUM): value for name, value in row.items()}


def _standing(
    budget: Budget,
    starts_at: datetime,
    ends_at: datetime | None,
    spent_usd: Decimal,
    reserved_usd: Decimal,
    spent_tokens: int,
    reserved_tokens: int,
) -> Standing:
    usd, tokens = budget.limit_usd, budget.limit_tokens
    return Standing(
        starts_at=starts_at,
        ends_at=ends_at,
        spent_usd=spent_usd,
        reserved_usd=reserved_usd,
        remaining_usd=None if usd is None else max(usd - spent_usd - reserved_usd, Decimal(0)),
        spent_tokens=spent_tokens,
        reserved_tokens=reserved_tokens,
        remaining_tokens=None if tokens is None else max(tokens - spent_tokens - reserved_tokens, 0),
    )
