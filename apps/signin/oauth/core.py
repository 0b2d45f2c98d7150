"""What django-oauth-toolkit is told to use: how codes and tokens are made, and that codes are kept as hashes only."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore

ACCESS_MARK: Final = "symo_"
REFRESH_MARK: Final = "symor_"
_CODES: Final = frozenset({"code", "device_code"})


class HashedCodes(OAuthLibCore):  # type: ignore[misc]  # it publishes no types
    """Looks codes up by their hashes: the toolkit hashes tokens, but compares codes with what is in the table."""

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        body = super().extract_body(request)
        return [(name, hashed(value) if name in _CODES else value) for name, value in body]


def hashed(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def new_access_token(request: Any, *_: Any) -> str:
    return f"{ACCESS_MARK}{secrets.token_urlsafe(32)}"


def new_refresh_token(request: Any, *_: Any) -> str:
    return f"{REFRESH_MARK}{secrets.token_urlsafe(32)}"
