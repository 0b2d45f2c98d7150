"""How strangers become users: by a letter, so that every account begins with an address that is its owner's.

Nothing is written until the link of the letter is used: nobody can sit on somebody else's address, and an answer cannot
tell whether there is an account, for it does not depend on that.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from apps.accounts import links, mail, pace
from apps.accounts.errors import LinkDead, SignUpClosed
from apps.accounts.links import Purpose
from apps.accounts.models import User
from apps.accounts.services import letters
from apps.accounts.services.people import check_email, create_user
from apps.core.trail import leave_trace


def request_registration(*, email: str, display_name: str = "") -> None:
    """A letter with a link to choose a password by; who has an account already is told so, in a letter too."""
    if not settings.SYMPHONY_SIGN_UP:
        raise SignUpClosed
    email = check_email(email)
    holder = User.objects.filter(email=email).first()
    new, taken = letters.registration(email, display_name), letters.registration_taken(holder or User(email=email))
    if not pace.allows_letter("register", email):
        return
    if holder is None:
        mail.post(new)
    elif holder.is_active:
        mail.post(taken)


def registration_address(token: str) -> str:
    """The address that the link registers; `LinkDead` when it is of no use."""
    return _facts(token)["email"]


@sensitive_variables("password")
def complete_registration(*, token: str, password: str, username: str = "", display_name: str = "") -> User:
    """The account of who followed the link; its address is verified by that."""
    if not settings.SYMPHONY_SIGN_UP:
        raise SignUpClosed
    with transaction.atomic():
        facts = _facts(token)
        user = create_user(
            email=facts["email"],
            password=password,
            username=username,
            display_name=display_name.strip() or facts["name"],
            email_verified=True,
        )
        leave_trace("user.registered", actor=user, target=user)
    return user


def _facts(token: str) -> dict[str, str]:
    facts = links.read(Purpose.REGISTER, token)
    if facts is None or User.objects.filter(email=facts["email"]).exists():
        raise LinkDead
    return facts
