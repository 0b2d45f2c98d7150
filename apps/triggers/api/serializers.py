from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.core.api.strict import StrictSerializer
from apps.projects.api.serializers import AnyJSONField
from apps.triggers.kinds import ENDS, BackfillState, FiringState, Misfire, Overlap, Source, TriggerKind, TriggerState
from apps.triggers.models import Backfill, Firing, NamedEvent, Trigger
from apps.triggers.services import MOST_PARALLEL

KINDS: Final = [(kind.value, kind.value) for kind in TriggerKind]
TRIGGER_STATES: Final = [(state.value, state.value) for state in TriggerState]
FIRING_STATES: Final = [(state.value, state.value) for state in FiringState]
SOURCES: Final = [(source.value, source.value) for source in Source]
OVERLAPS: Final = [(overlap.value, overlap.value) for overlap in Overlap]
MISFIRES: Final = [(policy.value, policy.value) for policy in Misfire]
BACKFILL_STATES: Final = [(state.value, state.value) for state in BackfillState]
_MOST_SECONDS: Final = 366 * 86_400
_MOST_NUMBER: Final = 2**31 - 1
_URI: Final = {"type": "string", "format": "uri"}


class TriggerSerializer(serializers.ModelSerializer[Trigger]):
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    melody = serializers.UUIDField(source="melody_id", read_only=True)
    melody_name = serializers.CharField(source="melody.name", read_only=True)
    kind = serializers.ChoiceField(choices=KINDS, read_only=True)
    state = serializers.ChoiceField(choices=TRIGGER_STATES, read_only=True)
    failing = serializers.SerializerMethodField(help_text="Whether the last firings failed; see `last_error`.")
    owner = serializers.UUIDField(source="owner_id", read_only=True, help_text="As whom it starts runs.")
    input = serializers.DictField(read_only=True)
    mapping = serializers.DictField(read_only=True)
    overlap = serializers.ChoiceField(choices=OVERLAPS, read_only=True)
    misfire_policy = serializers.ChoiceField(choices=MISFIRES, read_only=True)
    event = serializers.CharField(source="event_name", read_only=True)
    source_melody = serializers.UUIDField(source="source_melody_id", read_only=True, allow_null=True)
    last_error = serializers.SerializerMethodField()
    hook_url = serializers.SerializerMethodField(help_text="Where deliveries to a webhook go; null for other kinds.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Trigger
        fields = (
            "id", "organization", "melody", "melody_name", "version", "kind", "name", "description", "state", "state_reason",
            "failing", "failures", "backoff_until", "last_error", "owner", "input", "mapping", "filter", "priority",
            "cron", "timezone", "starts_at", "ends_at", "jitter_seconds", "misfire_policy", "misfire_grace_seconds",
            "misfire_limit", "next_due_at", "overlap", "concurrency_key", "debounce_seconds", "queue_limit", "hook_url",
            "event", "source_melody", "source_statuses", "max_depth", "created_at", "updated_at", "url",
        )  # fmt: skip
        read_only_fields = fields

    def get_failing(self, trigger: Trigger) -> bool:
        return trigger.failures > 0

    @extend_schema_field(
        {
            "type": ["object", "null"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
    )
    def get_last_error(self, trigger: Trigger) -> dict[str, str] | None:
        return {"code": trigger.last_error_code, "message": trigger.last_error} if trigger.last_error_code else None

    @extend_schema_field({"type": ["string", "null"], "format": "uri"})
    def get_hook_url(self, trigger: Trigger) -> str | None:
        if trigger.public_id is None:
            return None
        return reverse("hook", [trigger.public_id], request=self.context["request"])

    @extend_schema_field(_URI)
    def get_url(self, trigger: Trigger) -> str:
        return reverse("trigger", [trigger.pk], request=self.context["request"])


class TriggerChange(StrictSerializer):
    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    version = serializers.IntegerField(
        min_value=1, max_value=_MOST_NUMBER, required=False, allow_null=True, help_text="The latest if null."
    )
    input = serializers.DictField(required=False, help_text="Given to every run.")
    mapping = serializers.DictField(
        required=False,
        help_text="Laid over `input`: names to templates that read `payload`, `headers`, `query`, `event`, `run`, `due_at` "
        "and `trigger`.",
    )
    filter = serializers.CharField(
        max_length=5000,
        required=False,
        allow_blank=True,
        help_text="A condition; what it does not let pass is skipped.",
    )
    priority = serializers.IntegerField(min_value=-10, max_value=10, required=False)
    cron = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=20,
        required=False,
        help_text="Cron expressions of 5 fields, or aliases such as `@daily`; due when any of them is.",
    )
    timezone = serializers.CharField(max_length=60, required=False, help_text="UTC if not given.")
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    jitter_seconds = serializers.IntegerField(min_value=0, max_value=86_400, required=False)
    misfire_policy = serializers.ChoiceField(
        choices=MISFIRES, required=False, help_text="What becomes of due times nobody saw. fire_once if not given."
    )
    misfire_grace_seconds = serializers.IntegerField(
        min_value=0,
        max_value=_MOST_SECONDS,
        required=False,
        help_text="So late a due time may be fired still. 60 if not given.",
    )
    misfire_limit = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    overlap = serializers.ChoiceField(choices=OVERLAPS, required=False, help_text="allow if not given.")
    concurrency_key = serializers.CharField(
        max_length=5000,
        required=False,
        allow_blank=True,
        help_text="A template: what has the same key, of all triggers of the melody, overlaps.",
    )
    debounce_seconds = serializers.FloatField(
        min_value=0.1,
        max_value=86_400,
        required=False,
        allow_null=True,
        help_text="Of many in so short a time the last.",
    )
    queue_limit = serializers.IntegerField(min_value=1, max_value=10_000, required=False)
    event = serializers.CharField(source="event_name", max_length=200, required=False)
    source_melody = serializers.UUIDField(required=False, help_text="The melody whose runs it follows.")
    source_statuses = serializers.ListField(
        child=serializers.ChoiceField(choices=ENDS), max_length=4, required=False, help_text="completed if not given."
    )
    max_depth = serializers.IntegerField(min_value=1, max_value=100, required=False)


class TriggerInput(TriggerChange):
    kind = serializers.ChoiceField(choices=KINDS)
    name = serializers.CharField(max_length=200)


class ReasonInput(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=1000)


class FireInput(StrictSerializer):
    input = serializers.DictField(required=False, help_text="Laid over what the trigger gives.")
    payload = AnyJSONField(required=False, help_text="What a delivery or an event would bring.")
    key = serializers.CharField(
        max_length=200, required=False, help_text="Of one key it is fired once: the firing there was comes back."
    )


class FiringSerializer(serializers.ModelSerializer[Firing]):
    trigger = serializers.UUIDField(source="trigger_id", read_only=True)
    source = serializers.ChoiceField(choices=SOURCES, read_only=True)  # type: ignore[assignment]  # a field
    state = serializers.ChoiceField(choices=FIRING_STATES, read_only=True)
    reason = serializers.SerializerMethodField(help_text="Why it was skipped, failed, or waits.")
    execution = serializers.UUIDField(source="execution_id", read_only=True, allow_null=True)
    backfill = serializers.UUIDField(source="backfill_id", read_only=True, allow_null=True)
    fired_by = serializers.EmailField(source="fired_by.email", read_only=True, allow_null=True, default=None)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Firing
        fields: tuple[str, ...] = (
            "id", "trigger", "source", "key", "due_at", "state", "waiting", "ready_at", "reason", "execution", "running",
            "fired_at", "fired_by", "backfill", "missed", "depth", "created_at", "url",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(
        {
            "type": ["object", "null"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
    )
    def get_reason(self, firing: Firing) -> dict[str, str] | None:
        return {"code": firing.reason_code, "message": firing.reason} if firing.reason_code else None

    @extend_schema_field(_URI)
    def get_url(self, firing: Firing) -> str:
        return reverse("firing", [firing.pk], request=self.context["request"])


class FiringDetailSerializer(FiringSerializer):
    payload = serializers.DictField(read_only=True, help_text="What the occasion told.")

    class Meta(FiringSerializer.Meta):
        fields = (*FiringSerializer.Meta.fields, "payload")
        read_only_fields = fields


class PreviewInput(StrictSerializer):
    cron = serializers.ListField(child=serializers.CharField(max_length=200), min_length=1, max_length=20)
    timezone = serializers.CharField(max_length=60, required=False, default="UTC")
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    after = serializers.DateTimeField(required=False, help_text="Now if not given.")
    count = serializers.IntegerField(min_value=1, max_value=100, required=False, default=10)


class DueTimeSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField(help_text="In UTC.")
    local = serializers.CharField(help_text="In the schedule's time zone, with its offset.")


class PreviewSerializer(serializers.Serializer[Any]):
    timezone = serializers.CharField()
    times = DueTimeSerializer(many=True)


@extend_schema_serializer(component_name="HookSecretInput")
class SecretInput(StrictSerializer):
    overlap_seconds = serializers.IntegerField(
        min_value=0,
        max_value=30 * 86_400,
        required=False,
        default=86_400,
        help_text="So long the secrets before it are good still. A day if not given.",
    )


@extend_schema_serializer(component_name="HookSecret")
class SecretSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="Shown this once.")
    created_at = serializers.DateTimeField()
    others_until = serializers.DateTimeField(help_text="Until when deliveries signed with earlier secrets are taken.")


class BackfillInput(StrictSerializer):
    since = serializers.DateTimeField(help_text="The first due time may be this.")
    until = serializers.DateTimeField(help_text="Excluded, and never later than now.")
    parallel = serializers.IntegerField(min_value=1, max_value=MOST_PARALLEL, required=False, default=1)
    again = serializers.BooleanField(required=False, default=False, help_text="Also due times that were fired before.")
    dry_run = serializers.BooleanField(required=False, default=False, help_text="Only count.")


class BackfillCancelInput(StrictSerializer):
    cancel_runs = serializers.BooleanField(required=False, default=False, help_text="Cancel what it has started, too.")


class ProgressSerializer(serializers.Serializer[Any]):
    waiting = serializers.IntegerField()
    running = serializers.IntegerField()
    started = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()


class BackfillSerializer(serializers.ModelSerializer[Backfill]):
    """`progress` in the context has how far each of them is."""

    trigger = serializers.UUIDField(source="trigger_id", read_only=True)
    state = serializers.ChoiceField(choices=BACKFILL_STATES, read_only=True)
    progress = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Backfill
        fields = (
            "id", "trigger", "since", "until", "again", "parallel", "total", "state", "progress", "created_at", "ended_at", "url",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, backfill: Backfill) -> dict[str, Any]:
        return dict(ProgressSerializer(self.context["progress"][backfill.pk]).data)

    @extend_schema_field(_URI)
    def get_url(self, backfill: Backfill) -> str:
        return reverse("backfill", [backfill.pk], request=self.context["request"])


class DryRunSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField(help_text="How many runs there would be.")
    fired_before = serializers.IntegerField(
        help_text="Due times of the range that were fired before, and are left out."
    )
    first = serializers.DateTimeField(allow_null=True)
    last = serializers.DateTimeField(allow_null=True)


class NamedEventSerializer(serializers.ModelSerializer[NamedEvent]):
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    payload = serializers.SerializerMethodField()
    sent_by = serializers.EmailField(source="sent_by.email", read_only=True)
    matched = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="How many triggers it was told; null for the moment until they were."
    )

    class Meta:
        model = NamedEvent
        fields = ("id", "organization", "name", "payload", "key", "sent_by", "received_at", "matched")
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.ANY)
    def get_payload(self, event: NamedEvent) -> Any:
        return event.payload


class NamedEventInput(StrictSerializer):
    organization = serializers.CharField(
        max_length=200, required=False, help_text="Slug or id; your personal one if not given."
    )
    name = serializers.CharField(max_length=200, help_text="As triggers wait for it.")
    payload = AnyJSONField(required=False, allow_null=True)
    key = serializers.CharField(
        max_length=200, required=False, help_text="Of one key an event is told once: the event there was comes back."
    )


class DeliverySerializer(serializers.Serializer[Any]):
    delivery = serializers.CharField()
    firing = serializers.UUIDField(help_text="What became of it stands there.")
    duplicate = serializers.BooleanField(help_text="Whether this delivery had come before.")


def moment_of(text: str) -> datetime | None:
    """A date or a moment of ISO 8601, in UTC unless it says otherwise; None for what is neither."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
