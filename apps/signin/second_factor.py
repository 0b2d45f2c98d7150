"""The second factor of a person: what django-allauth keeps, where it is switched on (`SYMPHONY_MFA`)."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from redis.exceptions import RedisError

from apps.accounts.models import User
from apps.core.errors import Unavailable

_LONGEST_CODE: Final = 20


def methods_of(user: User) -> list[str]:
    """Empty for somebody who has set none up, and where it is switched off."""
    if not settings.SYMPHONY_MFA:
        return []
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 - refuses to be imported while it is switched off

    return sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def matches(user: User, code: str) -> bool:
    """Whether it is a code of the authenticator app or a recovery code, not used before. It is used up by this."""
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 - as above

    code = "".join(code.split())
    if not (code.isascii() and code.isdigit() and len(code) <= _LONGEST_CODE):
        return False
    usable = Authenticator.objects.filter(
        user=user, type__in=(Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    )
    for authenticator in usable.order_by("-type"):
        if _is_right(authenticator, code):
            authenticator.record_usage()
            return True
    return False


def _is_right(authenticator: Any, code: str) -> bool:
    try:
        return bool(authenticator.wrap().validate_code(code))
    except (RedisError, OSError) as error:
        # The cache knows which codes were used: without it one could be used twice.
        raise Unavailable("Second factors cannot be checked just now; please try again shortly.") from error
