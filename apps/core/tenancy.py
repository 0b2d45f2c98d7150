"""Who the database believes it is talking to.

Row-level security reads transaction-local settings. Each context manager here opens a transaction (or a savepoint in
one), sets its setting, and leaves the setting as it found it. Where it is set to the same already, nothing is opened: a
service may say whom it acts for at the price of one question, also when the request has said so before.

- `acting_as(user_id)`: the web; sees the organizations this user is a member of, writes where the role allows.
- `working_for(organization_id)`: a worker; sees this one organization.
- `staff()`: the Django admin and management commands; sees every organization.
- `sweeping()`: the sweep; sees every organization, as a worker.

Who the actor is says what they may see, and working that out is a question or two: it is done once for the transaction, in
the round trip that says who they are (`app_stand()`, made by projects/0004), and each statement's policies find it done.

After COMMIT PostgreSQL reads such a setting as '', not as NULL: the SQL functions treat both as "nobody".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.core.db.prepared import Prepared
from apps.core.origin import current_origin

USER = "app.user_id"
ORGANIZATION = "app.organization_id"
STAFF = "app.staff"
SCOPE = "app.scope"
BOUND = "app.bound_organization"
_TRACED = ", set_config('app.traceparent', %s, true)"
_STAND = ", app_stand()"
_OF_THE_ACTOR = frozenset({USER, BOUND})


@contextmanager
def acting_as(user_id: UUID | str) -> Iterator[None]:
    with local_setting(USER, str(user_id)):
        yield


@contextmanager
def working_for(organization_id: UUID | str) -> Iterator[None]:
    with local_setting(ORGANIZATION, str(organization_id)):
        yield


@contextmanager
def staff() -> Iterator[None]:
    with local_setting(STAFF, "on"):
        yield


@contextmanager
def sweeping() -> Iterator[None]:
    with local_setting(SCOPE, "sweep"):
        yield


def set_actor(user_id: UUID | str) -> None:
    """Act as this user until the transaction that is open already (a request's) ends."""
    set_until_commit({USER: str(user_id)})


def set_bound(organization_id: UUID | str) -> None:
    """See, of all the actor's organizations, this one only, until the transaction that is open already ends."""
    set_until_commit({BOUND: str(organization_id)})


def set_staff(user_id: UUID | str) -> None:
    """Act as this user and see every organization until the transaction that is open already (an admin request's) ends."""
    set_until_commit({USER: str(user_id), STAFF: "on"})


def set_until_commit(values: Mapping[str, str]) -> None:
    """Set transaction-local settings for the rest of the transaction that is open already; one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(*_setting(values))


def asked_with(values: Mapping[str, str], query: Prepared, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a query for which these are set until the transaction that is open already ends; one round trip."""
    return query.rows(parameters, after=_setting(values))


def _setting(values: Mapping[str, str]) -> tuple[str, list[str]]:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            f"{', '.join(values)} would last as long as a transaction and none is open here: set ATOMIC_REQUESTS, or use the "
            f"context managers of {__name__}."
        )
    settings = {**values, "app.request_id": current_origin().request_id}
    statement = f"SELECT {', '.join(['set_config(%s, %s, true)'] * len(settings))}"
    stand = _STAND if _OF_THE_ACTOR & values.keys() else ""
    return statement + stand, [text for item in settings.items() for text in item]


@contextmanager
def local_setting(name: str, value: str) -> Iterator[None]:
    """Set `name` to `value` for the block, in a transaction of its own or a savepoint of the one around it."""
    if not connection.in_atomic_block:
        with transaction.atomic():
            _exchange(name, value)
            yield
        return
    previous = _exchange(name, value)
    if previous == value:
        yield
        return
    try:
        with transaction.atomic():
            yield
    finally:
        # Nothing but the end of the outermost transaction would do it: a released savepoint leaks its settings.
        if not connection.needs_rollback:
            _exchange(name, previous)


def _exchange(name: str, value: str) -> str:
    """Set a transaction-local setting, give back what it was; one round trip, which also says whose request this is."""
    with connection.cursor() as cursor:
        origin = current_origin()
        cursor.execute(
            "SELECT current_setting(%s, true), set_config(%s, %s, true), set_config('app.request_id', %s, true)"
            + (_TRACED if origin.traceparent else "")
            + (_STAND if name in _OF_THE_ACTOR and value else ""),
            [name, name, value, origin.request_id, *([origin.traceparent] if origin.traceparent else [])],
        )
        previous, *_ = cursor.fetchone()
    return previous or ""
