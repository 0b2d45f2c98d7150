"""Is it them? Passwords and second factors, on every road by which somebody signs in."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from apps.accounts.models import User
from apps.core import attempts
from apps.core.attempts import Guarded, Limit
from apps.core.origin import current_origin
from apps.core.trail import leave_trace
from apps.signin import second_factor
from apps.signin.errors import BadCredentials, BadSecondFactor, EmailUnverified, SecondFactorRequired

# Two doors to each account: a tight one for one network, so that a stranger elsewhere does not lock its owner out, and a
# wide one for all networks together, so that many strangers do not guess as one.
FROM_ONE_PLACE: Final = Limit("sign-in to an account from a network", free=5)
TO_ONE_ACCOUNT: Final = Limit("sign-in to an account", free=30, longest=900)
FROM_ONE_ADDRESS: Final = Limit("sign-in from a network", free=50, longest=900, memory=3600)
SECOND_FACTOR: Final = Limit("second factor of an account", free=5)

LONGEST_PASSWORD: Final = 1024


def verify_password(*, email: str, password: str, road: str) -> User:
    """The person whose e-mail address and password these are.

    An unknown address, a wrong password and an inactive account get the same answer after the same work, and count alike.
    Raises `BadCredentials`, `TooManyAttempts`, `EmailUnverified`. What it raises must not roll back what it wrote.
    """
    email = email.strip().lower()
    account, address = _guarded(email)
    shut = attempts.take([*account, *address])
    user = _known(email)
    if not _matches(user, password):
        leave_trace("sign_in.failed", target=user, after={"road": road})
        if shut:
            leave_trace("sign_in.locked", target=user, after={"road": road})
        raise BadCredentials
    assert user is not None
    attempts.forgive(account)
    attempts.give_back(address)
    if settings.SYMPHONY_VERIFIED_ONLY and not user.email_verified:
        raise EmailUnverified
    return user


def verify_second_factor(*, user: User, code: str, road: str) -> None:
    """Nothing for somebody without one. Raises `SecondFactorRequired`, `BadSecondFactor`, `TooManyAttempts`."""
    methods = second_factor.methods_of(user)
    if not methods:
        return
    if not code:
        raise SecondFactorRequired(methods=methods)
    guarded = [Guarded(SECOND_FACTOR, str(user.pk))]
    shut = attempts.take(guarded)
    if not second_factor.matches(user, code):
        leave_trace("sign_in.failed", target=user, after={"road": road, "factor": "second"})
        if shut:
            leave_trace("sign_in.locked", target=user, after={"road": road, "factor": "second"})
        raise BadSecondFactor
    attempts.forgive(guarded)


def _guarded(email: str) -> tuple[list[Guarded], list[Guarded]]:
    network = attempts.network_of(current_origin().address)
    account = [Guarded(FROM_ONE_PLACE, f"{email}\0{network}"), Guarded(TO_ONE_ACCOUNT, email)]
    return account, [Guarded(FROM_ONE_ADDRESS, network)] if network else []


def _known(email: str) -> User | None:
    # PostgreSQL takes no NUL in a text, so nobody has one in an address.
    return None if "\0" in email else User.objects.filter(email=email).first()


def _matches(user: User | None, password: str) -> bool:
    if user is None:
        User().set_password(password)
        return False
    # Hashes also when there is no password to compare with. Asked in this order, so that inactive accounts take as long.
    return user.check_password(password) and user.is_active and len(password) <= LONGEST_PASSWORD
