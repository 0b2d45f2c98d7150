from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.melodies.models import (
    LONGEST_EXTENSION,
    MOST_EXTENSIONS,
    ConnectionOrigin,
    CreationSource,
    Melody,
    MelodyStatus,
    MelodyVersion,
    PricingTier,
)
from apps.melodies.paths import LONGEST_PATH
from apps.melodies.searching import marked
from apps.melodies.services import MOST_AT_ONCE, BulkAction
from apps.melodies.tags import LONGEST_TAG, MOST_TAGS

NEW_STATUSES: Final = [(status.value, status.label) for status in (MelodyStatus.DRAFT, MelodyStatus.ACTIVE)]


class VersionSerializer(serializers.ModelSerializer[MelodyVersion]):
    created_by = serializers.UUIDField(source="created_by_id", read_only=True)
    semver = serializers.CharField(read_only=True, help_text="MAJOR.MINOR.PATCH; grows with each version.")
    change_summary = serializers.CharField(read_only=True, help_text="What is other than in the version before.")

    class Meta:
        model = MelodyVersion
        fields = ("id", "number", "semver", "change_summary", "sha256", "step_count", "created_by", "created_at")
        read_only_fields = fields


class VersionDetailSerializer(VersionSerializer):
    """With what was sent, letter by letter, and the canonical document that `sha256` is the hash of."""

    document = serializers.DictField(read_only=True)

    class Meta:
        model = MelodyVersion
        fields = (*VersionSerializer.Meta.fields, "media_type", "source", "document")
        read_only_fields = fields


class HighlightSerializer(serializers.Serializer[Any]):
    """Of a melody that a search has found."""

    name = serializers.CharField(help_text="HTML; what matches stands in `<mark>`, all else is escaped.")
    description = serializers.CharField(help_text="The same, of the parts of the description that match.")


