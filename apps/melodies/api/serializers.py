from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.melodies.models import Melody, MelodyStatus, MelodyVersion
from apps.melodies.paths import LONGEST_PATH


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
    path = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="What a `pipeline_file` of another melody finds this one by; null if it has none.",
    )
    project = serializers.UUIDField(source="project_id", read_only=True, allow_null=True)
    version = serializers.SerializerMethodField(help_text="The latest version, which a run takes if none is named.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Melody
        fields = ("id", "name", "description", "status", "organization", "path", "project", "version", "created_at", "updated_at",
                  "url")  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(VersionSerializer)
    def get_version(self, melody: Melody) -> dict[str, Any] | None:
        latest: list[MelodyVersion] = melody.latest  # type: ignore[attr-defined]  # prefetched by queries.melodies
        return dict(VersionSerializer(latest[0]).data) if latest else None

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, melody: Melody) -> str:
        return reverse("melody", [melody.pk], request=self.context["request"])


class MelodyChangeSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(
        allow_null=True,
        required=False,
        trim_whitespace=False,
        max_length=4 * LONGEST_PATH,
        help_text="Relative, parts divided by /, unique in the organization: pipelines/review.yaml. Null takes it away.",
    )

    project = serializers.UUIDField(allow_null=True, required=False, help_text="Null takes it out of its project.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        known = ", ".join(self.fields)
        for name in self.initial_data:
            if name not in self.fields:
                raise serializers.ValidationError({name: f"This cannot be changed here; what can is: {known}."})
        return attrs


class ProblemSerializer(serializers.Serializer[Any]):
    """One thing to mend in a document."""

    code = serializers.CharField()
    message = serializers.CharField()
    pointer = serializers.CharField(help_text="JSON pointer.")
    line = serializers.IntegerField(allow_null=True)
    column = serializers.IntegerField(allow_null=True)
    suggestion = serializers.CharField(allow_null=True, help_text="The word that was probably meant.")
    severity = serializers.ChoiceField(choices=["error", "warning"])


class ValidationSerializer(serializers.Serializer[Any]):
    """`name`, `steps` and `mode` of a valid document, `errors` of another."""

    valid = serializers.BooleanField()
    name = serializers.CharField(required=False)
    steps = serializers.IntegerField(required=False, help_text="Steps in all, inner ones included.")
    mode = serializers.CharField(required=False, help_text="order: one after the other; dag: as dependencies allow.")
    errors = ProblemSerializer(many=True, required=False)  # type: ignore[assignment]  # a field
    warnings = ProblemSerializer(
        many=True, help_text="What a person should look at; the codes are in docs/language.md."
    )
