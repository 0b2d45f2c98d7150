"""What controlling runs takes and says."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.core.api.strict import StrictSerializer
from apps.executions.api.serializers.fields import MAX_VERSION
from apps.executions.services.bulk import MOST_AT_ONCE, USUAL, BulkAction
from apps.executions.services.steps import LONGEST_REASON
from apps.executions.states import RerunMode
from apps.executions.step_addresses import LONGEST


def _reason(help_text: str = "Why, for people; kept with the event.") -> serializers.CharField:
    return serializers.CharField(
        required=False, allow_blank=True, default="", max_length=LONGEST_REASON, help_text=help_text
    )


class RetryInput(StrictSerializer):
    reason = _reason()


class RerunInput(StrictSerializer):
    mode = serializers.ChoiceField(
        choices=[(mode.value, mode.value) for mode in RerunMode],
        help_text="failed: what failed or did not come to its end. downstream: that, with all that follows. from_here: `step`, "
        "with all that follows.",
    )
    step = serializers.CharField(
        required=False,
        default="",
        max_length=LONGEST,
        help_text="With from_here: a step's name, `loop[3]` for an iteration (counted from 0), `loop[3].inner` for a step of "
        "it, or the id of a task.",
    )
    version = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_VERSION,
        help_text="The one the earlier execution ran if not given. In another one, every step whose result is kept must be the "
        "same.",
    )
    input = serializers.DictField(required=False, help_text="Instead of the earlier execution's input.")
    correlation_id = serializers.UUIDField(required=False, help_text="Your own name for the new execution.")


class SkipInput(StrictSerializer):
    reason = _reason()


class ResultInput(StrictSerializer):
    output = serializers.JSONField(
        allow_null=True, help_text="The step's result; it must fit its `output_schema` where there is one."
    )
    reason = _reason()


class BulkFilterInput(StrictSerializer):
    """All that is given must hold."""

    ids = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        allow_empty=False,
        max_length=MOST_AT_ONCE,
        help_text="These only.",
    )
    status = serializers.ListField(
        child=serializers.CharField(max_length=20), required=False, allow_empty=False, max_length=20
    )
    organization = serializers.UUIDField(required=False)
    project = serializers.UUIDField(required=False)
    melody = serializers.UUIDField(required=False)
    agent = serializers.UUIDField(required=False)
    trigger = serializers.UUIDField(required=False)
    parent = serializers.UUIDField(  # type: ignore[assignment]  # a field
        required=False, help_text="Started for this execution."
    )
    rerun_of = serializers.UUIDField(required=False)
    correlation_id = serializers.UUIDField(required=False)
    error_code = serializers.CharField(required=False, max_length=50)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)


class BulkInput(StrictSerializer):
    action = serializers.ChoiceField(choices=[(action.value, action.value) for action in BulkAction])
    filter = BulkFilterInput(help_text="At least one of its fields; only executions the action is possible for count.")
    dry_run = serializers.BooleanField(required=False, default=True, help_text="Only count. You have to say false.")
    expected = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_VERSION,
        help_text="Do nothing unless so many match (409 count_changed).",
    )
    limit = serializers.IntegerField(
        required=False,
        default=USUAL,
        min_value=1,
        max_value=MOST_AT_ONCE,
        help_text="How many at once, the oldest first.",
    )
    reason = _reason()


class RefusalSerializer(serializers.Serializer[Any]):
    execution = serializers.UUIDField()
    code = serializers.CharField()
    message = serializers.CharField()


@extend_schema_serializer(component_name="ExecutionBulkResult")
class BulkResultSerializer(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField()
    matched = serializers.IntegerField(help_text="How many there were, before anything was done.")
    by_status = serializers.DictField(child=serializers.IntegerField(), help_text="Of those that matched.")
    done = serializers.IntegerField()
    refusals = serializers.IntegerField()
    remaining = serializers.IntegerField(help_text="Matched, and not looked at: say it again.")
    executions = serializers.ListField(child=serializers.UUIDField(), help_text="The first 100 it was done with.")
    refused = RefusalSerializer(many=True, help_text="The first 100 that refused, and why.")


__all__ = [
    "BulkFilterInput",
    "BulkInput",
    "BulkResultSerializer",
    "RerunInput",
    "ResultInput",
    "RetryInput",
    "SkipInput",
]