class MelodySerializer(serializers.ModelSerializer[Melody]):
    status = serializers.ChoiceField(choices=MelodyStatus.choices, read_only=True)
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    path = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="What a `pipeline_file` of another melody finds this one by; null if it has none.",
    )
    project = serializers.UUIDField(source="project_id", read_only=True, allow_null=True)
    agent = serializers.UUIDField(
        source="agent_id", read_only=True, allow_null=True, help_text="The agent it is a workflow of."
    )
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)
    creation_source = serializers.ChoiceField(choices=CreationSource.choices, read_only=True)
    compatible_extensions = serializers.ListField(child=serializers.CharField(), read_only=True)
    pricing_tier = serializers.ChoiceField(choices=PricingTier.choices, read_only=True)
    parent = serializers.SerializerMethodField(  # type: ignore[assignment]  # a field
        help_text="The melody it is a fork of; null if it is none, or if you may not see that melody."
    )
    forked_from_version = serializers.SerializerMethodField(help_text="The semver of the parent's version it began as.")
    fork_count = serializers.SerializerMethodField(help_text="Its forks, as far as you may see them.")
    created_by = serializers.UUIDField(source="created_by_id", read_only=True)
    published_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When it was first active; null of a draft."
    )
    version = serializers.SerializerMethodField(help_text="The latest version, which a run takes if none is named.")
    highlight = serializers.SerializerMethodField(help_text="Where it matches; null unless something was searched.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Melody
        fields = (
            "id", "name", "description", "status", "organization", "path", "project", "agent", "tags", "creation_source",
            "compatible_extensions", "pricing_tier", "parent", "forked_from_version", "fork_count", "version", "highlight",
            "created_by", "created_at", "updated_at", "published_at", "url",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(VersionSerializer(allow_null=True))
    def get_version(self, melody: Melody) -> dict[str, Any] | None:
        latest: list[MelodyVersion] = melody.latest  # type: ignore[attr-defined]  # prefetched by queries.melodies
        return dict(VersionSerializer(latest[0]).data) if latest else None

    @extend_schema_field({"type": ["string", "null"], "format": "uuid"})
    def get_parent(self, melody: Melody) -> UUID | None:
        parent: UUID | None = melody.shown_parent  # type: ignore[attr-defined]  # by queries.add_lineage
        return parent

    @extend_schema_field({"type": ["string", "null"]})
    def get_forked_from_version(self, melody: Melody) -> str | None:
        semver: str | None = melody.forked_from  # type: ignore[attr-defined]  # by queries.add_lineage
        return semver

    def get_fork_count(self, melody: Melody) -> int:
        count: int = melody.fork_count  # type: ignore[attr-defined]  # by queries.add_lineage
        return count

    @extend_schema_field(HighlightSerializer(allow_null=True))
    def get_highlight(self, melody: Melody) -> dict[str, str] | None:
        if not hasattr(melody, "name_marked"):
            return None
        return {"name": marked(melody.name_marked), "description": marked(melody.description_marked)}  # type: ignore[attr-defined]  # annotated

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, melody: Melody) -> str:
        return reverse("melody", [melody.pk], request=self.context["request"])


class KnownFieldsMixin(serializers.Serializer[Any]):
    """Refuses fields it does not know: who misspells one believes it was done."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        known = ", ".join(self.fields)
        for name in self.initial_data:
            if name not in self.fields:
                raise serializers.ValidationError({name: f"This cannot be changed here; what can is: {known}."})
        return attrs


class MelodyChangeSerializer(KnownFieldsMixin):
    path = serializers.CharField(
        allow_null=True,
        required=False,
        trim_whitespace=False,
        max_length=4 * LONGEST_PATH,
        help_text="Relative, parts divided by /, unique in the organization: pipelines/review.yaml. Null takes it away.",
    )
    project = serializers.UUIDField(allow_null=True, required=False, help_text="Null takes it out of its project.")
    agent = serializers.UUIDField(
        allow_null=True, required=False, help_text="The agent whose workflow it is. Null takes it from its agent."
    )
    status = serializers.ChoiceField(
        choices=MelodyStatus.choices,
        required=False,
        help_text="draft → active → archived, and back from the archive to where it was.",
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=4 * LONGEST_TAG),
        required=False,
        max_length=4 * MOST_TAGS,
        help_text=f"All of them, at most {MOST_TAGS}. They are kept in lower case, with - between words.",
    )
    compatible_extensions = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_EXTENSION), required=False, max_length=MOST_EXTENSIONS
    )
    pricing_tier = serializers.ChoiceField(choices=PricingTier.choices, required=False)


class ForkSerializer(KnownFieldsMixin):
    organization = serializers.CharField(
        required=False, max_length=200, help_text="Slug or id of one you may write in; your personal one if not given."
    )
    project = serializers.UUIDField(allow_null=True, required=False, help_text="One of that organization.")
    version = serializers.CharField(
        required=False, max_length=40, help_text="Number or semver; the latest if not given."
    )
    path = serializers.CharField(allow_null=True, required=False, trim_whitespace=False, max_length=4 * LONGEST_PATH)
    status = serializers.ChoiceField(choices=NEW_STATUSES, required=False, help_text="active if not given.")


class BulkSerializer(KnownFieldsMixin):
    action = serializers.ChoiceField(choices=[(action.value, action.value) for action in BulkAction])
    ids = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=MOST_AT_ONCE)
    filter = serializers.DictField(
        child=serializers.CharField(max_length=1_000),
        required=False,
        help_text='Instead of `ids`: the query parameters of the list, such as {"tag": "old", "status": "draft"}.',
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=4 * LONGEST_TAG), required=False, max_length=4 * MOST_TAGS,
        help_text="For `tag` and `untag`.",
    )  # fmt: skip
    project = serializers.UUIDField(
        allow_null=True, required=False, help_text="For `move`; null out of their projects."
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only say how many it would be.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError({"ids": "Say which melodies: either `ids` or a `filter`."})
        if "filter" in attrs and not attrs["filter"]:
            raise serializers.ValidationError({"filter": "An empty filter would mean all melodies; name something."})
        wanted = {"tag": "tags", "untag": "tags", "move": "project"}.get(attrs["action"])
        if wanted is not None and not (attrs.get(wanted) or (wanted == "project" and wanted in attrs)):
            raise serializers.ValidationError({wanted: f"The action {attrs['action']} needs it."})
        return attrs


class BulkResultSerializer(serializers.Serializer[Any]):
    matched = serializers.IntegerField()
    changed = serializers.IntegerField(help_text="How many are (or would be) other than before.")
    dry_run = serializers.BooleanField()


class StepOfDiffSerializer(serializers.Serializer[Any]):
    names = serializers.ListField(
        child=serializers.CharField(), help_text="Of the steps around it, outermost first, and its own."
    )
    type = serializers.CharField()
    pointer = serializers.CharField(help_text="JSON pointer, in the version that has it.")


class ChangeSerializer(serializers.Serializer[Any]):
    op = serializers.ChoiceField(choices=["add", "remove", "replace"])
    pointer = serializers.CharField(help_text="JSON pointer, in the step or the workflow.")
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class StepDeltaSerializer(StepOfDiffSerializer):
    names_before = serializers.ListField(child=serializers.CharField())
    type_before = serializers.CharField()
    renamed = serializers.BooleanField()
    moved = serializers.BooleanField(help_text="To another list of steps, or to another place in its own.")
    changes = ChangeSerializer(many=True)


class EdgeOfDiffSerializer(serializers.Serializer[Any]):
    to = serializers.CharField()
    from_output = serializers.CharField()
    to_input = serializers.CharField()
    origin = serializers.ChoiceField(choices=ConnectionOrigin.choices)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of the language.
        return {"from": serializers.CharField(), **super().get_fields()}


class VersionNameSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    semver = serializers.CharField()


class VersionDiffSerializer(serializers.Serializer[Any]):
    """From one version to another."""

    before = VersionNameSerializer()
    after = VersionNameSerializer()
    weight = serializers.ChoiceField(
        choices=["major", "minor", "patch"], help_text="What the semver would grow by for such a change."
    )
    summary = serializers.ListField(child=serializers.CharField(), help_text="What has changed, in sentences.")
    counts = serializers.DictField(child=serializers.IntegerField())
    steps_added = StepOfDiffSerializer(many=True)
    steps_removed = StepOfDiffSerializer(many=True)
    steps_changed = StepDeltaSerializer(many=True)
    connections_added = EdgeOfDiffSerializer(many=True)
    connections_removed = EdgeOfDiffSerializer(many=True)
    workflow = ChangeSerializer(many=True)
    truncated = serializers.BooleanField(help_text="Whether there is more than is shown; `counts` count all.")
    text = serializers.CharField(
        allow_null=True, help_text="A unified diff of both as YAML; null of very large versions."
    )


@extend_schema_serializer(component_name="DocumentProblem")
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
