"""API keys, wrapped so that no log, traceback or event shows one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A provider's API key. `fingerprint` names it without telling it."""

    value: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.value.encode()).hexdigest()[:16]

    def hidden_in(self, text: str) -> str:
        """The text without the key, should a provider have repeated it."""
        return text.replace(self.value, "[key]") if self.value else text

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    __str__ = __repr__
