"""What starting and controlling a run take."""

from __future__ import annotations

from rest_framework import serializers

from apps.core.api.strict import StrictSerializer
from apps.executions.api.serializers.fields import MAX_VERSION


class StartInput(StrictSerializer):
    input = serializers.DictField(required=False, help_text="Names and values, as `inputs.…` in the melody.")
    version = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_VERSION, help_text="The latest if not given."
    )
    correlation_id = serializers.UUIDField(
        required=False, help_text="Your own name for this run, new for each; one is made if not given."
    )
    parent = serializers.UUIDField(  # type: ignore[assignment]  # a field
        required=False, help_text="The execution this one is started for."
    )
    priority = serializers.IntegerField(
        required=False, min_value=-10, max_value=10, help_text="Among the runs of the organization; 0 if not given."
    )


class PauseInput(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class CancelInput(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    cascade = serializers.BooleanField(
        required=False, default=True, help_text="Cancel the executions that were started for it as well."
    )
