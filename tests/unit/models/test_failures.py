"""How trouble is told: codes, waiting times, and never a key or a prompt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from workers.models import failures
from workers.models.keys import Key
from workers.models.request import Message, ModelRequest

KEY = Key("sk-very-secret-0815")


@pytest.mark.parametrize(
    ("status", "code", "transient"),
    [
        (429, "rate_limit", True),
        (529, "overloaded", True),
        (503, "overloaded", True),
        (500, "api_error", True),
        (502, "api_error", True),
        (409, "api_error", True),
        (408, "timeout", True),
        (504, "timeout", True),
        (401, "auth", False),
        (403, "auth", False),
        (400, "bad_request", False),
        (404, "bad_request", False),
        (413, "bad_request", False),
    ],
)
def test_codes_of_statuses(status: int, code: str, *, transient: bool) -> None:
    error = failures.of_status("Somebody", status, "because", key=KEY)
    assert (error.code, error.transient, error.final) == (code, transient, not transient)
    assert error.details == {"status": status}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("1e9", 3600.0), ("nan", None), ("", None), ("soon", None)],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    assert failures.retry_after({"retry-after": header}) == seconds


def test_retry_after_as_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    seconds = failures.retry_after({"retry-after": soon})
    assert seconds is not None
    assert 55 <= seconds <= 60
    assert failures.retry_after({}) is None


def test_keys_are_never_told() -> None:
    error = failures.of_status("Somebody", 401, f"key {KEY.value} is not known", key=KEY)
    assert KEY.value not in str(error)
    assert KEY.value not in str(failures.unreachable("Somebody", OSError(f"at {KEY.value}"), key=KEY))
    for shown in (repr(KEY), str(KEY), f"{KEY}", repr([KEY])):
        assert KEY.value not in shown


def test_prompts_are_never_shown_by_accident() -> None:
    request = ModelRequest("gemini", "m", (Message("user", "my diary"),), system="my secret")
    assert "diary" not in repr(request)
    assert "secret" not in repr(request)
    assert "diary" not in repr(request.messages)
