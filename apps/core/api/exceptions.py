"""The one exception handler of the API, and Django's error views for paths that reach no view."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.signals import got_request_exception
from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from apps.core.api.problems import pointer, problem_response
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound, SymphonyError, TooLarge, Unavailable

logger = logging.getLogger(__name__)

API_PREFIX: Final = "/api/"
INTERNAL_ERROR: Final = "internal_error"

# SQLSTATE: an error of the caller's, as far as the database can tell.
_CONFLICTS: Final = frozenset({"23505", "23503", "23001", "23P01"})
_ROW_SECURITY: Final = "42501"


def problem_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """DRF's EXCEPTION_HANDLER. The request's transaction is rolled back whatever the error was."""
    set_rollback()
    known = _as_symphony_error(error)
    if known is not None:
        return problem_of(known)
    if isinstance(error, ValidationError):
        return problem_of(Invalid("Some fields are not valid.", errors=_field_errors(error.detail)))
    if isinstance(error, APIException):
        return _of_api_exception(error)
    request = context.get("request")
    logger.error("Unexpected error in %s", _place(request), exc_info=error)
    # Error trackers listen for it, and Django's test client raises it again.
    got_request_exception.send(sender=None, request=getattr(request, "_request", request))
    return internal_error()


def internal_error() -> HttpResponse:
    return problem_response(status=500, code=INTERNAL_ERROR, detail=SymphonyError.message())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(API_PREFIX):
        return defaults.bad_request(request, exception)
    return problem_response(status=400, code="bad_request", detail="The request cannot be read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(API_PREFIX):
        return defaults.permission_denied(request, exception)
    return problem_of(Forbidden())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(API_PREFIX):
        return defaults.page_not_found(request, exception)
    return problem_of(NotFound(f"There is nothing at {request.path}; /api/docs/ lists what there is."))


def server_error(request: HttpRequest) -> HttpResponse:
    return internal_error() if request.path.startswith(API_PREFIX) else defaults.server_error(request)


def _as_symphony_error(error: Exception) -> SymphonyError | None:
    match error:
        case SymphonyError():
            return error
        case Http404():
            return NotFound(str(error) or None)
        case PermissionDenied():
            return Forbidden(str(error) or None)
        case RequestDataTooBig() | TooManyFieldsSent():
            return TooLarge()
        case DjangoValidationError():
            return Invalid("Some fields are not valid.", errors=_model_errors(error))
        case Error():
            return _of_database(error)
    return None


def _of_database(error: Error) -> SymphonyError | None:
    """What PostgreSQL refused. Its words name tables and values, so they go to the log only."""
    state = getattr(error.__cause__, "pgcode", None)
    found: SymphonyError | None = None
    if isinstance(error, IntegrityError) and state in _CONFLICTS:
        found = Conflict()
    elif isinstance(error, DataError):
        found = Invalid("A value does not fit what it is meant for.")
    elif isinstance(error, OperationalError | InterfaceError):
        found = Unavailable()
    elif state == _ROW_SECURITY:
        found = Forbidden()
    if found is not None:
        logger.warning("The database refused (%s): %s", state, str(error).strip())
    return found


def problem_of(error: SymphonyError) -> HttpResponse:
    """The answer itself, for a view whose transaction is to be kept."""
    return problem_response(
        status=error.status,
        code=error.code,
        title=error.title,
        detail=error.detail,
        errors=error.errors if isinstance(error, Invalid) else None,
        extra=error.extra,
        headers=_patience(error),
    )


def _patience(error: SymphonyError) -> dict[str, str]:
    """`Retry-After` where waiting helps: the seconds the error names, else one when we are unavailable."""
    seconds = error.extra.get("retry_after", 1 if error.status == Unavailable.status else None)
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _of_api_exception(error: APIException) -> HttpResponse:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    code = error.get_codes()
    return problem_response(
        status=error.status_code,
        code=code if isinstance(code, str) else str(error.default_code),
        detail=str(error.detail),
        headers=headers,
    )


def _field_errors(detail: Any, path: tuple[str | int, ...] = ()) -> Iterator[dict[str, str]]:
    """DRF's tree of messages as a list, each with the JSON pointer of its field."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = path if name == api_settings.NON_FIELD_ERRORS_KEY else (*path, name)
            yield from _field_errors(inner, own)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            # A list of messages belongs to the field itself, a list of trees to its items.
            yield from _field_errors(inner, path if isinstance(inner, str) else (*path, index))
    else:
        code = detail.code if isinstance(detail, ErrorDetail) else "invalid"
        yield {"code": str(code), "message": str(detail), "pointer": pointer(path)}


def _model_errors(error: DjangoValidationError) -> Iterator[dict[str, str]]:
    by_field = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
    for name, errors in by_field.items():
        place = pointer([name] if name not in ("", "__all__") else [])
        for single in errors:
            for message in single.messages:
                yield {"code": str(single.code or "invalid"), "message": message, "pointer": place}


def _place(request: Any) -> str:
    return f"{request.method} {request.path}" if request is not None else "a request"
