"""What became of a row: written by triggers whatever changed it, read by whoever sees the row."""

from __future__ import annotations

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Organization, Role, User
from apps.audit.models import HISTORIES, TRACKED, RowHistory, Tracked, unaccounted
from apps.audit.reading import described
from apps.core.origin import Origin, coming_from
from apps.core.tenancy import acting_as, staff
from apps.projects import services as projects
from apps.projects.models import Project
from tests.apps.audit.kinds import ApiOf, NumQueries

pytestmark = pytest.mark.django_db


def history(kind: str, row: Organization | Membership | Project) -> list[RowHistory]:
    with staff():
        return list(HISTORIES[kind].objects.filter(pgh_obj_id=row.pk))


@pytest.mark.parametrize("tracked", TRACKED, ids=lambda tracked: tracked.name)
def test_every_field_is_kept_or_left_out_on_purpose(tracked: Tracked) -> None:
    assert unaccounted(tracked) == set()


def test_who_changed_what_in_which_request(alice: User, orchestra: Organization, web_role: None) -> None:
    with coming_from(Origin(request_id="request-0001")):
        accounts.update_organization(actor=alice, organization=orchestra, name="Philharmonic")
    newest, first = history("organization", orchestra)
    assert (first.pgh_label, newest.pgh_label) == ("created", "changed")
    assert (newest.pgh_actor_id, newest.pgh_request_id) == (alice.pk, "request-0001")
    with acting_as(alice.pk):
        change, creation = described([newest, first])
    assert [(each.field, each.before, each.after) for each in change.changes] == [("name", "Orchestra", "Philharmonic")]
    assert change.summary == "changed name"
    assert {each.field for each in creation.changes} >= {"name", "slug", "owner_user"}


def test_changes_by_bare_sql_are_told_too(alice: User, orchestra: Organization, worker_role: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SELECT set_config('app.staff', 'on', true)")
        cursor.execute("UPDATE accounts_organization SET name = 'Choir' WHERE id = %s", [orchestra.pk])
        cursor.execute("UPDATE accounts_organization SET name = 'Choir' WHERE id = %s", [orchestra.pk])
    # The second changed nothing.
    assert [row.pgh_label for row in history("organization", orchestra)] == ["changed", "created"]


def test_who_leaves_is_told_although_they_may_write_no_more(
    alice: User, bob: User, orchestra: Organization, web_role: None
) -> None:
    membership = accounts.add_member(actor=alice, organization=orchestra, user=bob, role=Role.MEMBER)
    with acting_as(bob.pk):
        assert Membership.objects.filter(pk=membership.pk).delete()[0] == 1
    newest = history("membership", membership)[0]
    assert (newest.pgh_label, newest.pgh_actor_id) == ("deleted", bob.pk)


def test_the_engine_pays_nothing(alice: User, orchestra: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid"
            " WHERE NOT tgisinternal AND p.proname LIKE 'pgtrigger%%'"
        )
        tables = {name for (name,) in cursor.fetchall()}
    assert tables == {tracked.model._meta.db_table for tracked in TRACKED}
    assert not any(name.startswith("executions_") for name in tables)


def test_triggers_cannot_be_switched_off_by_a_setting(alice: User, orchestra: Organization, web_role: None) -> None:
    with acting_as(alice.pk), connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = 'accounts_organization'::regclass")
        names = ",".join(name for (name,) in cursor.fetchall())
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", [f"{{{names}}}"])
        cursor.execute("UPDATE accounts_organization SET name = 'Choir' WHERE id = %s", [orchestra.pk])
    assert len(history("organization", orchestra)) == 2


@pytest.fixture
def project(alice: User, orchestra: Organization) -> Project:
    with acting_as(alice.pk):
        made = projects.create_project(actor=alice, organization=orchestra, name="Mahler")
    with coming_from(Origin(request_id="request-0002")), acting_as(alice.pk):
        return projects.update_project(actor=alice, project=made, name="Mahler 5", description="Trumpet first.")


class TestOverTheApi:
    def test_newest_first_and_readable(self, project: Project, alice: User, api_of: ApiOf) -> None:
        body = api_of(alice).get(f"/api/v1/history/project/{project.pk}/").json()
        newest, first = body["results"]
        assert (newest["kind"], first["kind"]) == ("changed", "created")
        assert newest["summary"] == "changed name, description"
        assert newest["changes"][0] == {"field": "name", "before": "Mahler", "after": "Mahler 5"}
        assert (newest["actor"]["email"], newest["request_id"]) == ("alice@example.org", "request-0002")

    def test_pages_join_on_to_each_other(self, project: Project, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        page = client.get(f"/api/v1/history/project/{project.pk}?page_size=1").json()
        assert page["results"][0]["changes"][0]["before"] == "Mahler"
        rest = client.get(page["next"]).json()
        assert [each["kind"] for each in rest["results"]] == ["created"]
        assert rest["next"] is None

    def test_strangers_find_nothing(self, project: Project, bob: User, api_of: ApiOf) -> None:
        assert api_of(bob).get(f"/api/v1/history/project/{project.pk}/").status_code == 404
        assert APIClient().get(f"/api/v1/history/project/{project.pk}/").status_code == 401

    def test_a_viewer_reads_what_they_see(
        self, project: Project, alice: User, bob: User, orchestra: Organization, api_of: ApiOf
    ) -> None:
        accounts.add_member(actor=alice, organization=orchestra, user=bob, role=Role.VIEWER)
        assert len(api_of(bob).get(f"/api/v1/history/project/{project.pk}/").json()["results"]) == 2

    def test_of_what_is_gone_only_admins_read(
        self, project: Project, alice: User, bob: User, orchestra: Organization, api_of: ApiOf
    ) -> None:
        accounts.add_member(actor=alice, organization=orchestra, user=bob, role=Role.MEMBER)
        address = f"/api/v1/history/project/{project.pk}/"
        with acting_as(alice.pk):
            projects.delete_project(actor=alice, project=project)
        assert api_of(bob).get(address).status_code == 404
        assert api_of(alice).get(address).json()["results"][0]["kind"] == "deleted"

    @pytest.mark.parametrize("address", ["sonata/0198f3c2-0000-7000-8000-000000000001", "project/not-a-uuid"])
    def test_there_is_no_history_of_anything_else(self, address: str, alice: User, api_of: ApiOf) -> None:
        assert api_of(alice).get(f"/api/v1/history/{address}/").status_code == 404

    def test_as_many_questions_for_many_changes_as_for_few(
        self, project: Project, alice: User, api_of: ApiOf, django_assert_max_num_queries: NumQueries
    ) -> None:
        for number in range(20):
            with acting_as(alice.pk):
                projects.update_project(actor=alice, project=project, name=f"Mahler {number}")
        client = api_of(alice)
        client.get("/api/v1/users/me/")
        with django_assert_max_num_queries(18):
            assert len(client.get(f"/api/v1/history/project/{project.pk}/").json()["results"]) == 22
