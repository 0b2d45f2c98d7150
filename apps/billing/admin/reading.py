"""What is to be looked at, and not to be touched."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class _Untouched:
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(_Untouched, admin.ModelAdmin):
    show_full_result_count = False


class ReadOnlyInline(_Untouched, admin.TabularInline):
    extra = 0
    can_delete = False
    show_change_link = True
