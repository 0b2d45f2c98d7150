"""Templates and comments in the admin: to look at, and to help with."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.melodies.models import CommentMention, MelodyComment, MelodyTemplate


class _Shown(admin.ModelAdmin):
    """Written over the API by those it belongs to."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(MelodyTemplate)
class MelodyTemplateAdmin(_Shown):
    """Staff deletes what must not stay; those that came with the product are renewed by `manage.py templates load`."""

    list_display = ("name", "organization", "category", "usage_count", "created_by", "updated_at")
    list_filter = ("category", ("organization", admin.EmptyFieldListFilter))
    list_select_related = ("organization", "created_by")
    search_fields = ("name", "description", "organization__name")
    fields = ("id", "name", "description", "category", "icon", "organization", "usage_count", "created_by", "created_at",
              "updated_at", "values_text", "document_text")  # fmt: skip
    readonly_fields = ("values_text", "document_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MelodyTemplate]:
        found: QuerySet[MelodyTemplate] = super().get_queryset(request)
        return (
            found
            if request.resolver_match and "object_id" in request.resolver_match.kwargs
            else found.defer("document")
        )

    @admin.display(description="default values")
    def values_text(self, template: MelodyTemplate) -> SafeString:
        return _preformatted(template.default_values)

    @admin.display(description="document")
    def document_text(self, template: MelodyTemplate) -> SafeString:
        return _preformatted(template.document)


class MentionInline(admin.TabularInline):
    model = CommentMention
    fields = ("user", "seen_at", "created_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[CommentMention]:
        found: QuerySet[CommentMention] = super().get_queryset(request)
        return found.select_related("user")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(MelodyComment)
class MelodyCommentAdmin(_Shown):
    list_display = ("excerpt", "author", "melody", "organization", "resolved_at", "created_at")
    list_filter = (
        ("resolved_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "created_at",
    )
    list_select_related = ("author", "melody", "organization")
    search_fields = ("body", "author__email", "melody__name")
    fields = ("id", "organization", "melody", "step_path", "parent", "author", "body", "resolved_by", "resolved_at",
              "edited_at", "deleted_at", "created_at")  # fmt: skip
    inlines = (MentionInline,)
    actions = ("take_down",)

    @admin.display(description="comment")
    def excerpt(self, comment: MelodyComment) -> str:
        return comment.body[:80] or "(deleted)"

    @admin.action(description="Take down the selected comments", permissions=["delete"])
    def take_down(self, request: HttpRequest, comments: QuerySet[MelodyComment]) -> None:
        """The place in the thread stays, so that answers keep theirs."""
        taken = comments.filter(deleted_at=None).update(body="", deleted_at=timezone.now())
        self.message_user(request, f"{taken} comments taken down.")


def _preformatted(value: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
