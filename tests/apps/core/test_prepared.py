"""Statements that are prepared once per connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.db.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True)

EFFECT = Prepared.function("ledger_effect", 2)


def known() -> list[tuple[str, int]]:
    """Names of this session's statements, and how often each was executed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, generic_plans + custom_plans FROM pg_prepared_statements ORDER BY name")
        return [(name, int(count)) for name, count in cursor.fetchall()]


@pytest.fixture(autouse=True)
def _new_session() -> Iterator[None]:
    connection.close()
    yield
    connection.close()


def test_it_is_prepared_with_its_first_use_and_kept() -> None:
    assert [EFFECT.rows([0, outcome]) for outcome in (1, 2, 3)] == [[("m",)], [("m",)], [("h",)]]
    assert known() == [("symphony_ledger_effect", 3)]


def test_each_connection_has_its_own() -> None:
    assert EFFECT.rows([0, 1]) == [("m",)]
    connection.close()
    assert EFFECT.rows([0, 1]) == [("m",)]
    assert known() == [("symphony_ledger_effect", 1)]


def test_a_call_that_fails_leaves_it_usable() -> None:
    with pytest.raises(DatabaseError, match="invalid input syntax"):
        EFFECT.rows(["no number", 1])
    assert EFFECT.rows([0, 1]) == [("m",)]


def test_one_that_is_lost_is_prepared_anew() -> None:
    EFFECT.rows([0, 1])
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert EFFECT.rows([0, 3]) == [("h",)]


def test_in_a_transaction_the_loss_is_an_error_for_who_began_it_and_for_nobody_else() -> None:
    EFFECT.rows([0, 1])
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    with pytest.raises(DatabaseError, match="does not exist"), transaction.atomic():
        EFFECT.rows([0, 1])
    with transaction.atomic():
        assert EFFECT.rows([0, 1]) == [("m",)]


def test_a_function_that_answers_otherwise_now_is_planned_anew() -> None:
    probe = Prepared.function("prepared_probe", 1)
    with connection.cursor() as cursor:
        cursor.execute("CREATE FUNCTION prepared_probe(n int) RETURNS int LANGUAGE sql AS 'SELECT n'")
        try:
            assert probe.rows([7]) == [(7,)]
            cursor.execute("DROP FUNCTION prepared_probe(int)")
            cursor.execute("CREATE FUNCTION prepared_probe(n int) RETURNS text LANGUAGE sql AS 'SELECT n::text'")
            assert probe.rows([7]) == [("7",)]
            cursor.execute("DROP FUNCTION prepared_probe(int)")
            cursor.execute("CREATE FUNCTION prepared_probe(n int) RETURNS int LANGUAGE sql AS 'SELECT n + 1'")
            with pytest.raises(DatabaseError, match="must not change"), transaction.atomic():
                probe.rows([7])
            with transaction.atomic():
                assert probe.rows([7]) == [(8,)]
        finally:
            cursor.execute("DROP FUNCTION prepared_probe(int)")


def test_it_can_be_turned_off(settings: Any) -> None:
    settings.SYMPHONY_PREPARED_STATEMENTS = False
    assert EFFECT.rows([0, 1]) == [("m",)]
    assert known() == []


def test_it_shares_the_round_trip_of_what_goes_before() -> None:
    before = ("SELECT set_config('app.probe', %s, true)", ["said"])
    said = Prepared("said_probe", "SELECT current_setting('app.probe', true), $1::int")
    for number in (1, 2):
        with transaction.atomic():
            assert said.rows([number], after=before) == [("said", number)]


def test_a_query_without_parameters() -> None:
    one = Prepared("one_probe", "SELECT 1")
    assert [one.rows([]), one.rows([])] == [[(1,)], [(1,)]]
