"""What starting and controlling a run take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.executions.api.serializers.fields import MAX_VERSION
from apps.executions.models import Execution


class StartInput(serializers.Serializer[Execution]):
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

    def to_internal_value(self, data: Any) -> Any:
        # An input under a name nobody reads would be a run with other values than were meant.
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"There is no such field; there are {known}."] for name in unknown}, code="unknown_field"
            )
        return super().to_internal_value(data)


class PauseInput(serializers.Serializer[Execution]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class CancelInput(serializers.Serializer[Execution]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    cascade = serializers.BooleanField(
        required=False, default=True, help_text="Cancel the executions that were started for it as well."
    )
