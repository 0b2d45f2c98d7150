"""Requests made from the schema, sound and broken ones, to every route: no answer is a 5xx, each is as the schema says.

`SYMPHONY_FUZZ_SECONDS` says how long (`make fuzz`); without it the same few requests come each time. Whatever a request
does is undone before the next.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from apps.accounts import services as accounts
from symphony import roles
from tests.conftest import database_role
from tests.isolation.addresses import filled
from tests.isolation.cast import Cast
from tests.isolation.schema import document

GIVEN: Final = os.environ.get("SYMPHONY_FUZZ_SECONDS")
SECONDS: Final = float(GIVEN or 15)
EXAMPLES: Final = 2
"""Of each operation in a round."""
CHECKS: Final = [not_a_server_error, content_type_conformance, response_schema_conformance]
# They answer with bytes as they come, on connections that do not see this test's rows.
LEFT_OUT: Final = {"executions_stream"}

Failures = dict[str, str]


@pytest.fixture
def operations() -> list[Any]:
    schema = schemathesis.openapi.from_dict(document())
    schema.app = get_wsgi_application()
    found = [result.ok() for result in schema.get_all_operations()]
    return [each for each in found if each.definition.raw["operationId"] not in LEFT_OUT]


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """As Django's own test client does: a request neither begins nor ends with a connection."""
    signals = request_started, request_finished
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def headers(cast: Cast) -> dict[str, str]:
    _, secret = accounts.create_token(actor=cast.alice, name="fuzz")
    return {"Authorization": f"Token {secret}"}


def test_every_answer_is_as_the_schema_says(
    cast: Cast, operations: list[Any], headers: dict[str, str], settings: Settings
) -> None:
    settings.SYMPHONY_RATE_LIMITS = 0.0
    with cast.seeing_everything():
        hers = {operation.path: filled(operation.path, cast.filling) for operation in operations}
    failures: Failures = {}
    asked = 0
    with database_role(roles.GROUPS["web"]):
        for operation, number in rounds(operations):
            asked += ask(operation, number, hers[operation.path], headers, failures)
    assert asked >= len(operations)
    assert not failures, "\n".join(f"{name}: {said}" for name, said in sorted(failures.items()))


def rounds(operations: list[Any]) -> Iterator[tuple[Any, int]]:
    """Each operation once, then again as long as there is time."""
    deadline = time.monotonic() + SECONDS
    number = 0
    while number == 0 or time.monotonic() < deadline:
        for operation in operations:
            if number and time.monotonic() > deadline:
                return
            yield operation, number
        number += 1


def ask(operation: Any, number: int, known: dict[str, Any], headers: dict[str, str], failures: Failures) -> int:
    asked = 0

    @seed(number if GIVEN is None else time.time_ns())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(operation), real=st.booleans() if number else st.just(value=True))
    def one(case: Any, real: bool) -> None:  # noqa: FBT001 - drawn
        nonlocal asked
        asked += 1
        if real and case.path_parameters:
            # Of rows that exist: made-up ones are not found, and that is all one learns.
            case.path_parameters.update({name: str(value) for name, value in known.items()})
        try:
            undone(case, headers)
        except (Failure, FailureGroup) as failure:
            failures.setdefault(operation.label, said(failure))

    one()
    return asked


def cases(operation: Any) -> st.SearchStrategy[Any]:
    sound = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    broken = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return st.one_of(sound, broken)


def undone(case: Any, headers: dict[str, str]) -> None:
    point = transaction.savepoint()
    try:
        case.call_and_validate(headers=headers, checks=CHECKS)
    finally:
        transaction.savepoint_rollback(point)
        connection.needs_rollback = False


def said(failure: Failure | FailureGroup) -> str:
    parts = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
    return " | ".join(str(part).replace("\n", " ")[:600] for part in parts)
