"""Where a person decides what a program may do: after a redirect of the program's, or by the code that a device shows."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from csp.decorators import csp_update
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import FormView
from oauth2_provider.models import Application, DeviceGrant
from oauth2_provider.scopes import get_scopes_backend
from oauth2_provider.views import AuthorizationView

from apps.core import attempts
from apps.core.attempts import Guarded, Limit, TooManyAttempts
from apps.core.origin import current_origin
from apps.core.trail import leave_trace
from apps.signin.oauth.bounds import is_bounded
from apps.signin.pages.forms import DecisionForm, UserCodeForm
from apps.signin.user_codes import spoken, tidied

USER_CODES: Final = Limit("user code of a device", free=8, pause=60)
DEVICE: Final = "signin.device"


@method_decorator(never_cache, name="dispatch")
class AuthorizePage(AuthorizationView):  # type: ignore[misc]  # it publishes no types
    template_name = "signin/authorize.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_bounded(request):
            return self.refuse("A parameter is longer than it may be, or holds a NUL byte.")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Asked each time: any program on a machine may pretend to be the one that was let in before (RFC 8252, 8.6).
        asked = request.GET.copy()
        asked.pop("approval_prompt", None)
        request.GET = asked  # type: ignore[assignment]
        response: HttpResponseBase = super().get(request, *args, **kwargs)
        return response

    def render_to_response(self, context: dict[str, Any], **more: Any) -> HttpResponseBase:
        goal = context.get("redirect_uri")
        policy = {"form-action": [_source_of(goal)]} if goal else {}
        response: HttpResponseBase = super().render_to_response(context, **more)
        # Browsers hold a form to where it may lead, redirects included.
        return csp_update(policy)(lambda _request: response)(self.request)

    def form_valid(self, form: Any) -> HttpResponseBase:
        given = form.cleaned_data
        application = Application.objects.filter(client_id=given["client_id"]).first()
        if application is None or not application.redirect_uri_allowed(given["redirect_uri"]):
            return self.refuse("This program is not known here, or wants to be answered somewhere else than it said.")
        response: HttpResponseBase = super().form_valid(form)
        return response

    def form_invalid(self, form: Any) -> HttpResponseBase:
        return self.refuse("The form did not arrive as it was; go back to the program and start anew.")

    def refuse(self, description: str) -> HttpResponseBase:
        error = {"error": "invalid_request", "description": description}
        return TemplateResponse(self.request, self.template_name, {"error": error}, status=400).render()


@method_decorator(never_cache, name="dispatch")
class DevicePage(LoginRequiredMixin, FormView):
    """RFC 8628, section 3.3. Each code that fits nothing counts: there are few guesses for the ten minutes of a code."""

    form_class = UserCodeForm
    template_name = "signin/device.html"

    def get_initial(self) -> dict[str, Any]:
        return {"user_code": self.request.GET.get("user_code", "")[:40]}

    def form_valid(self, form: UserCodeForm) -> HttpResponse:
        network = attempts.network_of(current_origin().address)
        guarded = [Guarded(USER_CODES, f"person {self.request.user.pk}")]
        guarded += [Guarded(USER_CODES, network)] if network else []
        try:
            attempts.take(guarded)
        except TooManyAttempts as error:
            form.add_error(None, error.detail)
            return self.form_invalid(form)
        found = _waiting().filter(user_code=tidied(form.cleaned_data["user_code"])).first()
        if found is None:
            form.add_error("user_code", "No program waits with this code. Look at it again, or let it show a new one.")
            return self.form_invalid(form)
        attempts.forgive(guarded)
        self.request.session[DEVICE] = found.pk
        return redirect("oauth2_provider:device-confirm")


@method_decorator(never_cache, name="dispatch")
class DeviceConfirmPage(LoginRequiredMixin, FormView):
    form_class = DecisionForm
    template_name = "signin/device_confirm.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and self.waiting() is None:
            return redirect("oauth2_provider:device")
        return super().dispatch(request, *args, **kwargs)

    def waiting(self, *, locked: bool = False) -> DeviceGrant | None:
        found = _waiting().filter(pk=self.request.session.get(DEVICE, 0))
        return (found.select_for_update() if locked else found).first()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        waiting = self.waiting()
        assert waiting is not None
        known = get_scopes_backend().get_all_scopes()
        return super().get_context_data(
            **kwargs,
            application=Application.objects.filter(client_id=waiting.client_id).first(),
            user_code=spoken(waiting.user_code),
            scopes_descriptions=[known.get(scope, scope) for scope in waiting.scope.split()],
        )

    def form_valid(self, form: DecisionForm) -> HttpResponse:
        waiting = self.waiting(locked=True)
        if waiting is None:
            return redirect("oauth2_provider:device")
        allowed = form.cleaned_data["decision"] == "allow"
        waiting.user = self.request.user
        waiting.status = DeviceGrant.AUTHORIZED if allowed else DeviceGrant.DENIED
        waiting.save(update_fields=("user", "status"))
        del self.request.session[DEVICE]
        decision = "device.allowed" if allowed else "device.denied"
        after = {"program": waiting.client_id, "scopes": waiting.scope.split()}
        leave_trace(decision, actor=self.request.user, after=after)
        return TemplateResponse(self.request, "signin/device_done.html", {"allowed": allowed}).render()


def _source_of(address: str) -> str:
    """What a policy calls the place; for an IPv6 address or a scheme of a program's own that is the scheme alone."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or parts.netloc.startswith("["):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def _waiting() -> Any:
    return DeviceGrant.objects.filter(status=DeviceGrant.AUTHORIZATION_PENDING, expires__gt=timezone.now())
