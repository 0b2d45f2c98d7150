from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import User
from apps.audit.models import ActorKind, AuditEntry
from apps.audit.reading import Change

ANY = {"description": "Any JSON value."}
CHANGED = {"type": "object", "additionalProperties": True}


class AuditActorSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "email", "display_name")
        read_only_fields = fields


class AuditTargetSerializer(serializers.Serializer[AuditEntry]):
    type = serializers.CharField(source="target_type")
    id = serializers.CharField(source="target_id")
    name = serializers.CharField(source="target_name")


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    organization = serializers.UUIDField(source="organization_id", read_only=True, allow_null=True)
    # Not an outer join's empty object: who was erased since is known by id only, and that stands in `actor_id`.
    actor = AuditActorSerializer(read_only=True, allow_null=True)
    actor_id = serializers.UUIDField(read_only=True, allow_null=True)
    actor_kind = serializers.ChoiceField(choices=ActorKind.choices, read_only=True)
    target = AuditTargetSerializer(source="*", read_only=True)
    before = serializers.SerializerMethodField()
    after = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = (
            "id",
            "action",
            "occurred_at",
            "organization",
            "actor",
            "actor_id",
            "actor_kind",
            "channel",
            "address",
            "user_agent",
            "request_id",
            "correlation_id",
            "target",
            "before",
            "after",
            "sequence",
            "hash",
        )
        read_only_fields = fields

    @extend_schema_field(CHANGED)
    def get_before(self, entry: AuditEntry) -> Any:
        return entry.before

    @extend_schema_field(CHANGED)
    def get_after(self, entry: AuditEntry) -> Any:
        return entry.after


class HistoryFieldSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    before = serializers.SerializerMethodField()
    after = serializers.SerializerMethodField()

    @extend_schema_field(ANY)
    def get_before(self, change: Any) -> Any:
        return change.before

    @extend_schema_field(ANY)
    def get_after(self, change: Any) -> Any:
        return change.after


class HistoryEntrySerializer(serializers.Serializer[Change]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=("created", "changed", "deleted"))
    summary = serializers.CharField(help_text="In words: `changed name, status`.")
    occurred_at = serializers.DateTimeField()
    actor = AuditActorSerializer(allow_null=True)
    request_id = serializers.CharField(help_text="The request it happened in; empty where it was none.")
    changes = HistoryFieldSerializer(many=True)
