"""Secrets of authenticator apps, sealed: whoever reads the table could else make everybody's codes."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def seal(text: str) -> str:
    return _keys().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    try:
        return _keys().decrypt(sealed.encode("ascii")).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured("A second factor was sealed with a key that SYMPHONY_SECRET_KEYS lacks.") from error


def _keys() -> MultiFernet:
    """Of the keys that seal secrets of projects, newest first; derived, so that neither opens what the other sealed."""
    given = list(settings.SYMPHONY_SECRET_KEYS)
    if not given:
        raise ImproperlyConfigured("SYMPHONY_MFA needs SYMPHONY_SECRET_KEYS: secrets of authenticator apps are sealed.")
    derived = [hashlib.sha256(b"symphony second factors " + str(key).encode()).digest() for key in given]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])
