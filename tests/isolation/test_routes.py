"""Every route and method of the schema, asked for what is Alice's by those it is not for.

Nothing is listed here: a new route is walked on the day it is in the schema. One with a parameter that the cast cannot
fill fails the walk.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import pytest
from django.db import DatabaseError, connections
from django.http.response import HttpResponseBase
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.executions import streaming
from symphony import roles
from tests.conftest import database_role
from tests.isolation.addresses import Unknown, filled, known_ids, never
from tests.isolation.cast import Cast
from tests.isolation.filling import MARK
from tests.isolation.schema import Operation, operations

# Committed: a stream reads on connections of its own.
pytestmark = pytest.mark.django_db(transaction=True)

# What a viewer may do although it writes: operation and reason.
OWN_BUSINESS: Final[dict[str, str]] = {
    "comments_create": "who may read a melody may say something about it",
    "organizations_leave": "nobody is kept",
}
# What everybody may see of what is hers.
PUBLISHED: Final[dict[str, str]] = {
    "plans_get": "plans are everybody's",
    "users_retrieve": "a profile under a name one has chosen is public",
}
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str

    def about(self, *values: Any) -> tuple[int, str]:
        """Without the values asked for, and what differs from answer to answer anyway."""
        text = self.text
        for value in values:
            text = re.sub(rf"\b{re.escape(str(value))}\b", "…", text)
        return self.status, _UUID.sub("…", text)


def ask(client: APIClient, operation: Operation, values: dict[str, Any], known: Callable[[str], Any]) -> Answer:
    path = operation.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    query = {each["name"]: known(each["name"]) for each in operation.parameters("query") if known(each["name"])}
    given = operation.body(known)
    body, media = given or (None, "application/json")
    data = json.dumps(body) if body is not None else ""
    send = client.get if operation.method == "get" else getattr(client, operation.method)
    response = (
        client.get(path, query) if operation.method == "get" else send(path, data, content_type=media, QUERY_STRING="")
    )
    return Answer(response.status_code, _text(response))


def _text(response: HttpResponseBase) -> str:
    if response.streaming:
        response.close()
        return ""
    return response.content.decode("utf-8", "replace")


def client_of(user: User | None) -> APIClient:
    """It answers with 500 where the code raises, as a server does."""
    if user is None:
        return APIClient(raise_request_exception=False)
    _, secret = accounts.create_token(actor=user, name="walk")
    return APIClient(raise_request_exception=False, headers={"Authorization": f"Token {secret}"})


@pytest.fixture(autouse=True)
def streams(transactional_db: None) -> Iterator[None]:
    """The connections of the streams' threads are closed, or the test database could not go."""
    yield
    together = threading.Barrier(streaming.THREADS)

    def close() -> None:
        together.wait(10)
        connections.close_all()

    for closed in [streaming._pool.submit(close) for _ in range(streaming.THREADS)]:
        closed.result(20)


@pytest.fixture
def hers(cast: Cast) -> dict[str, dict[str, Any]]:
    """Path parameters by path."""
    values, unknown = {}, []
    with cast.seeing_everything():
        for path in {operation.path for operation in operations()}:
            try:
                values[path] = filled(path, cast.filling)
            except (Unknown, DatabaseError) as error:
                unknown.append(str(error))
    assert unknown == []
    return values


@pytest.fixture
def known(cast: Cast) -> Callable[[str], Any]:
    """Whatever is named after something of hers is hers."""
    found: dict[str, Any] = {}

    def look(name: str) -> Any:
        if name not in found:
            with cast.seeing_everything():
                found[name] = known_ids(cast.filling, name)
        return found[name]

    return look


