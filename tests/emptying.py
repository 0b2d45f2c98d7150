"""What a test committed is taken away again: only the tables it wrote to, and nothing is migrated anew.

Django's own `flush` empties every table there is and then makes content types and permissions again, after each test.
What migrations have put into the database stays, as it was.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.test import TransactionTestCase

# A table without a row in it since it was made or emptied takes no room. Partitions count for their table.
_TABLES = """
    SELECT c.oid::regclass::text, c.oid, pg_relation_size(c.oid) + coalesce(sum(pg_relation_size(p.relid)), 0) > 0
    FROM pg_class c LEFT JOIN LATERAL pg_partition_tree(c.oid) p ON p.isleaf
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    GROUP BY c.oid
"""
_REFERENCES = "SELECT confrelid, conrelid FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid"

# What refuses to be emptied, as the trail and the history do, is let go in a database of tests.
_REFUSALS = """
    SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger
    WHERE NOT tgisinternal AND tgtype & 32 = 32
"""

# What is kept for ever by a trigger has to go as well.
_GUARDS = """
    SELECT tgrelid::regclass::text, quote_ident(tgname) FROM pg_trigger
    WHERE NOT tgisinternal AND tgenabled <> 'D' AND (tgtype & 32) > 0 AND tgrelid = ANY(%s)
"""

_migrated: set[str] = set()
"""What holds rows already when no test has run."""


def install() -> None:
    """To be called when the test database has been made."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        _migrated.update(name for name, _, written in cursor.fetchall() if written)
        cursor.execute(_REFUSALS)
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
    TransactionTestCase._fixture_teardown = lambda _: empty()  # type: ignore[method-assign]


def empty() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TABLES)
        tables = cursor.fetchall()
        written = {oid for name, oid, has_rows in tables if has_rows and name not in _migrated}
        if not written:
            return
        cursor.execute(_REFERENCES)
        reached = _reaching(written, cursor.fetchall())
        names = sorted(name for name, oid, _ in tables if oid in reached)
        cursor.execute(_GUARDS, [list(reached)])
        guards = cursor.fetchall()
        off = [f"ALTER TABLE {table} DISABLE TRIGGER {name}" for table, name in guards]
        on = [f"ALTER TABLE {table} ENABLE TRIGGER {name}" for table, name in guards]
        cursor.execute("; ".join([*off, f"TRUNCATE {', '.join(names)}", *on]))


def _reaching(written: set[int], references: list[tuple[int, int]]) -> set[int]:
    """With the tables that refer to them: PostgreSQL empties them together or not at all."""
    found = set(written)
    while more := {referring for referred, referring in references if referred in found} - found:
        found |= more
    return found
