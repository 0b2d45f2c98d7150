"""The tenant tables, as pg_catalog knows them, and what is in them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: tuple[str, ...]
    """Those that can be written: no generated ones."""
    key: tuple[str, ...]


def ask(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


@cache
def tenant_tables() -> tuple[Table, ...]:
    """Every table whose rows the database guards. A test of apps/core sees to it that none of ours is left out."""
    found = ask(
        """
        SELECT c.relname,
               array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
               (SELECT array_agg(k.attname::text ORDER BY k.attnum) FROM pg_index i JOIN pg_attribute k
                ON k.attrelid = c.oid AND k.attnum = ANY(i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relforcerowsecurity
        AND c.relnamespace = current_schema()::regnamespace GROUP BY c.oid, c.relname ORDER BY c.relname
        """
    )
    return tuple(Table(name, tuple(columns), tuple(key or ())) for name, columns, key in found)


def rows_about(ids: Iterable[str]) -> Counter[tuple[str, str]]:
    """(table, row as text) of each row that names one of these ids. To be called as somebody who sees everything."""
    pattern = "|".join(map(re.escape, sorted(ids)))
    everything = " UNION ALL ".join(
        f"SELECT '{table.name}', t::text FROM \"{table.name}\" t" for table in tenant_tables()
    )
    return Counter(ask(f"SELECT * FROM ({everything}) AS every(name, row) WHERE row ~ %s", pattern))


def rows_of(table: Table, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Those that name one of these ids, or all of a table that names nobody. As JSON, so that a row can be put back."""
    pattern = "|".join(map(re.escape, ids))
    rows = [json.loads(row) for (row,) in ask(f'SELECT to_jsonb(t)::text FROM "{table.name}" t')]
    return [row for row in rows if re.search(pattern, json.dumps(row))] or rows
