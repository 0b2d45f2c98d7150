"""Events and artifacts."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.executions.api.serializers.fields import URI
from apps.executions.models import Artifact, Event


class EventSerializer(serializers.ModelSerializer[Event]):
    type = serializers.CharField(source="event_type", read_only=True)
    task = serializers.UUIDField(source="task_id", read_only=True, allow_null=True)
    task_name = serializers.SerializerMethodField()
    payload = serializers.DictField(read_only=True)
    cursor = serializers.SerializerMethodField(help_text="Its `id` in the stream, good for `Last-Event-ID`.")

    class Meta:
        model = Event
        fields = ("id", "type", "task", "task_name", "payload", "occurred_at", "cursor")
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"]})
    def get_task_name(self, event: Event) -> str | None:
        name: str | None = self.context["task_names"].get(event.task_id)
        return name

    def get_cursor(self, event: Event) -> str:
        return f"{event.position}-{event.pk}"


class ArtifactSerializer(serializers.ModelSerializer[Artifact]):
    execution = serializers.UUIDField(source="execution_id", read_only=True)
    task = serializers.UUIDField(source="task_id", read_only=True)
    task_name = serializers.SerializerMethodField()
    name = serializers.CharField(read_only=True)
    artifact_type = serializers.CharField(read_only=True)
    content_type = serializers.CharField(read_only=True)
    content_hash = serializers.CharField(read_only=True, help_text="SHA-256 of the bytes.")
    size = serializers.IntegerField(read_only=True, help_text="Bytes.")
    metadata = serializers.DictField(read_only=True)
    url = serializers.SerializerMethodField()
    content_url = serializers.SerializerMethodField(help_text="Where the bytes are.")
    lineage_url = serializers.SerializerMethodField(help_text="Where it comes from, and what was made from it.")

    class Meta:
        model = Artifact
        fields = (
            "id",
            "execution",
            "task",
            "task_name",
            "attempt",
            "name",
            "artifact_type",
            "content_type",
            "content_hash",
            "size",
            "metadata",
            "created_at",
            "url",
            "content_url",
            "lineage_url",
        )
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"]})
    def get_task_name(self, artifact: Artifact) -> str | None:
        name: str | None = self.context["task_names"].get(artifact.task_id)
        return name

    @extend_schema_field(URI)
    def get_url(self, artifact: Artifact) -> str:
        return reverse("artifact", [artifact.pk], request=self.context["request"])

    @extend_schema_field(URI)
    def get_content_url(self, artifact: Artifact) -> str:
        return reverse("artifact-content", [artifact.pk], request=self.context["request"])

    @extend_schema_field(URI)
    def get_lineage_url(self, artifact: Artifact) -> str:
        return reverse("artifact-lineage", [artifact.pk], request=self.context["request"])
