"""How Symphony writes its logs: one stream, one schema for all lines."""

from __future__ import annotations

from typing import Any, Final

# "plain" is what "text" was called once.
_FORMATTERS: Final = {"text": "plain", "plain": "plain", "json": "json"}
STYLES: Final = tuple(_FORMATTERS)
# They tell of every call its whole address and more, secrets included.
_TALKATIVE: Final = (
    "stripe",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "anthropic",
    "google_genai",
    "boto3",
    "botocore",
    "s3transfer",
)
# Servers tell here of each request with its query, where people put tokens; symphony.access tells of it without.
# Without any handler uvicorn does not even begin to, whatever it was started with.
_WITH_QUERIES: Final = ("uvicorn.access", "django.server")


def logging(*, style: str, level: str) -> dict[str, Any]:
    """Django's LOGGING; `style` is one of `STYLES`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"()": "apps.core.logs.LineFormatter"},
            "json": {"()": "apps.core.logs.JsonFormatter"},
        },
        "filters": {"no_websockets": {"()": "apps.core.logs.NoWebSockets"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": _FORMATTERS[style]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers mail admins and colour the console; one plain stream is enough.
            "django": {"handlers": [], "propagate": True},
            # The web server sets its own up before it loads us.
            "uvicorn": {"handlers": [], "propagate": True},
            "uvicorn.error": {"handlers": [], "propagate": True, "filters": ["no_websockets"]},
            **{name: {"handlers": [], "propagate": False, "level": "CRITICAL"} for name in _WITH_QUERIES},
            # That something was not found or refused stands in the line of its request already, with the request's id.
            "django.request": {"level": "ERROR"},
            **{name: {"level": "WARNING"} for name in _TALKATIVE},
        },
    }
