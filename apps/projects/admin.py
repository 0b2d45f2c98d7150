from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.projects.models import Project, Secret


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "organization", "created_by", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("organization", "created_by")
    search_fields = ("name", "slug", "organization__name")
    fields = ("id", "name", "slug", "organization", "description", "created_by", "created_at")
    readonly_fields = ("id", "organization", "created_by", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Secret)
class SecretAdmin(admin.ModelAdmin):
    """That there are such secrets, and to delete them; values come in over the API and are shown nowhere."""

    list_display = ("name", "organization", "project", "key_id", "created_by", "updated_at")
    list_select_related = ("organization", "project", "created_by")
    search_fields = ("name", "organization__name", "project__name")
    fields = ("id", "name", "organization", "project", "key_id", "created_by", "created_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
