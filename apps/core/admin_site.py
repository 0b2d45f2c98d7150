"""The admin of Symphony: staff see every organization, for the length of one request."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.tenancy import set_actor, set_staff


class SymphonyAdminSite(AdminSite):
    site_title = "Symphony"
    site_header = "Symphony"
    index_title = "Administration"

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's
        def with_staff_scope(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # Only reached once AdminSite.admin_view has found an active staff user.
            set_actor(str(request.user.pk))
            set_staff()
            response: HttpResponseBase = view(request, *args, **kwargs)
            # Django renders after the request's transaction has ended: querysets that a template evaluates (a change
            # list does) would meet row-level security without a user, and show nothing.
            render = getattr(response, "render", None)
            if callable(render):
                render()
            return response

        return super().admin_view(update_wrapper(with_staff_scope, view), cacheable)
