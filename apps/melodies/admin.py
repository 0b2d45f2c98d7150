"""Melodies and their versions, to look at: they are written by the editor, over the API."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Max, Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.melodies import services
from apps.melodies.collaboration_admin import MelodyCommentAdmin, MelodyTemplateAdmin
from apps.melodies.models import Melody, MelodyStatus, MelodyVersion
from apps.melodies.searching import LONGEST_SEARCH, matches

MOST_COUNTED: Final = 10_000
MOST_TAGS_SHOWN: Final = 20


class CappedPaginator(Paginator):
    """Counts no further than 10,000: counting a table of millions takes longer than reading any page of it."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # a change list gives it a queryset
        return rows.order_by()[:MOST_COUNTED].count()


class ReadOnlyAdmin(admin.ModelAdmin):
    """To look at, not to write. Every field that is shown is shown as text."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_list(request: HttpRequest) -> bool:
    """Whether the request is for a change list, not for one row."""
    match = request.resolver_match
    return match is not None and (match.url_name or "").endswith("_changelist")


def link(identifier: UUID | int | None, text: str, model: type[Model]) -> SafeString | str:
    """To the page of a row, which need not be loaded."""
    if identifier is None:
        return "–"
    meta = model._meta  # noqa: SLF001 - public API, for all its name
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[identifier])
    return format_html('<a href="{}">{}</a>', address, text)


def preformatted(value: Any) -> SafeString:
    """Text as it stands; anything else as indented JSON."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="document">{}</pre>', text)


class VersionInline(admin.TabularInline):
    model = MelodyVersion
    fields = ("number", "semver", "change_summary", "step_count", "sha256", "created_by", "created_at")
    readonly_fields = fields
    ordering = ("-number",)
    show_change_link = True
    extra = 0
    max_num = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[MelodyVersion]:
        # `str` of a row is its title in the inline, and names the melody by id.
        return super().get_queryset(request).defer("source", "document").select_related("created_by")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TagFilter(admin.SimpleListFilter):
    """The tags of the newest melodies, the most frequent first; any other may stand in the address."""

    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = Melody.objects.order_by("-id").values_list("tags", flat=True)[:MOST_COUNTED]
        counted = Counter(tag for tags in newest for tag in tags)
        return [(tag, f"{tag} ({count})") for tag, count in counted.most_common(MOST_TAGS_SHOWN)]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Melody]) -> QuerySet[Melody]:
        wanted = self.value()
        return queryset.filter(tags__contains=[wanted]) if wanted else queryset


@admin.register(Melody)
class MelodyAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "status", "shown_tags", "latest_version", "created_by", "updated_at")
    list_filter = ("status", TagFilter, "creation_source", "updated_at")
    list_select_related = ("organization", "created_by")
    search_fields = ("name",)
    search_help_text = "By words of name, description, tags and steps; by path or id."
    fields = (
        "id", "name", "description", "organization", "project", "path", "status", "shown_tags", "creation_source",
        "parent_link", "compatible_extensions", "pricing_tier", "created_by", "created_at", "updated_at", "published_at",
    )  # fmt: skip
    readonly_fields = ("shown_tags", "parent_link")
    inlines = (VersionInline,)
    actions = ("archive", "activate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Melody]:
        found: QuerySet[Melody] = super().get_queryset(request)
        return found.defer("search_vector", "step_names").annotate(latest=Max("versions__number"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        identifier = uuid_or_none(search_term)
        if identifier is not None:
            return queryset.filter(pk=identifier), False
        if not search_term.strip():
            return queryset, False
        bare = Melody.objects.order_by()
        at_path = bare.filter(path=search_term.strip())
        found = set(at_path.values_list("pk", flat=True)) or matches(bare, search_term[:LONGEST_SEARCH])
        return queryset.filter(pk__in=found), False

    def has_archive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("melodies.change_melody")

    @admin.action(description="Archive: they start no more", permissions=["archive"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Melody]) -> None:
        self._move(request, queryset, MelodyStatus.ARCHIVED)

    @admin.action(description="Activate", permissions=["archive"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Melody]) -> None:
        self._move(request, queryset, MelodyStatus.ACTIVE)

    def _move(self, request: HttpRequest, queryset: QuerySet[Melody], status: MelodyStatus) -> None:
        moved = services.moderate(actor=cast(User, request.user), melodies=queryset, status=status)
        self.message_user(request, f"{moved} melodies are {status.label.lower()} now.", messages.SUCCESS)

    @admin.display(description="tags")
    def shown_tags(self, melody: Melody) -> str:
        return ", ".join(melody.tags) or "–"

    @admin.display(description="fork of")
    def parent_link(self, melody: Melody) -> SafeString | str:
        return link(melody.parent_id, str(melody.parent), Melody)

    @admin.display(description="version", ordering="latest")
    def latest_version(self, melody: Melody) -> str:
        number: int | None = melody.latest  # type: ignore[attr-defined]  # annotated
        return "–" if number is None else f"v{number}"


@admin.register(MelodyVersion)
class MelodyVersionAdmin(ReadOnlyAdmin):
    list_display = (
        "version",
        "semver",
        "melody",
        "organization",
        "step_count",
        "short_hash",
        "created_by",
        "created_at",
    )
    list_filter = ("created_at", "organization")
    list_select_related = ("melody", "organization", "created_by")
    search_fields = ("melody__name", "=sha256")
    search_help_text = "By the melody's name, or a whole SHA-256."
    ordering = ("-id",)
    fields = ("id", "melody_link", "number", "semver", "change_summary", "organization", "sha256", "step_count", "media_type", "created_by",
              "created_at", "source_text", "document_text")  # fmt: skip
    readonly_fields = ("melody_link", "source_text", "document_text")

    class Media:
        css: ClassVar[dict[str, Sequence[str]]] = {"all": ("executions/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[MelodyVersion]:
        found: QuerySet[MelodyVersion] = super().get_queryset(request)
        return (
            found.defer("source", "document") if is_list(request) else found.select_related(*self.list_select_related)
        )

    @admin.display(description="version", ordering="number")
    def version(self, row: MelodyVersion) -> str:
        return f"v{row.number}"

    @admin.display(description="SHA-256")
    def short_hash(self, row: MelodyVersion) -> str:
        return row.sha256[:12]

    @admin.display(description="melody")
    def melody_link(self, row: MelodyVersion) -> SafeString | str:
        return link(row.melody_id, row.melody.name, Melody)

    @admin.display(description="source")
    def source_text(self, row: MelodyVersion) -> SafeString:
        return preformatted(row.source)

    @admin.display(description="canonical document")
    def document_text(self, row: MelodyVersion) -> SafeString:
        return preformatted(row.document)


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


__all__ = [
    "CappedPaginator",
    "MelodyAdmin",
    "MelodyCommentAdmin",
    "MelodyTemplateAdmin",
    "MelodyVersionAdmin",
    "ReadOnlyAdmin",
    "is_list",
    "link",
    "preformatted",
    "uuid_or_none",
]
