"""Which provider answers, and with which key."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from django.conf import settings

from workers.contract import StepContext
from workers.models.errors import error_of
from workers.models.keys import Key
from workers.models.port import Provider
from workers.models.request import ProviderName

KEY_NAMES = {"anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}
_MODULES = {"anthropic": "workers.models.anthropic_api", "gemini": "workers.models.gemini_api"}
_SDKS = {"anthropic", "google", "google.genai", "httpx2", "httpcore2"}


def key_for(step: StepContext, provider: ProviderName) -> Key | None:
    """The key to call with: the project's secret, the organization's, or the worker's own. None: the mock provider answers.

    Raises ModelError (no_provider) where real answers are demanded and there is no key.
    """
    mode = settings.SYMPHONY_MODEL_PROVIDERS
    environment = step.workflow.section("environment")
    forced = environment.get("force_mock_providers") is True or environment.get("mode") == "test"
    if step.engine is None or forced or mode == "mock":
        return None
    name = KEY_NAMES[provider]
    value = (step.engine.secret(name) or "").strip() or settings.SYMPHONY_MODEL_KEYS[provider]
    if value:
        return Key(value)
    if mode == "live":
        raise error_of(
            "no_provider",
            f"There is no key for {provider}: store it as the secret {name} of the project or the organization, or set "
            f"{name} for the workers. (SYMPHONY_MODEL_PROVIDERS=live forbids the mock provider.)",
        )
    return None


_PACKAGES: dict[ProviderName, str] = {"anthropic": "anthropic", "gemini": "google-genai"}


def live(provider: ProviderName) -> Provider:
    """The provider's SDK behind the port. It is loaded when first asked for: it costs memory in every process."""
    try:
        return cast(Provider, import_module(_MODULES[provider]).call)
    except ImportError as error:
        if error.name not in _SDKS:
            raise
        raise error_of(
            "no_provider",
            f"The SDK for {provider} is not installed on this worker: pip install {_PACKAGES[provider]}.",
        ) from None


def base_url(provider: ProviderName) -> str | None:
    """Where the provider is called if not at its usual address."""
    urls: dict[str, str | None] = settings.SYMPHONY_MODEL_URLS
    return urls[provider]
