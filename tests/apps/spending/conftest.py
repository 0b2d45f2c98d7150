"""Calls and budgets of Alice's orchestra, on the database role of a worker unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as
from apps.spending import services
from apps.spending.models import Budget

RUN, TASK = UUID(int=1), UUID(int=2)
Reserve = Callable[..., services.Reservation]
MakeBudget = Callable[..., Budget]


@contextmanager
def as_worker() -> Iterator[None]:
    """A worker's database role for the block, whatever the role was."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (before,) = cursor.fetchone()
        cursor.execute("SET ROLE symphony_worker")
        try:
            yield
        finally:
            if not connection.needs_rollback:
                cursor.execute(f'SET ROLE "{before}"')


def call(organization: Organization, **given: Any) -> dict[str, Any]:
    """Arguments of `services.reserve`: a dollar and a thousand tokens unless something else is said."""
    return {
        "organization_id": organization.pk,
        "project_id": None,
        "melody_id": None,
        "execution_id": RUN,
        "task_id": TASK,
        "attempt": 1,
        "provider": "anthropic",
        "model": "large",
        "tokens": 1000,
        "usd": Decimal(1),
    } | given


@pytest.fixture
def elsewhere(bob: User, home_of: Callable[[User], Organization]) -> Organization:
    """An organization of strangers."""
    return home_of(bob)


@pytest.fixture
def reserve(orchestra: Organization) -> Reserve:
    def reserve(**given: Any) -> services.Reservation:
        with as_worker():
            return services.reserve(**call(orchestra, **given))

    return reserve


@pytest.fixture
def settle(orchestra: Organization) -> Callable[..., services.Settlement]:
    """To what was reserved unless another price is given; all of it input."""

    def settle(reservation: services.Reservation, usd: Any = None, tokens: int | None = None) -> services.Settlement:
        with as_worker():
            return services.settle(
                organization_id=orchestra.pk,
                reservation_id=reservation.id,
                usage={"input_tokens": reservation.tokens if tokens is None else tokens},
                usd=reservation.usd if usd is None else Decimal(usd),
            )

    return settle


@pytest.fixture
def budget(alice: User, orchestra: Organization) -> MakeBudget:
    def budget(**given: Any) -> Budget:
        with acting_as(alice.pk):
            return services.create_budget(
                actor=alice,
                organization=orchestra,
                **{"name": f"budget {uuid4().hex[:6]}", "limit_usd": Decimal(10)} | given,
            )

    return budget
