"""What went wrong, as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class SymphonyError(Exception):
    """Anything this package raises."""


class ConnectionLost(SymphonyError):
    """The server did not answer, also after some more attempts."""


class Problem(SymphonyError):
    """The server said no. `code` is stable, `detail` is for people; `errors` say where in what was sent (`pointer`)."""

    def __init__(self, status: int, document: Mapping[str, Any], headers: httpx.Headers) -> None:
        self.status = status
        self.code = str(document.get("code", "unknown"))
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.errors: list[dict[str, Any]] = list(document.get("errors") or ())
        self.document = dict(document)
        self.headers = headers
        super().__init__(self._text())

    def _text(self) -> str:
        places = "".join(f"\n  {each.get('pointer') or '/'}: {each.get('message')}" for each in self.errors)
        return f"{self.status} {self.code}: {self.detail}{places}"


class NotSignedIn(Problem):
    """401: there is no token, or it is not valid any more."""


class Forbidden(Problem):
    """403."""


class NotFound(Problem):
    """404: it does not exist, or not for you."""


class Conflict(Problem):
    """409."""


class Outdated(Problem):
    """412: somebody else has changed it since; read it again."""


class Invalid(Problem):
    """400 or 422: see `errors`."""


class TooMany(Problem):
    """429: `retry_after` seconds from now it may go."""

    @property
    def retry_after(self) -> float | None:
        return retry_after(self.headers)


_BY_STATUS: dict[int, type[Problem]] = {
    400: Invalid,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Outdated,
    422: Invalid,
    429: TooMany,
}


def problem_of(response: httpx.Response) -> Problem:
    """To be called when the body has been read."""
    try:
        document = response.json()
    except ValueError:
        document = {"detail": response.text[:500], "title": response.reason_phrase}
    if not isinstance(document, Mapping):
        document = {"detail": str(document)[:500]}
    return _BY_STATUS.get(response.status_code, Problem)(response.status_code, document, response.headers)


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, where the server says so; the other form, a date, is for caches."""
    try:
        return max(float(headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        return None
