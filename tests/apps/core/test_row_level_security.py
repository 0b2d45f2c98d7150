"""Invariant 6: nobody reads or writes a row of an organization they are not in. The database itself refuses."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction

from apps.accounts import services
from apps.accounts.models import Membership, Organization, User
from apps.audit.models import HISTORIES
from apps.core.db.operations import EnableTenancy
from apps.core.db.policies import WEB, WORKER, tenant_policies
from apps.core.tenancy import acting_as, staff, sweeping, working_for

ACCOUNT_TABLES = {
    "accounts_organization",
    "accounts_membership",
    "accounts_apitoken",
    "accounts_idempotencykey",
    "signin_signinsession",
    "signin_refreshtoken",
}
# No worker has business with tokens, secrets of webhooks, or what people did: no policy and no grant.
WITHOUT_WORKER = {
    "accounts_apitoken",
    "accounts_invitation",
    "accounts_team",
    "audit_auditentry",
    "billing_billingcustomer",
    "billing_payment",
    "triggers_hooksecret",
    *(history._meta.db_table for name, history in HISTORIES.items() if name != "organization"),
}
# Tables of ours that hold no organization's data, each with its reason.
OPEN_TABLES = {
    "accounts_user": "people are found by e-mail before anybody is known; see the model",
    "accounts_user_groups": "groups of the admin, which only staff uses",
    "accounts_user_user_permissions": "permissions of the admin, which only staff uses",
    "billing_plan": "the price list, which is for everybody",
    "executions_worker": "who works, for everybody",
    "executions_route": "the queues runs have needed, which workers of all look at",
    "executions_share": "how much of a queue organizations have had, for workers only",
    "executions_window": "how many messages a queue may have out, for workers only",
    "executions_pooltokens": "tokens models gave in the last minute, for workers only",
}

pytestmark = pytest.mark.django_db


def rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def tenant_tables() -> set[str]:
    with_column = rows(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' "
        "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped "
        "AND c.relnamespace = current_schema()::regnamespace"
    )
    return {name for (name,) in with_column} | ACCOUNT_TABLES


class TestCatalogue:
    def test_every_tenant_table_forces_row_level_security(self) -> None:
        forced = {
            name
            for (name,) in rows(
                "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity "
                "AND relnamespace = current_schema()::regnamespace"
            )
        }
        assert tenant_tables() - forced == set()

    @pytest.mark.parametrize(("role", "without"), [(WEB, set()), (WORKER, WITHOUT_WORKER)])
    def test_every_tenant_table_has_a_policy_for(self, role: str, without: set[str]) -> None:
        named = rows("SELECT tablename FROM pg_policies WHERE %s = ANY(roles) AND schemaname = current_schema()", role)
        assert tenant_tables() - {name for (name,) in named} == without

    def test_no_policy_lets_everything_through(self) -> None:
        policies = rows(
            "SELECT tablename, policyname, roles, coalesce(qual, '-'), coalesce(with_check, '-') FROM pg_policies "
            "WHERE schemaname = current_schema() AND permissive = 'PERMISSIVE'"
        )
        assert policies
        assert [each for each in policies if "true" in each[3:]] == []
        # Every other role would be let in by what is written for all of them.
        assert [each for each in policies if "public" in each[2]] == []

    def test_policies_ask_once_per_statement(self) -> None:
        bare = rows(
            "SELECT tablename, policyname FROM pg_policies WHERE schemaname = current_schema() AND "
            r"concat(qual, with_check) ~ '(?<!SELECT )app_[a-z_]+\('"
        )
        assert bare == []

    def test_every_table_of_ours_is_a_tenants_or_open_for_a_reason(self) -> None:
        ours = {
            model._meta.db_table
            for config in apps.get_app_configs()
            if config.name.startswith(("apps.", "workers"))
            for model in config.get_models(include_auto_created=True)
        }
        forced = {name for (name,) in rows("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")}
        assert ours - forced - set(OPEN_TABLES) == set()

    def test_partitions_are_reached_through_their_table_only(self) -> None:
        direct = rows(
            "SELECT c.relname, r.name FROM pg_class c, unnest(%s::name[]) AS r(name) WHERE c.relispartition "
            "AND c.relkind IN ('r', 'p') AND has_table_privilege(r.name, c.oid, 'SELECT, INSERT, UPDATE, DELETE')",
            [WEB, WORKER],
        )
        assert direct == []

    def test_the_roles_have_no_power_beyond_their_grants(self) -> None:
        powers = "rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication"
        found = rows(f"SELECT {powers} FROM pg_roles WHERE rolname = ANY(%s) ORDER BY rolname", [WEB, WORKER])
        assert found == [(WEB, *[False] * 6), (WORKER, *[False] * 6)]
        assert rows("SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = ANY(%s)", [WEB, WORKER]) == []
        assert rows("SELECT 1 FROM pg_auth_members WHERE member = ANY(%s::regrole[])", [WEB, WORKER]) == []

    def test_functions_that_see_more_than_their_caller_fix_their_search_path(self) -> None:
        loose = rows(
            "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = current_schema()::regnamespace "
            "AND NOT EXISTS (SELECT FROM unnest(proconfig) AS c WHERE c LIKE 'search_path=%%')"
        )
        assert loose == []

    def test_only_the_web_may_ask_for_memberships(self) -> None:
        for function in ("app_organizations", "app_writable_organizations", "app_administered_organizations"):
            query = "SELECT has_function_privilege(%s, %s, 'EXECUTE')"
            assert rows(query, WEB, f"{function}()") == [(True,)]
            assert rows(query, WORKER, f"{function}()") == [(False,)]


def visible(table: str = "accounts_organization") -> int:
    return int(rows(f"SELECT count(*) FROM {table}")[0][0])


class TestTheWeb:
    def test_sees_nothing_without_a_user(self, alice: User, orchestra: Organization, web_role: None) -> None:
        assert {table: visible(table) for table in tenant_tables()} == dict.fromkeys(tenant_tables(), 0)

    def test_a_stranger_sees_nothing_of_an_organization(
        self, alice: User, bob: User, orchestra: Organization, web_role: None
    ) -> None:
        services.create_token(actor=alice, name="alice's")
        with acting_as(bob.pk):
            assert rows("SELECT name FROM accounts_organization") == [("Bob",)]
            assert rows("SELECT user_id FROM accounts_membership") == [(bob.pk,)]
            assert visible("accounts_apitoken") == 0
        with acting_as(alice.pk):
            assert visible() == 2
            assert visible("accounts_apitoken") == 1

    @pytest.mark.parametrize(
        "statement",
        [
            (
                "INSERT INTO accounts_membership (id, organization_id, user_id, role, joined_at) "
                "VALUES (gen_random_uuid(), %(organization)s, %(me)s, 'owner', now())"
            ),
            (
                "INSERT INTO accounts_membership (id, organization_id, user_id, role, joined_at) "
                "VALUES (gen_random_uuid(), %(organization)s, %(other)s, 'viewer', now())"
            ),
            (
                "INSERT INTO accounts_apitoken (id, user_id, name, prefix, hash, scopes, created_at) "
                "VALUES (gen_random_uuid(), %(other)s, 'x', 'x', 'x', '[]', now())"
            ),
            (
                "INSERT INTO accounts_organization (id, name, slug, owner_user_id, subscription_tier, is_personal, settings,"
                " is_active, created_at, updated_at) VALUES (gen_random_uuid(), 'x', 'x', %(other)s, 'free', false, '{}',"
                " true, now(), now())"
            ),
            "UPDATE accounts_membership SET organization_id = %(organization)s WHERE user_id = %(mine)s",
            "UPDATE accounts_organization SET id = %(organization)s",
        ],
    )
    def test_a_stranger_cannot_write_into_an_organization(
        self, alice: User, bob: User, orchestra: Organization, web_role: None, statement: str
    ) -> None:
        parameters = {"organization": orchestra.pk, "me": bob.pk, "mine": bob.pk, "other": alice.pk}
        with acting_as(bob.pk):
            before = rows("SELECT * FROM accounts_membership"), rows("SELECT * FROM accounts_organization")
            with (
                pytest.raises(Exception, match=r"row-level security|duplicate key"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement, parameters)
            assert (rows("SELECT * FROM accounts_membership"), rows("SELECT * FROM accounts_organization")) == before

    def test_a_stranger_changes_and_deletes_nothing(
        self, alice: User, bob: User, orchestra: Organization, web_role: None
    ) -> None:
        with acting_as(bob.pk), connection.cursor() as cursor:
            for statement in (
                "UPDATE accounts_organization SET name = 'mine' WHERE id = %s",
                "DELETE FROM accounts_organization WHERE id = %s",
                "DELETE FROM accounts_membership WHERE organization_id = %s",
            ):
                cursor.execute(statement, [orchestra.pk])
                assert cursor.rowcount == 0

    def test_a_viewer_sees_members_and_administers_nothing(
        self, alice: User, bob: User, orchestra: Organization, web_role: None
    ) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
        with acting_as(bob.pk):
            assert Membership.objects.filter(organization=orchestra).count() == 2
            assert Organization.objects.filter(pk=orchestra.pk).update(name="mine") == 0
            assert Membership.objects.filter(organization=orchestra).update(role="owner") == 0
            writable = rows(
                "SELECT app_organizations(), app_writable_organizations(), app_administered_organizations()"
            )
            assert [orchestra.pk in list(each) for each in writable[0]] == [True, False, False]

    def test_staff_sees_everything_and_only_in_its_scope(self, alice: User, bob: User, web_role: None) -> None:
        with staff():
            assert visible() == 2
        assert visible() == 0

    def test_the_sweep_and_worker_settings_open_nothing_to_the_web(self, alice: User, web_role: None) -> None:
        organization = services.create_organization(actor=alice, name="Any")
        with sweeping(), working_for(organization.pk):
            assert visible() == 0

    def test_tables_cannot_be_altered(self, web_role: None) -> None:
        with (
            pytest.raises(ProgrammingError, match="must be owner"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("ALTER TABLE accounts_organization DISABLE ROW LEVEL SECURITY")


class TestAWorker:
    def test_sees_the_organization_it_works_for(
        self, alice: User, bob: User, orchestra: Organization, worker_role: None
    ) -> None:
        assert visible() == 0
        with working_for(orchestra.pk):
            assert rows("SELECT name FROM accounts_organization") == [("Orchestra",)]
            assert rows("SELECT user_id FROM accounts_membership") == [(alice.pk,)]
        with sweeping():
            assert visible() == 3

    def test_gets_nothing_from_the_settings_of_the_web(self, alice: User, worker_role: None) -> None:
        with acting_as(alice.pk), staff():
            assert visible() == 0

    def test_may_not_look_at_tokens_nor_write_accounts(self, orchestra: Organization, worker_role: None) -> None:
        for statement in ("SELECT hash FROM accounts_apitoken", "UPDATE accounts_organization SET name = 'x'"):
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                working_for(orchestra.pk),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)


class TestStandardPolicies:
    """`EnableTenancy` on a table of the test's own."""

    @pytest.fixture
    def table(self, db: None) -> str:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE tenancy_probe (id int, organization_id uuid NOT NULL)")
            for statement in EnableTenancy("tenancy_probe").forward_sql():
                cursor.execute(statement)
        return "tenancy_probe"

    def test_members_write_viewers_read_strangers_neither(
        self, table: str, alice: User, bob: User, carol: User, orchestra: Organization, web_role: None
    ) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
        insert = f"INSERT INTO {table} VALUES (1, %s)"
        with acting_as(alice.pk), connection.cursor() as cursor:
            cursor.execute(insert, [orchestra.pk])
        for user, count in ((alice, 1), (bob, 1), (carol, 0)):
            with acting_as(user.pk):
                assert visible(table) == count
        for user in (bob, carol):
            with acting_as(user.pk), connection.cursor() as cursor:
                cursor.execute(f"UPDATE {table} SET id = 2")
                assert cursor.rowcount == 0
                cursor.execute(f"DELETE FROM {table}")
                assert cursor.rowcount == 0
                with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                    cursor.execute(insert, [orchestra.pk])

    def test_a_worker_works_for_one_organization(
        self, table: str, alice: User, orchestra: Organization, worker_role: None
    ) -> None:
        with working_for(orchestra.pk), connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} VALUES (1, %s)", [orchestra.pk])
            with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                cursor.execute(f"INSERT INTO {table} VALUES (1, %s)", [alice.pk])
            assert visible(table) == 1
        with working_for(alice.pk):
            assert visible(table) == 0
        with sweeping():
            assert visible(table) == 1

    def test_the_owner_of_the_tables_is_held_to_them_too(
        self, table: str, alice: User, orchestra: Organization
    ) -> None:
        if rows("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(True,)]:
            pytest.fail("The tests run as a superuser: DATABASE_URL must name an ordinary role that owns the database.")
        with acting_as(alice.pk), connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} VALUES (1, %s)", [orchestra.pk])
        assert visible(table) == 0
        with working_for(orchestra.pk):
            assert visible(table) == 1

    def test_narrowed_grants(self, db: None) -> None:
        policies = tenant_policies(web="select, insert", worker="")
        assert [policy.name for policy in policies] == ["web_select", "web_insert"]
        with pytest.raises(ValueError, match="No such command: selct"):
            tenant_policies(web="selct")

    def test_is_reversible(self, table: str) -> None:
        with connection.cursor() as cursor:
            for statement in EnableTenancy(table).backward_sql():
                cursor.execute(statement)
        assert rows("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = %s", table) == [
            (False, False)
        ]
        assert rows("SELECT 1 FROM pg_policies WHERE tablename = %s", table) == []
