"""Projects and secrets of Alice's orchestra, sealed with a key of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from pytest_django import Settings

from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as
from apps.projects import services
from apps.projects.models import Project, Secret


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> list[str]:
    settings.SYMPHONY_SECRET_KEYS = [Fernet.generate_key().decode()]
    keys: list[str] = settings.SYMPHONY_SECRET_KEYS
    return keys


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


@pytest.fixture
def project(alice: User, orchestra: Organization) -> Project:
    with acting_as(alice.pk):
        return services.create_project(actor=alice, organization=orchestra, name="Spring concert")


@pytest.fixture
def store(alice: User, orchestra: Organization) -> Callable[..., Secret]:
    """A secret of Alice's orchestra, or of one of its projects."""

    def store(name: str, value: str, project: Project | None = None, **given: Any) -> Secret:
        with acting_as(alice.pk):
            return services.set_secret(
                **{"actor": alice, "organization": orchestra, "project": project, "name": name, "value": value} | given
            )

    return store


@pytest.fixture
def reveal(orchestra: Organization) -> Callable[..., str | None]:
    """A secret's value, as a worker sees it."""

    def reveal(name: str, project: Project | None = None, organization: Organization = orchestra) -> str | None:
        with as_worker():
            found = services.reveal(organization.pk, project.pk if project else None, name)
        return found.reveal() if found else None

    return reveal
