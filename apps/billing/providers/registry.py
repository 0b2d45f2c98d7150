"""Which provider is asked, by `SYMPHONY_PAYMENTS`, or by what a subscription was begun with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings

from apps.billing.providers.manual import ManualProvider
from apps.billing.providers.port import PaymentProvider
from apps.billing.providers.stripe_adapter import StripeProvider

_PROVIDERS: Final[dict[str, Callable[[], PaymentProvider]]] = {
    "manual": ManualProvider,
    "stripe": StripeProvider.configured,
}


def provider(name: str | None = None) -> PaymentProvider:
    """The provider with this name; without one, the one new subscriptions are begun with."""
    return _PROVIDERS[name or settings.SYMPHONY_PAYMENTS]()
