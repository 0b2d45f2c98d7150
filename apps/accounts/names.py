"""What a username may look like. Pure."""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import Final

LONGEST_USERNAME: Final = 39
USERNAME: Final = r"^[a-z0-9]([a-z0-9_-]{0,37}[a-z0-9])?$"
USERNAME_RULE: Final = (
    "A username is 1 to 39 letters a-z, digits, - and _, beginning and ending with a letter or digit; "
    "capital letters make no difference."
)

# Words that stand, or may come to stand, in the place of a username in an address.
RESERVED: Final = frozenset(
    [
        "account",
        "admin",
        "api",
        "email",
        "erase",
        "erased",
        "export",
        "invitation",
        "invitations",
        "login",
        "logout",
        "me",
        "new",
        "none",
        "null",
        "organization",
        "organizations",
        "password",
        "profile",
        "register",
        "registration",
        "root",
        "search",
        "self",
        "settings",
        "staff",
        "support",
        "symphony",
        "system",
        "team",
        "teams",
        "token",
        "tokens",
        "user",
        "users",
    ]
)


def is_username(text: str) -> bool:
    return re.fullmatch(USERNAME, text) is not None


def username_from(name: str) -> str:
    """The username a display name suggests; "" where nothing is left of it, or what is left is reserved."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: LONGEST_USERNAME - 9].strip("-")
    return "" if words in RESERVED else words


def random_username(stem: str = "") -> str:
    return f"{stem or 'user'}-{secrets.token_hex(4)}"
