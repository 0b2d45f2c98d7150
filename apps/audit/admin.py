"""The trail and the histories, to look at: nobody writes them, staff neither."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.models import HISTORIES, TRACKED, AuditEntry, RowHistory
from apps.melodies.admin import ReadOnlyAdmin, preformatted


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("occurred_at", "action", "actor", "actor_kind", "organization", "target", "address", "request_id")
    list_select_related = ("actor", "organization")
    list_filter = ("actor_kind", "channel", ("organization", admin.EmptyFieldListFilter))
    date_hierarchy = "occurred_at"
    # By index: ids as they are, the rest from its beginning.
    search_fields = ("=request_id", "=correlation_id", "=target_id", "^action", "=address", "actor__email__iexact")
    search_help_text = "Action, id of the target, request id, address, or e-mail of the actor"
    fields = (
        ("occurred_at", "action"),
        ("actor", "actor_kind", "channel"),
        "organization",
        ("target_type", "target_id", "target_name"),
        ("address", "user_agent"),
        ("request_id", "correlation_id"),
        "changed_from",
        "changed_to",
        ("chain", "sequence"),
        "previous_hash",
        "hash",
    )
    readonly_fields = ("changed_from", "changed_to")

    @admin.display(description="target", ordering="target_name")
    def target(self, entry: AuditEntry) -> str:
        return entry.target_name or entry.target_id or "–"

    @admin.display(description="before")
    def changed_from(self, entry: AuditEntry) -> SafeString:
        return preformatted(entry.before)

    @admin.display(description="after")
    def changed_to(self, entry: AuditEntry) -> SafeString:
        return preformatted(entry.after)


class WhatHappened(admin.AllValuesFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "what happened"


class RowHistoryAdmin(ReadOnlyAdmin):
    """For rows that are gone; those that are there show their history on their own page."""

    list_display = ("when", "what", "row", "who", "request")
    list_select_related = ("pgh_actor",)
    list_filter = (("pgh_label", WhatHappened),)
    search_fields = ("=pgh_obj__id", "=pgh_request_id")
    search_help_text = "Id of the row, or request id"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        kept = (field.name for field in self.opts.concrete_fields if not field.name.startswith("pgh_"))
        return (*self.list_display, *kept)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    @admin.display(description="when", ordering="pgh_id")
    def when(self, kept: RowHistory) -> datetime:
        return kept.pgh_created_at

    @admin.display(description="what happened")
    def what(self, kept: RowHistory) -> str:
        return kept.pgh_label

    @admin.display(description="row")
    def row(self, kept: RowHistory) -> str:
        return str(kept.pgh_obj_id)  # type: ignore[attr-defined]  # each history has its own reference

    @admin.display(description="who")
    def who(self, kept: RowHistory) -> User | str:
        return kept.pgh_actor or "–"

    @admin.display(description="request")
    def request(self, kept: RowHistory) -> str:
        return kept.pgh_request_id or "–"


for _history in HISTORIES.values():
    admin.site.register(_history, RowHistoryAdmin)

for _tracked in TRACKED:
    # Their own admins stand in apps that know nothing of histories.
    if admin.site.is_registered(_tracked.model):
        admin.site.get_model_admin(_tracked.model).object_history_template = "audit/object_history.html"  # type: ignore[misc]
