from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.projects.models import Project, ProjectAccess, ProjectVariable, Secret


class _ShownInline(admin.TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AccessInline(_ShownInline):
    """Who is named; it is given and taken over the API, by those who administer the project."""

    model = ProjectAccess
    fields = ("user", "team", "role", "granted_by", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectAccess]:
        found: QuerySet[ProjectAccess] = super().get_queryset(request)
        return found.select_related("user", "team", "granted_by")


class VariableInline(_ShownInline):
    model = ProjectVariable
    fields = ("name", "value", "description", "created_by", "updated_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectVariable]:
        found: QuerySet[ProjectVariable] = super().get_queryset(request)
        return found.select_related("created_by")


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "organization", "access", "archived_at", "created_by", "created_at")
    list_filter = ("access", ("archived_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("organization", "created_by")
    search_fields = ("name", "slug", "organization__name")
    fields = ("id", "name", "slug", "organization", "description", "access", "configuration", "archived_at", "created_by",
              "created_at", "updated_at")  # fmt: skip
    readonly_fields = (
        "id",
        "organization",
        "access",
        "configuration",
        "archived_at",
        "created_by",
        "created_at",
        "updated_at",
    )
    inlines = (AccessInline, VariableInline)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Secret)
class SecretAdmin(admin.ModelAdmin):
    """That there are such secrets, and to delete them; values come in over the API and are shown nowhere."""

    list_display = ("name", "organization", "project", "key_id", "created_by", "updated_at", "last_used_at")
    list_select_related = ("organization", "project", "created_by")
    search_fields = ("name", "organization__name", "project__name")
    fields = (
        "id",
        "name",
        "organization",
        "project",
        "key_id",
        "created_by",
        "created_at",
        "updated_at",
        "last_used_at",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
