"""Bodies that hold nothing but what is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """A field under a name nobody reads would be an order other than was meant."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(map(str, set(data) - set(self.fields))) if isinstance(data, Mapping) else []
        if unknown:
            known = f"there are {', '.join(self.fields)}" if self.fields else "nothing is read here"
            raise serializers.ValidationError(
                {name: [f"There is no such field; {known}."] for name in unknown}, code="unknown_field"
            )
        return super().to_internal_value(data)


class NoInput(StrictSerializer):
    """Of a route that takes no body: whoever sends one meant something by it."""
