from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.spending.models import Budget, OnExceed, Period, Scope
from apps.spending.queries import Spending

GROUPS: Final = ("model", "melody", "project", "day")
_LARGEST: Final = 2**62


class Money(serializers.DecimalField):
    """Dollars as text, `"0.0025"`, because a float would not add up."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=18, decimal_places=9, normalize_output=True, **options)


class SumsSerializer(serializers.Serializer[Any]):
    calls = serializers.IntegerField(help_text="Calls of real providers; those of the mock stand apart.")
    lost_calls = serializers.IntegerField(
        help_text="Of these, calls whose worker died. They count as estimated, because nobody knows what they came to."
    )
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cache_read_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()
    usd = Money(help_text="Of calls that are over.")
    reserved_usd = Money(help_text="Set aside for calls under way: the most they can come to.")
    mock_calls = serializers.IntegerField()
    mock_tokens = serializers.IntegerField()
    mock_usd = Money(help_text="What the calls of the mock provider would have cost.")


class GroupSerializer(SumsSerializer):
    key = serializers.CharField(
        allow_null=True, help_text="A model's name, the id of a melody or project (null: of none), or a day (UTC)."
    )


class TaskSpendingSerializer(SumsSerializer):
    task = serializers.UUIDField()


class SpendingSerializer(serializers.Serializer[Any]):
    group_by = serializers.ChoiceField(choices=GROUPS)
    total = SumsSerializer()
    groups = GroupSerializer(many=True, help_text="At most 1,000: days in their order, others the dearest first.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        bounds = {"from": serializers.DateTimeField(), "to": serializers.DateTimeField()}
        return {**bounds, **super().get_fields()}


class ExecutionSpendingSerializer(serializers.Serializer[Any]):
    """For `queries.execution_spending`, by way of `of_run`."""

    total = SumsSerializer()
    tasks = TaskSpendingSerializer(many=True, help_text="At most 1,000, the dearest first.")

    @classmethod
    def of_run(cls, spending: Spending) -> ExecutionSpendingSerializer:
        tasks = [{**group, "task": group["key"]} for group in spending.groups]
        return cls({"total": spending.total, "tasks": tasks})


class StandingSerializer(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    spent_usd = Money()
    reserved_usd = Money()
    remaining_usd = Money(allow_null=True)
    spent_tokens = serializers.IntegerField()
    reserved_tokens = serializers.IntegerField()
    remaining_tokens = serializers.IntegerField(allow_null=True)


class BudgetSerializer(serializers.ModelSerializer[Budget]):
    """`standings` in the context has where each of the budgets stands."""

    organization = serializers.UUIDField(source="organization_id", read_only=True)
    target = serializers.UUIDField(source="target_id", read_only=True, allow_null=True)
    scope = serializers.ChoiceField(choices=Scope.choices, read_only=True)
    period = serializers.ChoiceField(choices=Period.choices, read_only=True)
    on_exceed = serializers.ChoiceField(choices=OnExceed.choices, read_only=True)
    limit_usd = Money(read_only=True, allow_null=True)
    current = serializers.SerializerMethodField(help_text="What the period that runs now has cost.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Budget
        fields = (
            "id",
            "name",
            "organization",
            "scope",
            "target",
            "limit_usd",
            "limit_tokens",
            "period",
            "on_exceed",
            "alert_at",
            "counts_mock",
            "active",
            "current",
            "created_at",
            "updated_at",
            "url",
        )
        read_only_fields = fields

    @extend_schema_field(StandingSerializer)
    def get_current(self, budget: Budget) -> dict[str, Any]:
        return dict(StandingSerializer(self.context["standings"][budget.pk]).data)

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, budget: Budget) -> str:
        return reverse("budget", [budget.pk], request=self.context["request"])


class BudgetInput(serializers.Serializer[Budget]):
    name = serializers.CharField(max_length=200)
    scope = serializers.ChoiceField(choices=Scope.choices, required=False, help_text="organization if not given.")
    target = serializers.UUIDField(
        source="target_id",
        required=False,
        allow_null=True,
        help_text="The id of the project or melody; a melody's budget also counts what melodies nested in it spend.",
    )
    limit_usd = Money(min_value=0, required=False, allow_null=True)
    limit_tokens = serializers.IntegerField(min_value=0, max_value=_LARGEST, required=False, allow_null=True)
    period = serializers.ChoiceField(
        choices=Period.choices, required=False, help_text="month if not given. In UTC; weeks begin on Monday."
    )
    on_exceed = serializers.ChoiceField(
        choices=OnExceed.choices,
        required=False,
        help_text="What becomes of a call that does not fit: stop (its step fails), pause (an admin decides), cheaper "
        "(a cheaper model is asked). stop if not given.",
    )
    alert_at = serializers.IntegerField(
        min_value=1,
        max_value=100,
        required=False,
        allow_null=True,
        help_text="Percent of the limit at which an event `cost_alert` is recorded.",
    )
    counts_mock = serializers.BooleanField(required=False, help_text="Whether calls of the mock provider count.")
    active = serializers.BooleanField(
        required=False, help_text="An inactive budget goes on counting and refuses nothing."
    )
