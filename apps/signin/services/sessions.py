"""Staying signed in: sessions of the website with their rotating refresh tokens, and sessions of browsers.

A refresh token works once and is answered with the next one. All tokens of a session carry the number of its rotation:

- the newest number rotates the session;
- the one before, within `GRACE` of the rotation, is a client that asked twice (a double click, a lost answer, two tabs):
  it gets another token of the newest number, and whichever of them is used next makes the others old;
- any older token was stolen, or its thief was quicker: the session ends, and its person is told.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts import mail
from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.errors import NotFound
from apps.core.origin import current_origin
from apps.core.tenancy import acting_as
from apps.core.trail import leave_trace
from apps.signin import queries
from apps.signin.errors import BadRefreshToken
from apps.signin.models import RefreshToken, SessionEnd, SignInSession

GRACE: Final = timedelta(seconds=10)
LONGEST: Final = timedelta(days=180)
"""However busy a session is, after so long its person signs in anew."""
MOST_SESSIONS: Final = 50
KEPT_AFTER_END: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, repr=False)
class SignedIn:
    """A session and the refresh token to go on with, which is shown this once."""

    session: SignInSession
    refresh: str


def open_session(*, actor: User, scopes: Iterable[str] = (), road: str) -> SignedIn:
    """Call it once it is certain who the actor is."""
    wanted = [action.value for action in Action if action in set(scopes)]
    with acting_as(actor.pk), transaction.atomic():
        session = _new_session(actor, expires_at=_idle_end(timezone.now()), scopes=wanted)
        refresh = _new_refresh_token(session)
        User.objects.filter(pk=actor.pk).update(last_login=timezone.now())
        leave_trace("sign_in.succeeded", actor=actor, target=session, after={"road": road, "scopes": wanted})
    return SignedIn(session, refresh)


def refresh_session(*, secret: str) -> SignedIn:
    """The next refresh token. Raises `BadRefreshToken`; that must not roll back what it wrote."""
    presented = queries.refresh_token_of(secret)
    if presented is None:
        raise BadRefreshToken
    with acting_as(presented.user_id), transaction.atomic():
        session = SignInSession.objects.select_for_update().get(pk=presented.session_id)
        session.user = User.objects.get(pk=presented.user_id)
        signed_in = _rotated(session, presented)
    if signed_in is None:
        raise BadRefreshToken
    return signed_in


def end_session(*, actor: User, session: SignInSession, reason: SessionEnd = SessionEnd.REVOKED) -> SignInSession:
    """From the next request on: access tokens are asked for their session, and browsers have theirs deleted."""
    with acting_as(actor.pk), transaction.atomic():
        if not _end(queries.sessions(actor=actor).filter(pk=session.pk), actor, reason):
            raise NotFound("There is no such session, or it is over already.")
        session.refresh_from_db()
    return session


def end_sessions(*, actor: User, but: SignInSession | None = None, reason: SessionEnd = SessionEnd.REVOKED) -> int:
    """All of the actor's, except one. Returns how many there were."""
    with acting_as(actor.pk), transaction.atomic():
        found = queries.sessions(actor=actor)
        return _end(found if but is None else found.exclude(pk=but.pk), actor, reason)


def end_session_of(*, secret: str) -> None:
    """Sign out with a refresh token. One that is unknown or over changes nothing, and is told nothing (RFC 7009)."""
    presented = queries.refresh_token_of(secret)
    if presented is None:
        return
    with acting_as(presented.user_id), transaction.atomic():
        user = User.objects.get(pk=presented.user_id)
        _end(queries.sessions(actor=user).filter(pk=presented.session_id), user, SessionEnd.SIGNED_OUT)


def end_sessions_as_staff(*, actor: User, sessions: QuerySet[SignInSession]) -> int:
    """Staff ends sessions of anybody; call it within the staff scope."""
    with transaction.atomic():
        return _end(sessions.filter(ended_at=None), actor, SessionEnd.REVOKED)


def note_browser(*, user: User, key: str) -> SignInSession:
    """A browser signed in; Django keeps its session under `key`."""
    ends = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    with acting_as(user.pk), transaction.atomic():
        session = _new_session(user, expires_at=ends, browser_key=key)
        leave_trace("sign_in.succeeded", actor=user, target=session, after={"road": "browser"})
    return session


def note_browser_gone(*, user: User, key: str) -> None:
    with acting_as(user.pk), transaction.atomic():
        _end(queries.sessions(actor=user).filter(browser_key=key), user, SessionEnd.SIGNED_OUT)


