from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter

from apps.signin.allauth.secrets import seal, unseal


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)
