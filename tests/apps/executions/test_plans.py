"""Plans of the ledger are kept, so none may be one that only suits tables that are all but empty."""

from __future__ import annotations

import pytest

from apps.core.db.rows import rows_of

pytestmark = pytest.mark.django_db

READ_HISTORY = ("explain", "forget", "gauges", "likely", "measure", "pace", "predict", "refresh", "spread", "suspect")
"""How the names of those begin that are to read many rows."""


def functions(condition: str) -> set[str]:
    sql = f"""
        SELECT p.proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
        WHERE p.proname LIKE 'ledger\\_%%' AND p.pronamespace = current_schema()::regnamespace AND {condition}"""
    return {name.removeprefix("ledger_") for (name,) in rows_of(sql, [])}


def test_every_plan_is_kept() -> None:
    assert functions("NOT 'plan_cache_mode=force_generic_plan' = ANY (coalesce(p.proconfig, '{}'))") == set()


def test_only_those_that_read_history_may_read_whole_tables() -> None:
    free = functions("NOT 'enable_seqscan=off' = ANY (coalesce(p.proconfig, '{}'))")
    assert {name for name in free if not name.startswith(READ_HISTORY)} == {"count_stores", "free_blobs"}
    assert {"claim", "take", "finish", "settle", "pick", "released", "topup", "sweep"}.isdisjoint(free)


def test_who_takes_what_is_next_finds_it_at_the_head_of_an_index() -> None:
    """Else all that waits is sorted for each that is taken, where the plan was made when next to nothing waited."""
    sorting = functions("NOT ARRAY['enable_sort=off', 'enable_bitmapscan=off'] <@ coalesce(p.proconfig, '{}')")
    assert {"pick", "pick_small"}.isdisjoint(sorting)
