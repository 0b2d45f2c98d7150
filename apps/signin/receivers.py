"""What signing in hears: of Django's own sign-ins, of the accounts below, of the tokens that the toolkit gives out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from oauth2_provider.models import AccessToken
from oauth2_provider.signals import app_authorized

from apps.accounts import credentials
from apps.accounts import services as accounts
from apps.accounts.events import membership_ended, password_changed, person_erasing, personal_data_requested
from apps.accounts.models import ApiToken, Organization, User
from apps.core.trail import leave_trace
from apps.signin import queries as signin
from apps.signin.models import SignInSession
from apps.signin.services import connections, sessions


@receiver(user_logged_in, dispatch_uid="signin.browser_signed_in")
def browser_signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    if (key := request.session.session_key) is not None:
        sessions.note_browser(user=user, key=key)


@receiver(user_logged_out, dispatch_uid="signin.browser_signed_out")
def browser_signed_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    key = request.session.session_key
    if user is not None and key is not None:
        sessions.note_browser_gone(user=user, key=key)


@receiver(password_changed, dispatch_uid="signin.password_changed")
def end_what_the_old_password_opened(user: User, **_: Any) -> None:
    """API tokens stay: programs rely on them, and each can be revoked by itself."""
    sessions.password_was_changed(user=user)
    connections.disconnect_all(user=user)


@receiver(membership_ended, dispatch_uid="signin.membership_ended")
def revoke_tokens_of_the_organization(organization: Organization, user: User, **_: Any) -> None:
    accounts.revoke_bound_tokens(user=user, organization=organization)


@receiver(personal_data_requested, dispatch_uid="signin.personal_data_requested")
def personal_data(user: User, **_: Any) -> tuple[str, dict[str, Any]]:
    of_a_session = ("device", "address", "created_at", "last_used_at", "expires_at", "ended_at", "end_reason")
    of_a_token = ("name", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    return "signing_in", {
        "sessions": list(SignInSession.objects.filter(user=user).values(*of_a_session)),
        "api_tokens": list(ApiToken.objects.filter(user=user).values(*of_a_token)),
        "connections": list(signin.connections(actor=user).values("name", "connected_at", "last_used_at")),
    }


@receiver(person_erasing, dispatch_uid="signin.person_erasing")
def forget_a_person(user: User, **_: Any) -> None:
    sessions.forget_sessions(user=user)
    connections.forget(user=user)
    ApiToken.objects.filter(user=user).delete()


@receiver(app_authorized, dispatch_uid="signin.connected")
def a_program_got_a_token(request: HttpRequest, token: AccessToken, **_: Any) -> None:
    if token.user is None or token.application is None:
        return
    if token.source_refresh_token_id is None:
        after = {"program": token.application.name, "scopes": token.scope.split()}
        leave_trace("connection.made", actor=token.user, target=token.application, after=after)
    connections.tidy(user=token.user, application=token.application)


def _token_is_good(user_id: UUID, token_id: str) -> bool:
    token = ApiToken.objects.filter(pk=token_id, user_id=user_id).first()
    return token is not None and token.is_usable


def _session_is_good(user_id: UUID, session_id: str) -> bool:
    return signin.usable_session(user_id=user_id, session_id=UUID(session_id)) is not None


def _editor_is_good(user_id: UUID, token_id: str) -> bool:
    token = AccessToken.objects.filter(pk=token_id, user_id=user_id).first()
    return token is not None and not token.is_expired()


def _browser_is_good(user_id: UUID, key: str) -> bool:
    kept = Session.objects.filter(session_key=key, expire_date__gt=timezone.now()).exists()
    return kept and not SignInSession.objects.filter(user_id=user_id, browser_key=key, ended_at__isnull=False).exists()


credentials.register(credentials.API_TOKEN, _token_is_good)
credentials.register(credentials.WEBSITE, _session_is_good)
credentials.register(credentials.EDITOR, _editor_is_good)
credentials.register(credentials.BROWSER, _browser_is_good)
