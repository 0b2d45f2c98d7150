"""System checks: misconfiguration that would otherwise show as strange behaviour much later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's own name for it


@register(Tags.security, deploy=True)
def secret_key_is_given(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if settings.SECRET_KEY_GIVEN:
        return []
    return [
        Warning(
            "SYMPHONY_SECRET_KEY is not set: each process signs with a key of its own.",
            hint="Set SYMPHONY_SECRET_KEY or SYMPHONY_SECRET_KEY_FILE, or start the stack with `make up`.",
            id="symphony.W001",
        )
    ]


@register(Tags.security, deploy=True)
def secret_keys_are_given(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if settings.SYMPHONY_SECRET_KEYS:
        return []
    derived = settings.DEBUG and settings.SECRET_KEY_GIVEN
    return [
        Warning(
            "SYMPHONY_SECRET_KEYS is not set: secrets of projects are sealed with a key made of SYMPHONY_SECRET_KEY."
            if derived
            else "SYMPHONY_SECRET_KEYS is not set: secrets of projects can be neither stored nor used.",
            hint="Set SYMPHONY_SECRET_KEYS or SYMPHONY_SECRET_KEYS_FILE (`manage.py secrets key` makes a key), or start "
            "the stack with `make up`.",
            id="symphony.W003",
        )
    ]


@register(Tags.security, deploy=True)
def database_login_is_weak(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    own = {"web": "WEB_DATABASE_URL", "worker": "WORKER_DATABASE_URL"}.get(settings.SYMPHONY_ROLE)
    if own is None or settings.ENV.secret(own) or not settings.ENV.secret("DATABASE_URL"):
        return []
    return [
        Warning(
            f"{own} is not set: this process connects as the owner of the tables.",
            hint="`manage.py provision` makes logins of less power.",
            id="symphony.W002",
        )
    ]


@register(Tags.security, deploy=True)
def payment_provider_has_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if settings.SYMPHONY_PAYMENTS != "stripe":
        return []
    given = {
        "SYMPHONY_STRIPE_API_KEY": settings.SYMPHONY_STRIPE_API_KEY,
        "SYMPHONY_STRIPE_WEBHOOK_SECRET": settings.SYMPHONY_STRIPE_WEBHOOK_SECRETS,
    }
    return [
        Warning(
            f"{name} is not set, although SYMPHONY_PAYMENTS is stripe.",
            hint="docs/billing.md says where Stripe shows it.",
            id="symphony.W004",
        )
        for name, value in given.items()
        if not value
    ]
