"""What can go wrong, as people and machines are told it.

The docstring of a class is its default message: keep it one sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar


class SymphonyError(Exception):
    """Something went wrong on our side; please try again."""

    code: ClassVar[str] = "symphony_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        self.detail: str = detail or type(self).message()
        self.extra: dict[str, Any] = extra
        super().__init__(self.detail)

    @classmethod
    def message(cls) -> str:
        return " ".join((cls.__doc__ or cls.title).split())


class NotFound(SymphonyError):
    """There is no such thing, or it is not yours to see."""

    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(SymphonyError):
    """The thing has changed, or exists already; read it again and decide anew."""

    code = "conflict"
    status = 409
    title = "Conflict"


class PreconditionFailed(SymphonyError):
    """It has changed since you read it, as `If-Match` says; read it again and decide anew."""

    code = "precondition_failed"
    status = 412
    title = "Precondition failed"


class Invalid(SymphonyError):
    """The request cannot be understood as it stands; `errors` says where and why."""

    code = "invalid"
    status = 422
    title = "Invalid request"

    def __init__(self, detail: str | None = None, *, errors: Iterable[Mapping[str, Any]] = (), **extra: Any) -> None:
        """`errors` hold `code`, `message`, `pointer` (JSON pointer) and, for documents, `line`, `column`, `suggestion`."""
        super().__init__(detail, **extra)
        self.errors: list[dict[str, Any]] = [dict(error) for error in errors]


class Forbidden(SymphonyError):
    """Your role does not allow this; ask an admin of the organization."""

    code = "forbidden"
    status = 403
    title = "Forbidden"


class TooLarge(SymphonyError):
    """What was sent is larger than this server accepts."""

    code = "too_large"
    status = 413
    title = "Too large"


class UnsupportedMedia(SymphonyError):
    """This media type is not accepted here."""

    code = "unsupported_media_type"
    status = 415
    title = "Unsupported media type"


class TooMany(SymphonyError):
    """Too many requests; wait a while before the next one."""

    code = "too_many_requests"
    status = 429
    title = "Too many requests"


class Unavailable(SymphonyError):
    """The service cannot answer just now; please try again shortly."""

    code = "unavailable"
    status = 503
    title = "Unavailable"
