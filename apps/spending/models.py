"""What model calls cost, and how much they may.

`Usage`, `RunTotal` and `BudgetPeriod` are written by the SQL functions in sql/ only. As the ledger's tables they carry
keys without a database constraint: a checked key costs a row lock on the same parent row in every call.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import Organization
from apps.core.ids import uuid7


class Scope(models.TextChoices):
    """Whose calls a budget counts."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    MELODY = "melody"


class Period(models.TextChoices):
    """After which time a budget starts afresh, in UTC; weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class OnExceed(models.TextChoices):
    """What becomes of a call that does not fit."""

    STOP = "stop"
    PAUSE = "pause"
    CHEAPER = "cheaper"


class UsageState(models.TextChoices):
    """`lost`: its worker died, so that nobody knows whether the call was made; it counts as estimated."""

    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"
    LOST = "lost"


def _usd(**options: Any) -> models.DecimalField[Any, Any]:
    """Dollars: a single token may cost less than a millionth of one."""
    return models.DecimalField(max_digits=18, decimal_places=9, **options)


class Owned(models.Model):
    """A row of an organization, without a checked foreign key."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        abstract = True


class Budget(models.Model):
    """A limit in dollars, in tokens, or both. `target_id` is the project's or the melody's id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="budgets")
    name = models.CharField(max_length=200)
    scope = models.CharField(max_length=12, choices=Scope, default=Scope.ORGANIZATION)
    target_id = models.UUIDField(null=True, blank=True)
    limit_usd = _usd(null=True, blank=True)
    limit_tokens = models.BigIntegerField(null=True, blank=True)
    period = models.CharField(max_length=5, choices=Period, default=Period.MONTH)
    on_exceed = models.CharField(max_length=7, choices=OnExceed, default=OnExceed.STOP)
    alert_at = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Percent of the limit.")
    counts_mock = models.BooleanField(default=False, help_text="Whether calls of the mock provider count.")
    active = models.BooleanField(default=True, help_text="An inactive budget goes on counting and refuses nothing.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(condition=Q(scope__in=Scope.values), name="budget_scope"),
            models.CheckConstraint(condition=Q(period__in=Period.values), name="budget_period"),
            models.CheckConstraint(condition=Q(on_exceed__in=OnExceed.values), name="budget_on_exceed"),
            models.CheckConstraint(
                condition=Q(scope="organization", target_id=None) | ~Q(scope="organization") & ~Q(target_id=None),
                name="budget_target",
                violation_error_message="A budget of a project or melody needs its id, one of the organization has none.",
            ),
            models.CheckConstraint(
                condition=~Q(limit_usd=None, limit_tokens=None)
                & (Q(limit_usd=None) | Q(limit_usd__gte=0))
                & (Q(limit_tokens=None) | Q(limit_tokens__gte=0)),
                name="budget_limit",
                violation_error_message="A budget needs a limit, in dollars or in tokens, that is not negative.",
            ),
            models.CheckConstraint(
                condition=Q(alert_at=None) | Q(alert_at__range=(1, 100)),
                name="budget_alert_at",
                violation_error_message="An alert is given at 1 to 100 percent.",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Totals(Owned):
    """`reserved` of calls under way, `spent` of those that are over."""

    reserved_usd = _usd(default=0)
    reserved_tokens = models.BigIntegerField(default=0)
    spent_usd = _usd(default=0)
    spent_tokens = models.BigIntegerField(default=0)
    alerted_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class BudgetPeriod(Totals):
    """What one period of a budget has cost. The row that concurrent calls wait for each other at."""

    budget = models.ForeignKey(
        Budget, on_delete=models.CASCADE, related_name="periods", db_constraint=False, db_index=False
    )
    starts_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["budget", "starts_at"], name="budget_period_once")]

    def __str__(self) -> str:
        return f"{self.budget_id} from {self.starts_at:%Y-%m-%d}"


class RunTotal(Totals):
    """What one execution has cost, mock calls included: the limits of the document hold for them too."""

    execution_id = models.UUIDField(primary_key=True)
    calls = models.IntegerField(default=0)
    alert_usd = _usd(null=True)
    warned_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.execution_id)


class Usage(Owned):
    """One model call. `usd` and `tokens` are what counts now: the estimate, from the settlement on what it was."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project_id = models.UUIDField(null=True)
    melody_id = models.UUIDField(null=True)
    melodies: models.Field[list[Any], list[Any]] = ArrayField(models.UUIDField(), default=list)
    execution_id = models.UUIDField()
    task_id = models.UUIDField()
    attempt = models.IntegerField()
    provider = models.CharField(max_length=50)
    model = models.CharField(max_length=200)
    mock = models.BooleanField()
    override = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=UsageState, default=UsageState.RESERVED)
    reserved_usd = _usd()
    reserved_tokens = models.BigIntegerField()
    usd = _usd()
    tokens = models.BigIntegerField()
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    periods: models.Field[list[int], list[int]] = ArrayField(models.BigIntegerField(), default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "usage"
        indexes: ClassVar = [
            models.Index(fields=["organization", "created_at"], name="usage_by_time"),
            models.Index(fields=["execution_id", "task_id"], name="usage_by_task"),
            models.Index(fields=["expires_at"], name="usage_open", condition=Q(state="reserved")),
        ]

    def __str__(self) -> str:
        return f"{self.model}, {self.state}"
