"""The plan of a run as a graph."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

EDGE_NAMES: Final = ("success", "failure", "skipped", "done", "order")
"""By the number the plan keeps of an edge's kind."""


STRIPED: Final = 8
"""Added to that number where the join is counted in stripes; nothing a reader needs to know."""


class EdgeSerializer(serializers.Serializer[Any]):
    node = serializers.IntegerField(help_text="The successor's number.")
    when = serializers.CharField(help_text=f"What it needs of its predecessor: {', '.join(EDGE_NAMES)}.")


class NodeSerializer(serializers.Serializer[Any]):
    node = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    parent = serializers.IntegerField(  # type: ignore[assignment]  # a field, whatever a serializer calls its own
        allow_null=True, help_text="The composite step it is inside of."
    )
    depth = serializers.IntegerField()
    successors = EdgeSerializer(many=True)


class GraphSerializer(serializers.Serializer[Any]):
    """The plan of the version the execution runs; nodes of one body come in topological order."""

    nodes = NodeSerializer(many=True)
