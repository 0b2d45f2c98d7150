"""Passwords are changed by who knows the old one, or by who reads the letters."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from apps.accounts import links, mail, pace
from apps.accounts.errors import LinkDead, WrongPassword
from apps.accounts.events import password_changed
from apps.accounts.links import Purpose
from apps.accounts.models import User
from apps.accounts.services import letters
from apps.accounts.services.people import LONGEST_PASSWORD, check_email, password_problems
from apps.core import attempts
from apps.core.attempts import Guarded, Limit
from apps.core.errors import Invalid
from apps.core.tenancy import acting_as
from apps.core.trail import leave_trace

CONFIRMATIONS: Final = Limit("password of somebody signed in", free=10)


@sensitive_variables("old", "new")
def change_password(*, actor: User, old: str, new: str) -> User:
    """Whoever is signed in elsewhere is signed out: see `password_changed`."""
    confirm_password(actor=actor, password=old)
    with acting_as(actor.pk):
        user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        _set_password(user, new)
        leave_trace("user.password_changed", actor=user, target=user)
        mail.post(letters.password_changed(user))
    return user


@sensitive_variables("password")
def confirm_password(*, actor: User, password: str) -> None:
    """For what a stolen session must not do. A few guesses, then a wait. Who has no password has nothing to confirm."""
    if not actor.has_usable_password():
        return
    tries = [Guarded(CONFIRMATIONS, str(actor.pk))]
    attempts.take(tries)
    if len(password) > LONGEST_PASSWORD or not actor.check_password(password):
        raise WrongPassword
    attempts.forgive(tries)


def request_password_reset(*, email: str) -> None:
    """A letter to the holder of the address, if there is one. The same answer, and as much work, if there is none."""
    email = check_email(email)
    user = User.objects.filter(email=email, is_active=True).first()
    letter = letters.reset(user or User(email=email))
    if pace.allows_letter("reset", email) and user is not None:
        mail.post(letter)
        leave_trace("user.password_reset_requested", target=user)


def reset_link_user(token: str) -> User:
    """Whose password the link resets; `LinkDead` when it is of no use."""
    return _of_link(token, lock=False)


@sensitive_variables("password")
def reset_password(*, token: str, password: str) -> User:
    """Who has the link has read the letter: so the address is theirs, and verified."""
    with transaction.atomic():
        user = _of_link(token, lock=True)
        with acting_as(user.pk):
            user.email_verified = True
            _set_password(user, password)
            leave_trace("user.password_reset", actor=user, target=user)
            mail.post(letters.password_changed(user))
    return user


def password_was_given(*, actor: User, user: User) -> None:
    """Staff has set another in the admin: whatever the old one opened is closed."""
    with transaction.atomic():
        leave_trace("user.password_changed", actor=actor, target=user)
        mail.post(letters.password_changed(user))
        password_changed.send(sender=User, user=user)


@sensitive_variables("password")
def _set_password(user: User, password: str) -> None:
    problems = password_problems(password, user)
    if problems:
        raise Invalid("This password will not do.", errors=problems)
    user.set_password(password)
    user.save(update_fields=["password", "email_verified", "updated_at"])
    password_changed.send(sender=User, user=user)


def _of_link(token: str, *, lock: bool) -> User:
    facts = links.read(Purpose.RESET, token)
    if facts is None:
        raise LinkDead
    found = User.objects.select_for_update(no_key=True) if lock else User.objects.all()
    user = found.filter(pk=UUID(facts["user"]), is_active=True).first()
    if user is None or not links.fits(facts["state"], letters.reset_state(user)):
        raise LinkDead
    return user
