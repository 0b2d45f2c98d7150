"""Signatures of webhooks, in the form of the Standard Webhooks specification. Pure.

What is signed is `<id>.<timestamp>.<body>`: the id of the delivery is part of it, so that who has seen one delivery can
not send it again under another id. The header may hold several signatures, one for each secret of a rotation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Final

SECRET_MARK: Final = "whsec_"  # noqa: S105 - how every secret begins, so that a leaked one is found
VERSION: Final = "v1"
_BYTES: Final = 32
# Without a dot: with one, other ids and times could be read from the same signature (`id.timestamp.body`).
_ID: Final = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,200}")
_MOST_SIGNATURES: Final = 10
_LONGEST_HEADER: Final = 2_000


def new_secret() -> str:
    return SECRET_MARK + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def is_delivery_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header `webhook-signature`."""
    key = base64.b64decode(secret.removeprefix(SECRET_MARK))
    signed = b".".join((delivery_id.encode("ascii"), str(timestamp).encode(), body))
    return f"{VERSION},{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def is_signed(header: str, known: Iterable[str], delivery_id: str, timestamp: int, body: bytes) -> bool:
    """Whether one of the signatures in the header was made with one of the secrets. Compares each with each, always."""
    given = [part.encode("ascii", "replace") for part in header[:_LONGEST_HEADER].split()[:_MOST_SIGNATURES]]
    found = False
    for secret in known:
        expected = sign(secret, delivery_id, timestamp, body).encode()
        for signature in given:
            found |= hmac.compare_digest(signature, expected)
    return found


def timestamp_of(header: str) -> int | None:
    """Seconds since 1970, or None for what is none."""
    return int(header) if header.isascii() and header.isdigit() and len(header) <= 12 else None
