"""What goes wrong on the way to a provider, told the same way for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from workers.models.errors import ModelError, error_of
from workers.models.keys import Key

_MAX_RETRY_AFTER = 3600.0
_MAX_MESSAGE = 1000


def of_status(provider: str, status: int, said: str, *, key: Key, retry_after: float | None = None) -> ModelError:
    """An answer with an HTTP status that is not 200."""
    message = f"{provider} answered {status}: {key.hidden_in(said)[:_MAX_MESSAGE]}"
    return error_of(code_of(status), message, retry_after=retry_after, details={"status": status})


def code_of(status: int) -> str:
    if status == 429:
        return "rate_limit"
    if status in {503, 529}:
        return "overloaded"
    if status in {408, 504}:
        return "timeout"
    if status == 409 or status >= 500:
        return "api_error"
    return "auth" if status in {401, 403} else "bad_request"


def unreachable(provider: str, error: BaseException, *, key: Key) -> ModelError:
    """No answer, or one that broke off or could not be read."""
    reason = key.hidden_in(f"{type(error).__name__}: {error}")[:_MAX_MESSAGE]
    return error_of("api_error", f"{provider} could not be reached, or broke off: {reason}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a Retry-After header: a number or a date."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return bounded(float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return bounded((moment - datetime.now(UTC)).total_seconds())


def bounded(seconds: float) -> float | None:
    """What a provider may make us wait: at most an hour."""
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _MAX_RETRY_AFTER)
