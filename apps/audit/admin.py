"""The trail and the histories, to look at: nobody writes them, staff neither."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from apps.audit.models import HISTORIES, TRACKED, AuditEntry
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


class RowHistoryAdmin(ReadOnlyAdmin):
    """For rows that are gone; those that are there show their history on their own page."""

    list_display = ("pgh_created_at", "pgh_label", "pgh_obj_id", "pgh_actor", "pgh_request_id")
    list_select_related = ("pgh_actor",)
    list_filter = ("pgh_label",)
    search_fields = ("=pgh_obj__id", "=pgh_request_id")


for _history in HISTORIES.values():
    admin.site.register(_history, RowHistoryAdmin)

for _tracked in TRACKED:
    # Their own admins stand in apps that know nothing of histories.
    if admin.site.is_registered(_tracked.model):
        admin.site.get_model_admin(_tracked.model).object_history_template = "audit/object_history.html"  # type: ignore[misc]
