"""What organizations keep in the artifact store, and which bytes these are."""

from __future__ import annotations

from django.contrib import admin
from django.template.defaultfilters import filesizeformat

from apps.executions.models import Blob, StoreStatistics
from apps.melodies.admin import ReadOnlyAdmin


@admin.register(StoreStatistics)
class StoreStatisticsAdmin(ReadOnlyAdmin):
    list_display = ("organization", "artifacts", "results", "named", "unique", "stored", "hits", "refreshed_at")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "organization__slug")
    ordering = ("-stored_bytes",)
    fields = (
        "organization",
        "artifacts",
        "results",
        "blobs",
        "named",
        "unique",
        "stored",
        "hits",
        "changed_at",
        "refreshed_at",
    )
    readonly_fields = ("named", "unique", "stored", "hits")

    @admin.display(description="named bytes")
    def named(self, statistics: StoreStatistics) -> str:
        return filesizeformat(statistics.named_bytes)

    @admin.display(description="unique bytes", ordering="unique_bytes")
    def unique(self, statistics: StoreStatistics) -> str:
        return filesizeformat(statistics.unique_bytes)

    @admin.display(description="stored bytes", ordering="stored_bytes")
    def stored(self, statistics: StoreStatistics) -> str:
        return filesizeformat(statistics.stored_bytes)

    @admin.display(description="there already")
    def hits(self, statistics: StoreStatistics) -> str:
        return "–" if statistics.hit_rate is None else f"{statistics.hit_rate:.0%}"


@admin.register(Blob)
class BlobAdmin(ReadOnlyAdmin):
    list_display = ("sha256", "organization", "size", "stored_size", "touched_at", "suspect")
    list_select_related = ("organization",)
    list_filter = ("suspect",)
    search_fields = ("=sha256",)
    search_help_text = "A whole SHA-256."
    ordering = ("-id",)
    show_full_result_count = False