def test_she_herself_is_let_in(cast: Cast, hers: dict[str, dict[str, Any]], known: Callable[[str], Any]) -> None:
    """Or the walks below would prove nothing: her own objects are found at the very addresses."""
    client = client_of(cast.alice)
    with database_role(roles.GROUPS["web"]):
        missing = {
            operation.id: ask(client, operation, hers[operation.path], lambda _: None).about()
            for operation in operations()
            if operation.method == "get" and hers[operation.path]
        }
    _none({name: answer for name, answer in missing.items() if answer[0] in (403, 404) or answer[0] >= 500})


def test_a_stranger_learns_and_changes_nothing(
    cast: Cast, hers: dict[str, dict[str, Any]], known: Callable[[str], Any]
) -> None:
    """What is hers is answered exactly as what does not exist."""
    client = client_of(cast.stranger)
    before, private = cast.rows(), cast.private_ids()
    wrong: dict[str, Any] = {}
    with database_role(roles.GROUPS["web"]):
        for operation in operations():
            values = hers[operation.path]
            answer = ask(client, operation, values, known)
            nobody = ask(client, operation, {name: never(value) for name, value in values.items()}, known)
            if complaint := _complaint(operation, answer, nobody, values, private):
                wrong[f"{operation.method} {operation.path}"] = complaint
    _none(wrong)
    _untouched(cast, before)


def _complaint(
    operation: Operation, answer: Answer, nobody: Answer, values: dict[str, Any], private: set[str]
) -> str | None:
    seen = [each for each in private if each in answer.text and each not in map(str, values.values())]
    if MARK in answer.text or (answer.status < 300 and seen):
        return f"{answer.status} shows what is hers: {answer.text[:300]}"
    if answer.status >= 500 or nobody.status >= 500:
        return f"{answer.status}, {nobody.status}: {answer.text[:300]}"
    if not values or operation.id in PUBLISHED:
        return None
    theirs = [str(never(value)) for value in values.values()]
    if answer.about(*values.values()) != nobody.about(*theirs):
        return f"{answer.status} {answer.text[:200]} is told from {nobody.status} {nobody.text[:200]}"
    if answer.status < 300 and not operation.is_public:
        return f"{answer.status}: {answer.text[:200]}"
    return None


def test_nobody_is_let_in_without_a_name(
    cast: Cast, hers: dict[str, dict[str, Any]], known: Callable[[str], Any]
) -> None:
    client = client_of(None)
    before = cast.rows()
    wrong: dict[str, Any] = {}
    with database_role(roles.GROUPS["web"]):
        for operation in operations():
            answer = ask(client, operation, hers[operation.path], known)
            # Where only a cookie of the browser counts, there is no challenge to send, and HTTP calls that 403.
            unnamed = answer.status == 401 or (answer.status == 403 and '"not_authenticated"' in answer.text)
            if answer.status >= 500 or MARK in answer.text or not (unnamed or operation.is_public):
                wrong[f"{operation.method} {operation.path}"] = (answer.status, answer.text[:300])
    _none(wrong)
    _untouched(cast, before)


def test_a_viewer_changes_nothing(cast: Cast, hers: dict[str, dict[str, Any]], known: Callable[[str], Any]) -> None:
    client = client_of(cast.viewer)
    before = cast.rows()
    wrong: dict[str, Any] = {}
    with database_role(roles.GROUPS["web"]):
        for operation in operations():
            values = hers[operation.path]
            if not operation.writes or not values or operation.is_public or operation.id in OWN_BUSINESS:
                continue
            answer = ask(client, operation, values, known)
            if answer.status not in (403, 404):
                wrong[f"{operation.id}: {operation.method} {operation.path}"] = (answer.status, answer.text[:300])
    _none(wrong)
    _untouched(cast, before)


def _none(wrong: dict[str, Any]) -> None:
    assert not wrong, "\n".join(f"{name}: {said}" for name, said in wrong.items())


def _untouched(cast: Cast, before: Any) -> None:
    """Each row about her is as it was, and there is no new one."""
    after = cast.rows()
    changes = [("gone or changed", *row) for row in before - after] + [("new", *row) for row in after - before]
    assert not changes, "\n".join(map(str, changes))
