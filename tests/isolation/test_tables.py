"""Every tenant table over raw SQL: nobody reads or writes a row of an organization they are not in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2.errors
import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.tenancy import acting_as, working_for
from symphony import roles
from tests.conftest import database_role
from tests.isolation.cast import Cast
from tests.isolation.tables import Table, rows_of, tenant_tables

# What the organizations of one person see of each other's rows by design.
SHARED: dict[str, str] = {}


@contextmanager
def web(cast: Cast) -> Iterator[None]:
    with database_role(roles.GROUPS["web"]), acting_as(cast.stranger.pk):
        yield


@contextmanager
def worker(cast: Cast) -> Iterator[None]:
    with database_role(roles.GROUPS["worker"]), working_for(cast.elsewhere.pk):
        yield


PEOPLE = pytest.mark.parametrize("somebody", [web, worker])


def guarded() -> list[Table]:
    return [table for table in tenant_tables() if table.name not in SHARED]


def attempt(sql: str, *parameters: Any) -> list[tuple[Any, ...]] | int | str:
    """What a statement gives, how many rows it changed, or "refused" when the database does not allow it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else cursor.rowcount
    except DatabaseError as error:
        if isinstance(error.__cause__, psycopg2.errors.InsufficientPrivilege):
            return "refused"
        raise


def hers(cast: Cast) -> dict[str, list[dict[str, Any]]]:
    ids = sorted(cast.ids())
    with cast.seeing_everything():
        return {table.name: rows_of(table, ids) for table in guarded()}


def test_every_tenant_table_has_a_row_of_hers(cast: Cast) -> None:
    assert cast.empty == {}, "say in tests/isolation/filling.py what such a row needs"
    assert [name for name, rows in hers(cast).items() if not rows] == []


@PEOPLE
def test_nobody_reads(cast: Cast, somebody: Callable[[Cast], Any]) -> None:
    ids = cast.ids()
    nobodys = {name for name, rows in hers(cast).items() if not any(known in str(rows) for known in ids)}
    seen: dict[str, Any] = {}
    with somebody(cast):
        for table in guarded():
            # Columns one by one: of some tables a role may read only a part.
            columns = [
                name for name in table.columns if attempt(f'SELECT "{name}" FROM "{table.name}" LIMIT 0') != "refused"
            ]
            if not columns:
                continue
            listed = ", ".join(f'"{name}"::text' for name in columns)
            rows = attempt(f'SELECT {listed} FROM "{table.name}"')
            assert isinstance(rows, list)
            found = [row for row in rows if table.name in nobodys or any(known in str(row) for known in ids)]
            if found:
                seen[table.name] = found
    assert seen == {}


@PEOPLE
def test_nobody_changes_or_deletes(cast: Cast, somebody: Callable[[Cast], Any]) -> None:
    rows = hers(cast)
    before = cast.rows()
    done: dict[str, Any] = {}
    with somebody(cast):
        for table in guarded():
            for verb in (
                f'UPDATE "{table.name}" SET "{table.columns[-1]}" = "{table.columns[-1]}"',
                f'DELETE FROM "{table.name}"',
            ):
                for row in rows[table.name]:
                    where = " AND ".join(f'"{name}"::text = %s' for name in table.key)
                    result = attempt(f"{verb} WHERE {where}", *(_text(row[name]) for name in table.key))
                    if result not in (0, "refused"):
                        done[f"{verb.split()[0]} {table.name}"] = result
    assert done == {}
    assert cast.rows() == before


@PEOPLE
def test_nobody_puts_a_row_of_hers_in(cast: Cast, somebody: Callable[[Cast], Any]) -> None:
    """Also not a copy of one, which the database would otherwise have to refuse for its key."""
    rows = hers(cast)
    results: dict[str, Any] = {}
    with somebody(cast):
        for table in guarded():
            columns = ", ".join(f'"{name}"' for name in table.columns)
            insert = (
                f'INSERT INTO "{table.name}" ({columns}) '
                f'SELECT {columns} FROM jsonb_populate_record(NULL::"{table.name}", %s)'
            )
            for row in rows[table.name]:
                results[table.name] = _inserted(insert, row)
    assert {name: result for name, result in results.items() if result != "refused"} == {}


def _inserted(insert: str, row: dict[str, Any]) -> Any:
    try:
        return attempt(insert, json.dumps(row))
    except DatabaseError as error:
        return str(error).strip().splitlines()[0]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
