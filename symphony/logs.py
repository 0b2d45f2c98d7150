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


def logging(*, style: str, level: str) -> dict[str, Any]:
    """Django's LOGGING; `style` is one of `STYLES`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"()": "apps.core.logs.LineFormatter"},
            "json": {"()": "apps.core.logs.JsonFormatter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": _FORMATTERS[style]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers mail admins and colour the console; one plain stream is enough.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # The web server sets its own up before it loads us.
            **{name: {"handlers": [], "propagate": True} for name in ("uvicorn", "uvicorn.error", "uvicorn.access")},
            # That something was not found or refused stands in the line of its request already, with the request's id.
            "django.request": {"level": "ERROR"},
            **{name: {"level": "WARNING"} for name in _TALKATIVE},
        },
    }
