"""Which letters accounts write, and with which links. Services beside this one decide whether."""

from __future__ import annotations

from django.core.mail import EmailMessage

from apps.accounts import links, mail
from apps.accounts.links import Purpose
from apps.accounts.models import Invitation, User

_FOLDER = "accounts/mail"


def verification(user: User) -> EmailMessage:
    token = links.sign(Purpose.VERIFY, {"user": user.pk.hex, "email": user.email, "state": verify_state(user)})
    return _letter(user.email, "verify_email", user, link=mail.public_url(f"/email/{token}/"))


def change(user: User, email: str) -> EmailMessage:
    """To the new address."""
    token = links.sign(Purpose.CHANGE, {"user": user.pk.hex, "email": email, "state": change_state(user)})
    return _letter(email, "change_email", user, link=mail.public_url(f"/email/{token}/"))


def change_refused(holder: User) -> EmailMessage:
    return _letter(holder.email, "change_email_taken", holder)


def changed(user: User, before: str) -> EmailMessage:
    """To the address that was."""
    return _letter(before, "email_changed", user, new=user.email)


def reset(user: User) -> EmailMessage:
    token = links.sign(Purpose.RESET, {"user": user.pk.hex, "state": reset_state(user)})
    return _letter(user.email, "reset_password", user, link=mail.public_url(f"/password/{token}/"))


def password_changed(user: User) -> EmailMessage:
    return _letter(user.email, "password_changed", user, link=mail.public_url("/password/"))


def registration(email: str, display_name: str) -> EmailMessage:
    token = links.sign(Purpose.REGISTER, {"email": email, "name": display_name})
    return mail.write(
        to=email,
        template=f"{_FOLDER}/register.txt",
        context={"name": display_name, "link": mail.public_url(f"/register/{token}/")},
    )


def registration_taken(holder: User) -> EmailMessage:
    return _letter(holder.email, "register_taken", holder, link=mail.public_url("/password/"))


def invitation(row: Invitation, secret: str) -> EmailMessage:
    token = links.sign(Purpose.INVITATION, {"invitation": row.pk.hex, "secret": secret})
    return mail.write(
        to=row.email,
        template=f"{_FOLDER}/invitation.txt",
        context={
            "inviter": row.invited_by.get_full_name(),
            "organization": row.organization.name,
            "role": row.role,
            "expires_at": row.expires_at,
            "link": mail.public_url(f"/invitations/{token}/"),
        },
    )


def erased(user: User) -> EmailMessage:
    """Written before the row forgets whom it was about."""
    return _letter(user.email, "erased", user)


def verify_state(user: User) -> str:
    return links.fingerprint(Purpose.VERIFY, user.pk.hex, user.email, user.email_verified, user.is_active)


def change_state(user: User) -> str:
    return links.fingerprint(Purpose.CHANGE, user.pk.hex, user.email, user.password, user.is_active)


def reset_state(user: User) -> str:
    return links.fingerprint(Purpose.RESET, user.pk.hex, user.email, user.password, user.is_active)


def _letter(to: str, template: str, user: User, **context: str) -> EmailMessage:
    name = user.get_full_name()
    return mail.write(to=to, template=f"{_FOLDER}/{template}.txt", context={"name": name, **context})
