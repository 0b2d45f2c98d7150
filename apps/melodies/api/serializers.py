from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.melodies.models import Melody, MelodyStatus, MelodyVersion


class VersionSerializer(serializers.ModelSerializer[MelodyVersion]):
    class Meta:
        model = MelodyVersion
        fields = ("id", "number", "sha256", "step_count", "created_at")
        read_only_fields = fields


class VersionDetailSerializer(VersionSerializer):
    """With what was sent, letter by letter, and the canonical document that `sha256` is the hash of."""

    document = serializers.DictField(read_only=True)

    class Meta:
        model = MelodyVersion
        fields = (*VersionSerializer.Meta.fields, "media_type", "source", "document")
        read_only_fields = fields


class MelodySerializer(serializers.ModelSerializer[Melody]):
    status = serializers.ChoiceField(choices=MelodyStatus.choices, read_only=True)
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    version = serializers.SerializerMethodField(help_text="The latest version, which a run takes if none is named.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Melody
        fields = ("id", "name", "description", "status", "organization", "version", "created_at", "updated_at", "url")
        read_only_fields = fields

    @extend_schema_field(VersionSerializer)
    def get_version(self, melody: Melody) -> dict[str, Any] | None:
        latest: list[MelodyVersion] = melody.latest  # type: ignore[attr-defined]  # prefetched by queries.melodies
        return dict(VersionSerializer(latest[0]).data) if latest else None

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, melody: Melody) -> str:
        return reverse("melody", [melody.pk], request=self.context["request"])


class ProblemSerializer(serializers.Serializer[Any]):
    """One thing to mend in a document."""

    code = serializers.CharField()
    message = serializers.CharField()
    pointer = serializers.CharField(help_text="JSON pointer.")
    line = serializers.IntegerField(allow_null=True)
    column = serializers.IntegerField(allow_null=True)
    suggestion = serializers.CharField(allow_null=True, help_text="The word that was probably meant.")


class ValidationSerializer(serializers.Serializer[Any]):
    """`name`, `steps` and `mode` of a valid document, `errors` of another."""

    valid = serializers.BooleanField()
    name = serializers.CharField(required=False)
    steps = serializers.IntegerField(required=False, help_text="Steps in all, inner ones included.")
    mode = serializers.CharField(required=False, help_text="order: one after the other; dag: as dependencies allow.")
    errors = ProblemSerializer(many=True, required=False)  # type: ignore[assignment]  # a field
