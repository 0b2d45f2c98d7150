"""Rows by the hundred thousand, copied in SQL from a few that were made over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.arena import Arena
from symphony.demo.client import Client

STEPS: Final = 100
"""Of the melody that runs: each run has so many tasks."""
ALIKE: Final = "review"
"""What the first page of melodies are all called and tagged, so that a filter finds a page of them before and after."""
_WORDS: Final = "ARRAY['review','deploy','translate','summary','invoice','report','release','triage','index','mail']"
_WORD: Final = f"({_WORDS})[1 + mod(g, 10)]"


def samples(client: Client) -> tuple[str, str]:
    """A small melody to be copied, and a run of a larger one, which no worker is there for."""
    small = client.create_melody("workflow:\n  name: small\n  steps:\n    - {name: only, type: test_echo, value: 1}\n")
    steps = "".join(f"    - {{name: s{number}, type: test_echo, value: {number}}}\n" for number in range(STEPS))
    large = client.create_melody(f"workflow:\n  name: large\n  steps:\n{steps}")
    return str(small["id"]), str(client.execute(str(large["id"]), {})["id"])


def grow(arena: Arena, small: str, execution: str, *, melodies: int, executions: int, alike: bool = False) -> None:
    """So many more melodies and runs; `alike` are all found by `ALIKE`, else one in ten is. As a superuser past triggers and policies: every row is a copy of a sound one."""
    with arena.rows.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        word = f"'{ALIKE}'" if alike else _WORD
        named = f"{word} || ' ' || ({_WORDS})[1 + mod(g / 10, 10)] || ' ' || g"
        _copy(
            cursor,
            "melodies_melody",
            f"id = '{small}'",
            melodies,
            {"id": "uuidv7()", "name": named, "tags": f"ARRAY[{word}]", "created_at": "now()", "updated_at": "now()"},
        )
        _copy_for_each(
            cursor,
            "melodies_melodyversion",
            f"melody_id = '{small}'",
            f"SELECT id AS owner FROM melodies_melody m WHERE m.id <> '{small}' "
            "AND NOT EXISTS (SELECT FROM melodies_melodyversion v WHERE v.melody_id = m.id)",
            {"id": "uuidv7()", "melody_id": "owner"},
        )
        _copy_runs(cursor, execution, executions)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def copy_runs(arena: Arena, execution: str, count: int) -> None:
    """So many more runs like this one, with their tasks and events."""
    with arena.rows.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        _copy_runs(cursor, execution, count)
        cursor.execute("SET session_replication_role = origin")


def settle(arena: Arena) -> None:
    """What the server's own housekeeping would have done of a history that grew in years."""
    with arena.rows.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _copy_runs(cursor: Any, execution: str, count: int) -> None:
    cursor.execute(
        "CREATE TEMP TABLE owners ON COMMIT PRESERVE ROWS AS SELECT uuidv7() AS owner FROM generate_series(1, %s)",
        [count],
    )
    columns, values = _parts(cursor, "executions_execution", {"id": "owner", "correlation_id": "gen_random_uuid()"})
    cursor.execute(
        f"INSERT INTO executions_execution ({columns}) SELECT {values} FROM owners, executions_execution s WHERE s.id = %s",
        [execution],
    )
    for table, keys in (
        ("executions_task", {"id": "ledger_task_id(owner, s.seq)", "execution_id": "owner"}),
        (
            "executions_event",
            {"id": "nextval(pg_get_serial_sequence('executions_event', 'id'))", "execution_id": "owner"},
        ),
    ):
        columns, values = _parts(cursor, table, keys)
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM owners, {table} s WHERE s.execution_id = %s",
            [execution],
        )
    cursor.execute("DROP TABLE owners")


def _copy(cursor: Any, table: str, which: str, count: int, instead: Mapping[str, str]) -> None:
    columns, values = _parts(cursor, table, instead)
    cursor.execute(
        f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} s, generate_series(1::int, %s) g WHERE s.{which}",
        [count],
    )


def _copy_for_each(cursor: Any, table: str, which: str, owners: str, instead: Mapping[str, str]) -> None:
    columns, values = _parts(cursor, table, instead)
    cursor.execute(
        f"WITH owners AS MATERIALIZED ({owners}) "
        f"INSERT INTO {table} ({columns}) SELECT {values} FROM owners, {table} s WHERE s.{which}"
    )


def _parts(cursor: Any, table: str, instead: Mapping[str, str]) -> tuple[str, str]:
    """Columns, and what goes into them; what the database makes itself is left to it."""
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        "AND attgenerated = '' ORDER BY attnum",
        [table],
    )
    names = [name for (name,) in cursor.fetchall()]
    return ", ".join(names), ", ".join(instead.get(name, f"s.{name}") for name in names)
