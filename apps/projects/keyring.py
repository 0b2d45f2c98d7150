"""How secrets are sealed: Fernet (AES-128-CBC with HMAC-SHA-256), the newest key first, all keys to open.

What is sealed is the value together with its place, so that a row somebody copied to another organization, project or
name does not open there.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from apps.projects.errors import NoSecretKeys, SecretUnreadable

_PURPOSE: Final = b"symphony: secrets of projects"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret belongs; `project_id` is None for one of the whole organization."""

    organization_id: UUID
    project_id: UUID | None
    name: str

    def parts(self) -> list[str]:
        return [str(self.organization_id), str(self.project_id or ""), self.name]


class Keyring:
    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.newest_id = key_id(keys[0])

    def seal(self, place: Place, value: str) -> str:
        # Escaped, so that any text can be sealed: lone surrogates have no UTF-8.
        return self._fernet.encrypt(json.dumps([*place.parts(), value]).encode("ascii")).decode("ascii")

    def open(self, place: Place, ciphertext: str) -> str:
        try:
            *parts, value = json.loads(self._fernet.decrypt(ciphertext))
        except InvalidToken:
            raise SecretUnreadable(
                f"The secret {place.name} cannot be opened with the keys in SYMPHONY_SECRET_KEYS; store its value anew."
            ) from None
        if parts != place.parts():
            raise SecretUnreadable(f"The secret {place.name} was sealed for another place; store its value anew.")
        return str(value)


def keyring() -> Keyring:
    keys = tuple(settings.SYMPHONY_SECRET_KEYS) or _derived_keys()
    if not keys:
        raise NoSecretKeys
    return _keyring(keys)


def key_id(key: str) -> str:
    """Tells keys apart without telling anything of them: they are 256 random bits."""
    return hashlib.sha256(key.encode("ascii")).hexdigest()[:12]


def _derived_keys() -> tuple[str, ...]:
    """In development only: made of the key that signs sessions, if that outlives the process."""
    if not (settings.DEBUG and settings.SECRET_KEY_GIVEN):
        return ()
    return (_derived(settings.SECRET_KEY_GIVEN),)


@lru_cache(maxsize=8)
def _derived(secret_key: str) -> str:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return urlsafe_b64encode(derived).decode("ascii")


@lru_cache(maxsize=8)
def _keyring(keys: tuple[str, ...]) -> Keyring:
    return Keyring(keys)
