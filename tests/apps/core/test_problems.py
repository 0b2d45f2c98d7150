from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.http import Http404
from django.test import Client, RequestFactory
from rest_framework import exceptions, serializers

from apps.accounts.models import User
from apps.core import errors
from apps.core.api import exceptions as handlers
from apps.core.api.exceptions import problem_handler
from apps.core.api.problems import MEDIA_TYPE, pointer


def handled(error: Exception) -> tuple[int, dict[str, Any], Any]:
    response = problem_handler(error, {"request": None})
    assert response["Content-Type"] == MEDIA_TYPE
    body = json.loads(response.content)
    assert body["status"] == response.status_code
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    return response.status_code, body, response


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.NotFound(), 404, "not_found"),
        (errors.Conflict(), 409, "conflict"),
        (errors.Invalid(), 422, "invalid"),
        (errors.Forbidden(), 403, "forbidden"),
        (errors.TooLarge(), 413, "too_large"),
        (errors.UnsupportedMedia(), 415, "unsupported_media_type"),
        (errors.Unavailable(), 503, "unavailable"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "forbidden"),
        (RequestDataTooBig(), 413, "too_large"),
        (DjangoValidationError({"name": "too long"}), 422, "invalid"),
        (exceptions.ValidationError({"name": ["required"]}), 422, "invalid"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed(), 401, "authentication_failed"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.UnsupportedMediaType("text/x"), 415, "unsupported_media_type"),
        (exceptions.Throttled(3), 429, "throttled"),
        (OperationalError("server closed the connection"), 503, "unavailable"),
        (DataError("value out of range"), 422, "invalid"),
        (IntegrityError("not null"), 500, "internal_error"),
        (RuntimeError("a secret detail"), 500, "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_error_becomes_a_problem(error: Exception, status: int, code: str) -> None:
    found, body, _ = handled(error)
    assert (found, body["code"]) == (status, code)


def test_an_unknown_error_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        _, body, _ = handled(RuntimeError("password=hunter2"))
    assert "hunter2" not in json.dumps(body)
    assert "hunter2" in caplog.text


def test_headers_of_the_protocol_are_kept() -> None:
    throttled = handled(exceptions.Throttled(2.1))[2]
    assert throttled["Retry-After"] == "3"
    refused = exceptions.NotAuthenticated()
    refused.auth_header = "Token"  # type: ignore[attr-defined]  # as APIView does
    assert handled(refused)[2]["WWW-Authenticate"] == "Token"


def test_extra_members_do_not_replace_the_standard_ones() -> None:
    _, body, _ = handled(errors.Conflict("Moved on.", version=3, status=200, code="x"))
    assert (body["version"], body["status"], body["code"], body["detail"]) == (3, 409, "conflict", "Moved on.")


def test_errors_of_fields_have_pointers() -> None:
    class Inner(serializers.Serializer[Any]):
        size = serializers.IntegerField()

    class Outer(serializers.Serializer[Any]):
        name = serializers.CharField()
        items = Inner(many=True)

        def validate(self, attrs: Any) -> Any:
            raise exceptions.ValidationError("All in all, no.", code="no")

    given = Outer(data={"items": [{"size": 1}, {"size": "x"}]})
    assert not given.is_valid()
    _, body, _ = handled(exceptions.ValidationError(given.errors))
    assert [(each["code"], each["pointer"]) for each in body["errors"]] == [
        ("required", "/name"),
        ("invalid", "/items/1/size"),
    ]
    whole = Outer(data={"name": "x", "items": []})
    assert not whole.is_valid()
    assert handled(exceptions.ValidationError(whole.errors))[1]["errors"] == [
        {"code": "no", "message": "All in all, no.", "pointer": ""}
    ]


def test_pointers_are_escaped() -> None:
    assert pointer(["a/b", 0, "~c"]) == "/a~1b/0/~0c"
    assert pointer([]) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        ("INSERT INTO accounts_user SELECT (a).* FROM (SELECT a FROM accounts_user a) x", 409, "conflict"),
        ("SELECT 'x'::uuid", 422, "invalid"),
        ("SELECT no_such_column", 500, "internal_error"),
        (("INSERT INTO accounts_membership (id, organization_id, user_id, role, joined_at) SELECT gen_random_uuid(), "
         "gen_random_uuid(), id, 'owner', now() FROM accounts_user"), 403, "forbidden"),
        ("SET LOCAL lock_timeout = '1ms'; DO $$ BEGIN RAISE lock_not_available; END $$", 503, "unavailable"),
    ],
)  # fmt: skip
def test_what_the_database_refuses(alice: User, web_role: None, statement: str, status: int, code: str) -> None:
    with (
        pytest.raises((IntegrityError, DataError, ProgrammingError, OperationalError)) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    found, body, _ = handled(caught.value)
    transaction.set_rollback(False)  # the handler asked for it; this test has undone the statement itself
    assert (found, body["code"]) == (status, code)
    assert "accounts_" not in json.dumps(body)


def test_paths_without_a_view(client: Client) -> None:
    missing = client.get("/api/v1/nothing/here")
    assert (missing.status_code, missing["Content-Type"], missing.json()["code"]) == (404, MEDIA_TYPE, "not_found")
    assert client.get("/nothing")["Content-Type"].startswith("text/html")


def test_error_views_answer_the_api_with_problems_and_browsers_with_pages() -> None:
    for view, status in (
        (lambda request: handlers.bad_request(request, ValueError("x")), 400),
        (lambda request: handlers.permission_denied(request, PermissionDenied("x")), 403),
        (handlers.server_error, 500),
    ):
        api, page = view(RequestFactory().get("/api/v1/x")), view(RequestFactory().get("/x"))
        assert (api.status_code, api["Content-Type"]) == (status, MEDIA_TYPE)
        assert page.status_code == status
        assert page["Content-Type"].startswith("text/html")
