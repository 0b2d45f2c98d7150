"""The codes that a device shows and a person types (RFC 8628). Knows no Django: the settings name it."""

from __future__ import annotations

import secrets
from typing import Final

# No vowels, so that no words come out, and no signs that are mistaken for others (section 6.1).
SIGNS: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8


def new_user_code() -> str:
    """20^8 of them: 34.5 bits, for ten minutes and few guesses."""
    return "".join(secrets.choice(SIGNS) for _ in range(LENGTH))


def tidied(typed: str) -> str:
    """As it is kept, however somebody typed it."""
    return "".join(sign for sign in typed.upper() if sign in SIGNS)


def spoken(code: str) -> str:
    """As it is shown: in two halves."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"
