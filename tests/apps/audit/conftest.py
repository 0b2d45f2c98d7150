from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.core.tenancy import staff


@pytest.fixture
def seal() -> Callable[[], None]:
    """What a commit does to the entries of its transaction."""

    def sealed() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")

    return sealed


@pytest.fixture
def entry_of() -> Callable[[str], AuditEntry]:
    """The one entry of an action, seen by staff."""

    def found(action: str) -> AuditEntry:
        with staff():
            return AuditEntry.objects.get(action=action)

    return found
