from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # it publishes no types
    """Accounts are made by our own services and forms, never by a form of allauth."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
