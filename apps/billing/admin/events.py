from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.billing.admin.reading import ReadOnlyAdmin
from apps.billing.errors import ProviderUnavailable
from apps.billing.models import WebhookEvent, WebhookState
from apps.billing.services.provider_events import process


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = ("happened_at", "kind", "state", "note", "attempts", "deliveries", "provider_event_id")
    list_filter = ("state", "kind", "provider", "received_at")
    search_fields = ("=provider_event_id", "kind")
    actions = ("reprocess",)

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.change_webhookevent")

    @admin.action(description="Act upon them again (those not settled)", permissions=["act"])
    def reprocess(self, request: HttpRequest, events: QuerySet[WebhookEvent]) -> None:
        ends: dict[str, int] = {}
        for event in events.order_by("happened_at", "id"):
            try:
                state = process(event, again=True)
            except ProviderUnavailable as error:
                self.message_user(request, error.detail, messages.ERROR)
                return
            ends[state] = ends.get(state, 0) + 1
        level = messages.WARNING if WebhookState.FAILED in ends else messages.SUCCESS
        self.message_user(request, ", ".join(f"{count} {state}" for state, count in ends.items()) or "None.", level)
