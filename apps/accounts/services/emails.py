"""Addresses are verified before they count."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from apps.accounts import links, mail, pace
from apps.accounts.errors import EmailTaken, LinkDead
from apps.accounts.events import email_changed
from apps.accounts.links import Purpose
from apps.accounts.models import User
from apps.accounts.services import letters
from apps.accounts.services.passwords import confirm_password
from apps.accounts.services.people import check_email
from apps.core.errors import Conflict, TooMany
from apps.core.tenancy import acting_as
from apps.core.trail import leave_trace


def send_verification(*, actor: User) -> None:
    """A letter to the actor's own address; at most one a minute."""
    if actor.email_verified:
        raise Conflict("Your e-mail address is verified already.")
    _keep_pace("verify", actor.email)
    mail.post(letters.verification(actor))


@sensitive_variables("password")
def request_email_change(*, actor: User, email: str, password: str) -> None:
    """A letter to the new address, whose link makes the change. If the address is taken, its holder is told instead."""
    email = check_email(email)
    if email == actor.email:
        raise Conflict("This is your e-mail address already.")
    confirm_password(actor=actor, password=password)
    _keep_pace("change", str(actor.pk))
    holder = User.objects.filter(email=email).first()
    letter = letters.change(actor, email) if holder is None else letters.change_refused(holder)
    if holder is None or holder.is_active:
        mail.post(letter)


def link_address(token: str) -> str:
    """The address that the link verifies; `LinkDead` when it is of no use."""
    _, email, _ = _of_link(token, lock=False)
    return email


def confirm_email(*, token: str) -> User:
    """What a letter's link asks for: the account's own address is verified, or a new one takes its place."""
    with transaction.atomic():
        user, email, purpose = _of_link(token, lock=True)
        with acting_as(user.pk):
            before, user.email, user.email_verified = user.email, email, True
            _save(user)
            if purpose is Purpose.VERIFY:
                leave_trace("user.email_verified", actor=user, target=user)
            else:
                leave_trace("user.email_changed", actor=user, target=user)
                mail.post(letters.changed(user, before))
                email_changed.send(sender=User, user=user, before=before)
    return user


def _save(user: User) -> None:
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "email_verified", "updated_at"])
    except IntegrityError as error:
        raise EmailTaken from error


def _keep_pace(purpose: str, whom: str) -> None:
    if not pace.allows_letter(purpose, whom):
        raise TooMany("A letter is on its way; wait a minute before the next.", retry_after=pace.LETTERS.seconds)


def _of_link(token: str, *, lock: bool) -> tuple[User, str, Purpose]:
    for purpose, state in ((Purpose.VERIFY, letters.verify_state), (Purpose.CHANGE, letters.change_state)):
        facts = links.read(purpose, token)
        if facts is None:
            continue
        found = User.objects.select_for_update(no_key=True) if lock else User.objects.all()
        user = found.filter(pk=UUID(facts["user"]), is_active=True).first()
        if user is not None and links.fits(facts["state"], state(user)):
            return user, facts["email"], purpose
    raise LinkDead
