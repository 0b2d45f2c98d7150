"""Making a session ready: everything is compiled and prepared, and nothing is left of it."""

from __future__ import annotations

import pytest
from django.db import connection

from apps.executions import ledger

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = ("execution", "task", "event", "backlog", "share", "window", "pitoperation", "poollease")


def test_a_rehearsal_leaves_nothing_but_prepared_statements() -> None:
    before = rows()
    ledger.rehearse()
    assert rows() == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        prepared = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT coalesce(current_setting('app.organization_id', true), '')")
        assert cursor.fetchone() == ("",)
    assert {"symphony_ledger_claim", "symphony_ledger_finish"} <= prepared
    ledger.rehearse()


def rows() -> list[tuple[int]]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"(SELECT count(*) FROM executions_{table})" for table in TABLES))
        return list(cursor.fetchall())
