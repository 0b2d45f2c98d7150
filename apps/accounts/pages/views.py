"""Where the links of letters lead.

A link's secret must not travel on with the address of its page. So it is moved to the session at once, under a policy that
sends no referrer, and the page itself stands at an address that says nothing. Nothing happens before a button is pressed:
programs that look into mail follow links too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import services
from apps.accounts.errors import LinkDead, SignUpClosed
from apps.accounts.models import Invitation, User
from apps.accounts.pages.forms import AccountForm, AddressForm, LetterForm, PasswordForm, RegistrationForm
from apps.core.errors import Invalid, SymphonyError

EMAIL: Final = "email"
PASSWORD: Final = "password"  # noqa: S105 - a kind of letter
REGISTER: Final = "register"
INVITATION: Final = "invitation"
_PAGES: Final = {EMAIL: "email", PASSWORD: "password-new", REGISTER: "register-new", INVITATION: "invitation"}
ON_ITS_WAY: Final = "If this address can be used here, a letter is on its way to it. Its link is good for a while only."

View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """What a service refuses is told on a page of its own."""

    @functools.wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except SymphonyError as error:
            return _notice(request, error.title, error.detail, status=error.status)

    guarded = sensitive_post_parameters("password", "again")(never_cache(told))
    return cast(View, require_http_methods(["GET", "HEAD", "POST"])(guarded))


@require_safe
@never_cache
def follow(request: HttpRequest, kind: str, token: str) -> HttpResponse:
    request.session[_key(kind)] = token
    response = redirect(_PAGES[kind])
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@page
def email(request: HttpRequest) -> HttpResponse:
    token = _token(request, EMAIL)
    if request.method == "POST":
        services.confirm_email(token=token)
        _forget(request, EMAIL)
        return _notice(request, "Thank you", "The e-mail address is confirmed.")
    text = f"Is {services.link_address(token)} your e-mail address?"
    return _card(request, "Confirm your e-mail address", text=text, button="Yes, it is mine")


@page
def password_forgotten(request: HttpRequest) -> HttpResponse:
    form = AddressForm(request.POST or None)
    if request.method == "POST" and _done(form, services.request_password_reset):
        return _notice(request, "Look into your mail", ON_ITS_WAY)
    return _card(request, "Choose a new password", form=form, button="Send me a link")


@page
def password_new(request: HttpRequest) -> HttpResponse:
    token = _token(request, PASSWORD)
    user = services.reset_link_user(token)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and _done(form, services.reset_password, token=token):
        _forget(request, PASSWORD)
        return _sign_in(request, "Your password is changed", "Sign in with the new one.")
    return _card(request, "Choose a new password", text=f"For {user.email}.", form=form, button="Change it")


@page
def register(request: HttpRequest) -> HttpResponse:
    if not settings.SYMPHONY_SIGN_UP:
        raise SignUpClosed
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and _done(form, services.request_registration):
        return _notice(request, "Look into your mail", ON_ITS_WAY)
    return _card(request, "Register", form=form, button="Send me a link")


@page
def register_new(request: HttpRequest) -> HttpResponse:
    token = _token(request, REGISTER)
    address = services.registration_address(token)
    form = AccountForm(request.POST or None)
    if request.method == "POST" and _done(form, services.complete_registration, token=token):
        _forget(request, REGISTER)
        return _sign_in(request, "Welcome", "Your account is ready.")
    return _card(request, "Make your account", text=f"For {address}.", form=form, button="Make it")


@page
def invitation(request: HttpRequest) -> HttpResponse:
    token = _token(request, INVITATION)
    invited = services.shown_invitation(token)
    if request.user.is_authenticated:
        return _answer(request, invited, request.user)
    text = _words(invited)
    if User.objects.filter(email=invited.email).exists():
        return _sign_in(request, "You are invited", f"{text} Sign in as {invited.email} to answer.", back="invitation")
    form = AccountForm(request.POST or None)
    if request.method == "POST" and _done(form, services.register_invited, token=token):
        _forget(request, INVITATION)
        return _sign_in(request, "Welcome", f"Your account is ready, and you are in {invited.organization.name}.")
    text = f"{text} Make an account for {invited.email} to join."
    return _card(request, "You are invited", text=text, form=form, button="Make it and join")


def _answer(request: HttpRequest, invited: Invitation, user: User) -> HttpResponse:
    text = _words(invited)
    if user.email != invited.email:
        text = f"{text} The invitation is for {invited.email}, and you are signed in as {user.email}: sign out first."
        return _notice(request, "You are invited", text, status=403)
    if request.method != "POST":
        return _card(request, "You are invited", text=text, button="Join", other="Decline")
    if request.POST.get("answer") == "other":
        services.decline_invitation(actor=user, invitation=invited)
        told = "You have declined."
    else:
        services.accept_invitation(actor=user, invitation=invited)
        told = f"You are in {invited.organization.name} now."
    _forget(request, INVITATION)
    return _notice(request, "Thank you", told, link=reverse("home"), link_text="Go on")


def _words(invited: Invitation) -> str:
    return f"{invited.invited_by.get_full_name()} invites you to {invited.organization.name}, as {invited.role}."


def _done(form: LetterForm, service: Callable[..., object], **more: str) -> bool:
    """Whether the form was well and the service content; else the form says why not."""
    if not form.is_valid():
        return False
    given = {name: value for name, value in form.cleaned_data.items() if name != "again"}
    try:
        service(**given, **more)
    except Invalid as problem:
        form.take_errors(problem)
        return False
    return True


def _token(request: HttpRequest, kind: str) -> str:
    token = request.session.get(_key(kind))
    if not isinstance(token, str):
        raise LinkDead
    return token


def _forget(request: HttpRequest, kind: str) -> None:
    request.session.pop(_key(kind), None)


def _key(kind: str) -> str:
    return f"letter:{kind}"


def _card(request: HttpRequest, title: str, **context: Any) -> HttpResponse:
    return render(request, "accounts/card.html", {"title": title, **context})


def _notice(request: HttpRequest, title: str, text: str, *, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, "accounts/card.html", {"title": title, "text": text, **context}, status=status)


def _sign_in(request: HttpRequest, title: str, text: str, *, back: str | None = None) -> HttpResponse:
    link = reverse(settings.LOGIN_URL) + (f"?next={reverse(back)}" if back else "")
    return _notice(request, title, text, link=link, link_text="Sign in")