def password_was_changed(*, user: User) -> None:
    """Every session ends. Django itself ends those of other browsers, whose key the new password does not fit."""
    with acting_as(user.pk), transaction.atomic():
        queries.sessions(actor=user).update(ended_at=timezone.now(), end_reason=SessionEnd.PASSWORD_CHANGED)


def forget_sessions(*, user: User) -> None:
    """Everything kept about somebody's sign-ins; call it while acting as them."""
    keys = SignInSession.objects.filter(user=user, browser_key__isnull=False).values_list("browser_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    SignInSession.objects.filter(user=user).delete()


def forget_old_sessions(*, older_than: timedelta = KEPT_AFTER_END) -> int:
    """Delete what was over long ago, with its refresh tokens; call it while sweeping. Returns the number of sessions."""
    before = timezone.now() - older_than
    ended = SignInSession.objects.filter(ended_at__lt=before).values("pk")
    expired = SignInSession.objects.filter(expires_at__lt=before).values("pk")
    RefreshToken.objects.filter(session_id__in=ended.union(expired)).delete()
    return SignInSession.objects.filter(pk__in=ended.union(expired)).delete()[0]


def _rotated(session: SignInSession, presented: RefreshToken) -> SignedIn | None:
    now = timezone.now()
    if not session.is_usable or not session.user.is_active:
        return None
    if presented.generation == session.generation:
        session.generation += 1
        session.advanced_at = now
    elif presented.generation != session.generation - 1 or now - session.advanced_at > GRACE:
        _end_reused(session)
        return None
    session.last_used_at = now
    session.expires_at = min(_idle_end(now), session.created_at + LONGEST)
    session.device, session.address = _device(), _address()
    session.save(update_fields=("generation", "advanced_at", "last_used_at", "expires_at", "device", "address"))
    return SignedIn(session, _new_refresh_token(session))


def _end_reused(session: SignInSession) -> None:
    """Either its person or a thief holds what came of the token that was just sent again; neither shall go on."""
    session.ended_at, session.end_reason = timezone.now(), SessionEnd.REUSED
    session.save(update_fields=("ended_at", "end_reason"))
    before = {"device": session.device, "address": session.address}
    leave_trace("session.reused", target=session, before=before, after={"ended": True})
    seen = {**before, "device_now": _device(), "address_now": _address(), "at": session.ended_at}
    mail.send(to=session.user.email, template="signin/mail/refresh_reused.txt", context={"user": session.user, **seen})


def _end(sessions: QuerySet[SignInSession], actor: User, reason: SessionEnd) -> int:
    ending = list(sessions.select_for_update(of=("self",)))
    ids = [session.pk for session in ending]
    SignInSession.objects.filter(pk__in=ids).update(ended_at=timezone.now(), end_reason=reason)
    Session.objects.filter(session_key__in=[each.browser_key for each in ending if each.browser_key]).delete()
    for session in ending:
        leave_trace("session.ended", actor=actor, target=session, after={"reason": reason.value, "kind": session.kind})
    return len(ending)


def _new_session(
    user: User, *, expires_at: datetime, scopes: Sequence[str] = (), browser_key: str | None = None
) -> SignInSession:
    oldest = queries.sessions(actor=user).order_by("-last_used_at", "-pk").values_list("pk", flat=True)
    if superfluous := list(oldest[MOST_SESSIONS - 1 :]):
        _end(SignInSession.objects.filter(pk__in=superfluous), user, SessionEnd.REPLACED)
    session = SignInSession(
        user=user,
        scopes=list(scopes),
        device=_device(),
        address=_address(),
        browser_key=browser_key,
        expires_at=expires_at,
    )
    session.save(force_insert=True)
    return session


def _new_refresh_token(session: SignInSession) -> str:
    secret = f"{queries.REFRESH_MARK}{secrets.token_urlsafe(32)}"
    digest = queries.hash_of(secret)
    RefreshToken(session=session, hash=digest, generation=session.generation).save(force_insert=True)
    return secret


def _idle_end(now: datetime) -> datetime:
    return now + timedelta(days=settings.SYMPHONY_SESSION_DAYS)


def _device() -> str:
    # As the program calls itself, and only to be recognized by its person.
    return "".join(sign for sign in current_origin().user_agent if sign.isprintable())[:200]


def _address() -> str | None:
    with suppress(ValueError):
        return str(ip_address(current_origin().address))
    return None
