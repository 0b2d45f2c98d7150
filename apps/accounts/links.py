"""Links in letters: signed, expiring, and good once.

A link carries what it is for, and a fingerprint of what it is about to change: the password, the address. Once that has
changed, by this link or otherwise, the fingerprint fits no more. So nothing has to be stored, and none works twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

LONGEST: Final = 2000


class Purpose(StrEnum):
    VERIFY = "verify"
    CHANGE = "change"
    RESET = "reset"
    REGISTER = "register"
    INVITATION = "invitation"


LIFETIME: Final[Mapping[Purpose, timedelta]] = {
    Purpose.VERIFY: timedelta(days=3),
    Purpose.CHANGE: timedelta(days=1),
    Purpose.RESET: timedelta(hours=1),
    Purpose.REGISTER: timedelta(days=1),
    Purpose.INVITATION: timedelta(days=7),
}


def sign(purpose: Purpose, facts: Mapping[str, Any]) -> str:
    """Text that is fit for the path of an address."""
    return signing.dumps(dict(facts), salt=_salt(purpose))


def read(purpose: Purpose, token: str) -> dict[str, Any] | None:
    """The facts of a link that is ours, for this purpose, and not too old."""
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        facts = signing.loads(token, salt=_salt(purpose), max_age=LIFETIME[purpose])
    except signing.BadSignature:
        return None
    return facts if isinstance(facts, dict) else None


def fingerprint(purpose: Purpose, *state: object) -> str:
    return salted_hmac(_salt(purpose), "\n".join(str(part) for part in state), algorithm="sha256").hexdigest()[:32]


def fits(given: object, expected: str) -> bool:
    return isinstance(given, str) and constant_time_compare(given, expected)


def _salt(purpose: Purpose) -> str:
    return f"apps.accounts.links.{purpose}"
