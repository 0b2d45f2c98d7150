from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from apps.core import tenancy


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting(%s, true), '')", [name])
        return str(cursor.fetchone()[0])


USER = uuid.uuid4()
OTHER = uuid.uuid4()


@pytest.mark.django_db(transaction=True)
class TestInATransactionOfItsOwn:
    def test_the_setting_lasts_as_long_as_the_block(self) -> None:
        for context, name, value in (
            (tenancy.acting_as(USER), "app.user_id", str(USER)),
            (tenancy.working_for(USER), "app.organization_id", str(USER)),
            (tenancy.staff(), "app.staff", "on"),
            (tenancy.sweeping(), "app.scope", "sweep"),
        ):
            with context:
                assert connection.in_atomic_block
                assert setting(name) == value
            assert setting(name) == ""

    def test_the_functions_read_the_settings_before_during_and_after(self) -> None:
        query = "SELECT app_user_id(), app_organization_id(), app_is_staff(), app_is_sweep()"
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute(query)
            assert cursor.fetchone() == (None, None, False, False)
            with tenancy.acting_as(USER), tenancy.working_for(OTHER), tenancy.staff(), tenancy.sweeping():
                cursor.execute(query)
                assert cursor.fetchone() == (USER, OTHER, True, True)
            cursor.execute(query)
            assert cursor.fetchone() == (None, None, False, False)

    def test_an_error_takes_the_setting_with_it(self) -> None:
        with pytest.raises(RuntimeError), tenancy.acting_as(USER):
            raise RuntimeError
        assert setting("app.user_id") == ""

    def test_set_actor_wants_a_transaction(self) -> None:
        with pytest.raises(transaction.TransactionManagementError, match="ATOMIC_REQUESTS"):
            tenancy.set_actor(USER)
        with transaction.atomic():
            tenancy.set_actor(USER)
            assert (setting("app.user_id"), setting("app.staff")) == (str(USER), "")
            tenancy.set_staff(OTHER)
            assert (setting("app.user_id"), setting("app.staff")) == (str(OTHER), "on")
        assert (setting("app.user_id"), setting("app.staff")) == ("", "")


@pytest.mark.django_db
class TestNested:
    def test_a_released_savepoint_does_not_leak(self) -> None:
        with tenancy.acting_as(USER):
            with tenancy.acting_as(OTHER):
                assert setting("app.user_id") == str(OTHER)
            assert setting("app.user_id") == str(USER)

    def test_a_rolled_back_savepoint_restores_too(self) -> None:
        with tenancy.acting_as(USER):
            with pytest.raises(RuntimeError), tenancy.acting_as(OTHER):
                raise RuntimeError
            assert setting("app.user_id") == str(USER)

    def test_a_broken_transaction_restores_too(self) -> None:
        with tenancy.acting_as(USER):
            with pytest.raises(IntegrityError), tenancy.acting_as(OTHER), connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE unique_violation; END $$")
            assert setting("app.user_id") == str(USER)

    def test_a_block_marked_for_rollback_restores_too(self) -> None:
        with tenancy.acting_as(USER):
            with tenancy.acting_as(OTHER):
                transaction.set_rollback(True)
            assert setting("app.user_id") == str(USER)

    def test_the_same_again_opens_nothing(self, django_assert_num_queries: Any) -> None:
        with tenancy.acting_as(USER):
            with django_assert_num_queries(1), tenancy.acting_as(USER):
                pass
            assert setting("app.user_id") == str(USER)

    def test_a_hostile_value_is_a_value(self) -> None:
        with tenancy.working_for("'; DROP TABLE accounts_user; --"):
            assert setting("app.organization_id") == "'; DROP TABLE accounts_user; --"

    def test_nobody_acts_as_what_is_no_id(self) -> None:
        hostile = tenancy.acting_as("'; DROP TABLE accounts_user; --")
        with pytest.raises(DataError, match="invalid input syntax for type uuid"), transaction.atomic(), hostile:
            pass
