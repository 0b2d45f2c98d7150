"""One address says how letters are sent."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TIMEOUT_SECONDS: Final = 10
_BACKENDS: Final = "django.core.mail.backends"
_PORTS: Final = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def email_settings(url: str) -> dict[str, Any]:
    """Django's EMAIL_* settings for `console:`, `file:///folder`, `memory:`, `smtp://`, `smtp+tls://` or `smtps://`.

    `smtp+tls` begins in plain text and asks for TLS (STARTTLS), `smtps` is TLS from the first byte.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _unreadable() from None
    match parts.scheme:
        case "console":
            return {"EMAIL_BACKEND": f"{_BACKENDS}.console.EmailBackend"}
        case "memory":
            return {"EMAIL_BACKEND": f"{_BACKENDS}.locmem.EmailBackend"}
        case "file" if parts.path:
            return {"EMAIL_BACKEND": f"{_BACKENDS}.filebased.EmailBackend", "EMAIL_FILE_PATH": unquote(parts.path)}
        case "smtp" | "smtp+tls" | "smtps" if parts.hostname and not parse_qs(parts.query):
            return {
                "EMAIL_BACKEND": f"{_BACKENDS}.smtp.EmailBackend",
                "EMAIL_HOST": parts.hostname,
                "EMAIL_PORT": port or _PORTS[parts.scheme],
                "EMAIL_HOST_USER": unquote(parts.username or ""),
                "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
                "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
                "EMAIL_USE_SSL": parts.scheme == "smtps",
                "EMAIL_TIMEOUT": TIMEOUT_SECONDS,
            }
    raise _unreadable()


def public_url(url: str) -> str:
    """Where people reach the web, without a slash at the end; links in letters begin with it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ImproperlyConfigured(
            f"SYMPHONY_PUBLIC_URL must be an address like https://symphony.example, not {url!r}."
        )
    return url.rstrip("/")


def _unreadable() -> ImproperlyConfigured:
    # Not the address itself: it may hold a password, and this text goes to logs.
    return ImproperlyConfigured(
        "SYMPHONY_EMAIL_URL must be console:, memory:, file:///folder, smtp://user:password@host:port, smtp+tls://… or smtps://…"
    )
