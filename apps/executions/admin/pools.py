from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.admin_fields import Autocompleting
from apps.core.errors import SymphonyError
from apps.executions import services
from apps.executions.admin.filters import SetByFilter
from apps.executions.models import Pool
from apps.executions.services.pools import check_new_pool, check_pool

_FIXED = ("organization", "kind", "name")
_STANDING = (
    "by_plan",
    "state",
    "state_since",
    "health",
    "failures",
    "recovers_at",
    "used_at",
    "created_at",
    "updated_at",
)


class PoolForm(ModelForm):
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        pool = Pool(**{**{name: getattr(self.instance, name) for name in _FIXED}, **(cleaned or {})})
        try:
            # The kind is asked of a new one only.
            (check_new_pool if "kind" in self.fields else check_pool)(pool)
        except SymphonyError as refused:
            raise ValidationError(refused.detail) from refused
        return cleaned


@admin.register(Pool)
class PoolAdmin(Autocompleting, admin.ModelAdmin):
    """Also of the whole installation: those without an organization."""

    form = PoolForm
    list_display = ("__str__", "organization", "slots", "tokens_per_minute", "open", "state", "health", "by_plan")
    list_filter = ("kind", "open", "state", "health", SetByFilter)
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name")
    autocomplete_fields = ("organization",)
    fields = (*_FIXED, "slots", "tokens_per_minute", "open", *_STANDING)
    actions = ("close_pools", "open_pools")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return _STANDING if obj is None else (*_FIXED, *_STANDING)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj is not None and obj.by_plan) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj is not None and obj.by_plan) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Pool, form: ModelForm, change: bool) -> None:  # noqa: FBT001 - Django's
        actor = cast(User, request.user)
        if change:
            fresh = Pool.objects.get(pk=obj.pk)
            wanted = {name: getattr(obj, name) for name in ("slots", "tokens_per_minute", "open")}
            services.update_pool(actor=actor, pool=fresh, **wanted)
        else:
            obj.pk = services.create_pool(
                actor=actor,
                organization=obj.organization,
                kind=obj.kind,
                name=obj.name,
                slots=obj.slots,
                tokens_per_minute=obj.tokens_per_minute,
                open=obj.open,
            ).pk

    def delete_model(self, request: HttpRequest, obj: Pool) -> None:
        services.delete_pool(actor=cast(User, request.user), pool=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Pool]) -> None:
        for pool in queryset.select_related("organization"):
            self.delete_model(request, pool)

    @admin.action(description="Close: nothing new begins", permissions=["change"])
    def close_pools(self, request: HttpRequest, chosen: QuerySet[Pool]) -> None:
        self._set_open(request, chosen, wanted=False)

    @admin.action(description="Open again", permissions=["change"])
    def open_pools(self, request: HttpRequest, chosen: QuerySet[Pool]) -> None:
        self._set_open(request, chosen, wanted=True)

    def _set_open(self, request: HttpRequest, chosen: QuerySet[Pool], *, wanted: bool) -> None:
        count = 0
        for pool in chosen.select_related("organization"):
            try:
                services.update_pool(actor=cast(User, request.user), pool=pool, open=wanted)
            except SymphonyError as refused:
                self.message_user(request, f"{pool}: {refused.detail}", messages.ERROR)
            else:
                count += 1
        if count:
            self.message_user(request, f"{count} pool{'s' * (count != 1)} {'opened' if wanted else 'closed'}.")
