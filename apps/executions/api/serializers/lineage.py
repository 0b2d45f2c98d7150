"""Where an artifact comes from and what was made from it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.executions.api.serializers.fields import URI
from apps.executions.lineage import MOST_DEPTH, MOST_STEPS, Lineage, Step
from apps.executions.models import Artifact, Execution

RELATIONS = ("read", "follows", "inside", "collects", "kept")


class LineageInput(serializers.Serializer[Any]):
    depth = serializers.IntegerField(
        min_value=1, max_value=MOST_DEPTH, default=1, help_text=f"How many steps away, 1 to {MOST_DEPTH}."
    )


class LineageArtifactSerializer(serializers.ModelSerializer[Artifact]):
    execution = serializers.UUIDField(source="execution_id", read_only=True)
    size = serializers.IntegerField(read_only=True, help_text="Bytes.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Artifact
        fields = ("id", "name", "content_type", "content_hash", "size", "execution", "created_at", "url")
        read_only_fields = fields

    @extend_schema_field(URI)
    def get_url(self, artifact: Artifact) -> str:
        return reverse("artifact", [artifact.pk], request=self.context["request"])


class LineageStepSerializer(serializers.Serializer[Step]):
    """A step with what it left."""

    task = serializers.UUIDField(source="task.pk")
    name = serializers.CharField(source="task.name")
    kind = serializers.CharField(source="task.kind")
    status = serializers.CharField(source="task.status")
    attempt = serializers.IntegerField(source="task.attempt")
    worker = serializers.CharField(source="task.worker", allow_null=True)
    execution = serializers.UUIDField(source="task.execution_id")
    version = serializers.UUIDField(source="task.version_id")
    version_sha256 = serializers.CharField(help_text="Hash of the document the step is in.")
    started_at = serializers.DateTimeField(source="task.started_at", allow_null=True)
    completed_at = serializers.DateTimeField(source="task.completed_at", allow_null=True)
    distance = serializers.IntegerField(help_text="Steps between it and the artifact's; 0 is the artifact's own.")
    result_sha256 = serializers.CharField(
        source="task.output_ref", allow_null=True, help_text="Of a large result: its address in the store."
    )
    result_size = serializers.IntegerField(allow_null=True, help_text="Of a large result: its bytes.")
    artifacts = LineageArtifactSerializer(many=True)


class LineageLinkSerializer(serializers.Serializer[Any]):
    task = serializers.UUIDField()
    source = serializers.UUIDField(  # type: ignore[assignment]  # a field, whatever a serializer calls its own
        help_text="The task it was made from."
    )
    relation = serializers.ChoiceField(choices=[(name, name) for name in RELATIONS])


class LineageRunSerializer(serializers.ModelSerializer[Execution]):
    melody = serializers.UUIDField(source="melody_id", read_only=True)
    version = serializers.UUIDField(source="version_id", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Execution
        fields = ("id", "melody", "version", "version_sha256", "correlation_id", "created_at", "url")
        read_only_fields = fields

    @extend_schema_field(URI)
    def get_url(self, execution: Execution) -> str:
        return reverse("execution", [execution.pk], request=self.context["request"])


class LineageSerializer(serializers.Serializer[Lineage]):
    artifact = LineageArtifactSerializer()
    attempt = serializers.IntegerField(
        source="artifact.attempt", allow_null=True, help_text="Which attempt of the task; null before it was recorded."
    )
    execution = LineageRunSerializer()
    made_by = LineageStepSerializer()
    made_from = LineageStepSerializer(many=True, help_text="The nearest first.")
    made_into = LineageStepSerializer(many=True, help_text="The nearest first.")
    links = LineageLinkSerializer(many=True)
    same_bytes = LineageArtifactSerializer(many=True, help_text="Other artifacts with these bytes, the latest few.")
    truncated = serializers.BooleanField(
        help_text=f"There is more: ask for a greater depth, unless it is more than {MOST_STEPS} steps."
    )
