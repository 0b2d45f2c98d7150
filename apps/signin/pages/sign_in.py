"""The page to sign in at, for browsers: the admin, the pages of runs, consent to what programs ask for."""

from __future__ import annotations

import time
from typing import Any, Final

from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import FormView

from apps.accounts.models import User
from apps.core.attempts import TooManyAttempts
from apps.signin import second_factor
from apps.signin.backends import BACKEND
from apps.signin.errors import BadSecondFactor
from apps.signin.pages.forms import CodeForm, SignInForm
from apps.signin.services import passwords

HALF_WAY: Final = "signin.half_way"
HALF_WAY_SECONDS: Final = 300


class SignInPage(LoginView):
    authentication_form = SignInForm
    template_name = "signin/login.html"
    redirect_authenticated_user = True
    next_page = "/"

    def form_valid(self, form: Any) -> HttpResponseRedirect:
        user = form.get_user()
        if not second_factor.methods_of(user):
            login(self.request, user, backend=BACKEND)
            return HttpResponseRedirect(self.get_success_url())
        # Not signed in yet: only the next page knows who they say they are, and for a few minutes.
        self.request.session.cycle_key()
        self.request.session[HALF_WAY] = {
            "user": str(user.pk),
            "password": user.get_session_auth_hash(),
            "next": self.get_success_url(),
            "at": time.time(),
        }
        return HttpResponseRedirect(reverse("login-code"))


@method_decorator(never_cache, name="dispatch")
class CodePage(FormView):
    form_class = CodeForm
    template_name = "signin/code.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.person = _half_way(request)
        if self.person is None:
            return redirect("login")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        assert self.person is not None
        try:
            passwords.verify_second_factor(user=self.person, code=form.cleaned_data["code"], road="browser")
        except (BadSecondFactor, TooManyAttempts) as error:
            form.add_error(None, error.detail)
            return self.form_invalid(form)
        goal = self.request.session.pop(HALF_WAY)["next"]
        login(self.request, self.person, backend=BACKEND)
        return HttpResponseRedirect(goal)


def _half_way(request: HttpRequest) -> User | None:
    kept = request.session.get(HALF_WAY)
    if not kept or time.time() - kept["at"] > HALF_WAY_SECONDS:
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    # A password that was changed meanwhile takes the first half back.
    return user if user is not None and user.get_session_auth_hash() == kept["password"] else None
