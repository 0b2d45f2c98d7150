"""Pages of accounts. To be included at the root; the page to sign in at is in `apps.signin`."""

from __future__ import annotations

from apps.accounts.pages.urls import urlpatterns

__all__ = ["urlpatterns"]
