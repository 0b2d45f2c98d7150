"""The cast. Alice, Bob and Carol are strangers to each other; each has a personal organization."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from apps.accounts import queries, services
from apps.accounts.models import Organization, User


@pytest.fixture
def alice(db: None) -> User:
    return _person("alice")


@pytest.fixture
def bob(db: None) -> User:
    return _person("bob")


@pytest.fixture
def carol(db: None) -> User:
    return _person("carol")


def _person(name: str) -> User:
    # Without a password: hashing one takes longer than most tests.
    return services.create_user(email=f"{name}@example.org", password=None, display_name=name.title())


@pytest.fixture
def home_of(db: None) -> Callable[[User], Organization]:
    """Somebody's personal organization."""
    return lambda user: queries.organization_for(actor=user)


@pytest.fixture
def orchestra(alice: User) -> Organization:
    """Alice's organization to work in together; she is alone in it at first."""
    return services.create_organization(actor=alice, name="Orchestra")


@pytest.fixture
def api_of(web_role: None) -> Callable[[User], APIClient]:
    """A client of the API with a token of this user, on the database role of the web."""

    def client(user: User) -> APIClient:
        _, secret = services.create_token(actor=user, name="test")
        return APIClient(headers={"Authorization": f"Token {secret}"})

    return client
