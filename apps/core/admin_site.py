"""The admin of Symphony: staff see every organization, for the length of one request."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from apps.core.tenancy import set_staff


class SymphonyAdminSite(AdminSite):
    site_title = "Symphony"
    site_header = "Symphony"
    index_title = "Administration"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one page to sign in at: it counts attempts, and asks for a second factor."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated:
            raise PermissionDenied(f"You are signed in as {request.user}, who may not use the admin.")
        goal = request.GET.get(REDIRECT_FIELD_NAME, "")
        inside = url_has_allowed_host_and_scheme(goal, allowed_hosts=None)
        return redirect_to_login(goal if inside else reverse("admin:index", current_app=self.name))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's
        def with_staff_scope(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # Only reached once AdminSite.admin_view has found an active staff user.
            _refuse_nul(request)
            _refuse_selection(request, getattr(view, "__self__", None))
            set_staff(str(request.user.pk))
            response: HttpResponseBase = view(request, *args, **kwargs)
            # Django renders after the request's transaction has ended: querysets that a template evaluates (a change
            # list does) would meet row-level security without a user, and show nothing.
            render = getattr(response, "render", None)
            if callable(render):
                render()
            return response

        return super().admin_view(update_wrapper(with_staff_scope, view), cacheable)


def _refuse_nul(request: HttpRequest) -> None:
    """PostgreSQL has no text with it. Django's forms refuse it themselves; its filters break on it, late and each alone."""
    if any("\0" in value for _, values in request.GET.lists() for value in values):
        raise BadRequest("The address holds a NUL character.")


def _refuse_selection(request: HttpRequest, shown_by: object) -> None:
    """Rows are selected for an action by their keys. What is no key of this model breaks the query for them."""
    model = getattr(shown_by, "model", None)
    if model is None or request.method != "POST":
        return
    for value in request.POST.getlist(ACTION_CHECKBOX_NAME):
        try:
            model._meta.pk.to_python(value)  # noqa: SLF001 - public by its documentation
        except ValidationError:
            raise BadRequest("What is selected is not the key of a row.") from None
        if "\0" in value:
            raise BadRequest("What is selected holds a NUL character.")
