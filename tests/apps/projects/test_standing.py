"""What the actor may see is kept for the transaction, and is never anything but what the tables say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Organization, Team, TeamMembership, User
from apps.core.tenancy import acting_as, local_setting, set_actor, set_bound, set_staff, staff
from apps.projects import services
from apps.projects.models import Project, ProjectAccess

pytestmark = pytest.mark.django_db

Standing = tuple[frozenset[UUID], ...]
FUNCTIONS = (
    "app_organizations",
    "app_writable_organizations",
    "app_administered_organizations",
    "app_hidden_projects",
    "app_closed_projects",
)


def answers() -> Standing:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f'{name}()' for name in FUNCTIONS)}")
        return tuple(frozenset(each) for each in cursor.fetchone())


def kept() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT app_user_id() IS NOT NULL AND coalesce(current_setting('app.standing', true), '') = concat("
            "current_setting('app.user_id', true), '/', current_setting('app.bound_organization', true), '/', "
            "current_setting('app.staff', true))"
        )
        return bool(cursor.fetchone()[0])


def asked() -> Standing:
    """What the tables say, whatever is kept."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.standing', '', true)")
        said = answers()
        transaction.set_rollback(True)
    return said


@pytest.fixture
def restricted(alice: User, bob: User, orchestra: Organization, project: Project) -> Project:
    """A project that Bob, a member of the orchestra, is not named in."""
    with acting_as(alice.pk):
        accounts.add_member(actor=alice, organization=orchestra, user=bob, role="member")
        return services.update_project(actor=alice, project=project, access="restricted")


def test_it_is_kept_as_the_tables_say_it(bob: User, orchestra: Organization, restricted: Project) -> None:
    with acting_as(bob.pk):
        assert kept()
        organizations, writable, administered, hidden, closed = answers()
        assert answers() == asked()
    assert orchestra.pk in organizations & writable
    assert orchestra.pk not in administered
    assert hidden == closed == {restricted.pk}


def test_it_ends_with_the_actor(alice: User, bob: User, restricted: Project) -> None:
    with acting_as(bob.pk):
        of_bob = answers()
        with acting_as(alice.pk):
            assert answers() == asked() != of_bob
        assert answers() == of_bob
    assert answers() == (frozenset(),) * 5


def test_another_user_by_any_other_way_is_not_taken_for_the_one_before(
    alice: User, bob: User, restricted: Project
) -> None:
    with acting_as(bob.pk):
        of_bob = answers()
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(alice.pk)])
        assert answers() == asked() != of_bob


def test_staff_are_hidden_nothing_from(bob: User, restricted: Project) -> None:
    with acting_as(bob.pk):
        assert answers()[3]
        with staff():
            assert answers() == asked()
            assert not answers()[3]
        assert answers()[3]


def test_who_uses_the_admin_has_it_worked_out_once_too(bob: User, restricted: Project) -> None:
    set_staff(bob.pk)
    assert kept()
    assert answers() == asked()
    assert not answers()[3]


def test_a_token_of_one_organization_opens_this_one_only(bob: User, orchestra: Organization, web_role: None) -> None:
    with acting_as(bob.pk):
        own = frozenset(Membership.objects.filter(user=bob).values_list("organization_id", flat=True))
    assert len(own) == 1
    set_actor(bob.pk)
    assert answers()[0] == own
    set_bound(orchestra.pk)
    assert kept()
    assert answers() == asked() == (frozenset(),) * 5


def test_a_change_that_is_taken_back_leaves_what_was_kept(
    bob: User, orchestra: Organization, restricted: Project
) -> None:
    with acting_as(bob.pk):
        before = answers()
        with transaction.atomic():
            with staff():
                Membership.objects.filter(user=bob, organization=orchestra).delete()
            assert orchestra.pk not in answers()[0]
            transaction.set_rollback(True)
        assert kept()
        assert answers() == before == asked()


def test_who_has_left_sees_nothing_when_they_act_again(bob: User, orchestra: Organization, restricted: Project) -> None:
    with acting_as(bob.pk):
        assert orchestra.pk in answers()[0]
    with staff():
        Membership.objects.filter(user=bob, organization=orchestra).delete()
    with acting_as(bob.pk):
        assert orchestra.pk not in answers()[0]


class _Orchestra:
    """What can happen to Bob in the orchestra, done by the owner of the tables in the midst of what he is at."""

    def __init__(self, bob: User, organization: Organization, project: Project, team: Team) -> None:
        self._bob, self._organization, self._project, self._team = bob, organization, project, team

    def be(self, role: str) -> None:
        self.leave()
        Membership.objects.create(organization=self._organization, user=self._bob, role=role)

    def become(self, role: str) -> None:
        Membership.objects.filter(organization=self._organization, user=self._bob).update(role=role)

    def leave(self) -> None:
        Membership.objects.filter(organization=self._organization, user=self._bob).delete()

    def access(self, access: str) -> None:
        Project.objects.filter(pk=self._project.pk).update(access=access)

    def named(self, role: str) -> None:
        if self._is_member():
            ProjectAccess.objects.filter(user=self._bob, project=self._project).delete()
            self._name(user=self._bob, role=role)

    def team_named(self, role: str) -> None:
        ProjectAccess.objects.filter(team=self._team, project=self._project).delete()
        self._name(team=self._team, role=role)

    def in_team(self, role: str) -> None:
        if self._is_member() and not TeamMembership.objects.filter(team=self._team, user=self._bob).exists():
            TeamMembership.objects.create(organization=self._organization, team=self._team, user=self._bob)

    def out_of_team(self, role: str) -> None:
        TeamMembership.objects.filter(team=self._team, user=self._bob).delete()

    def _is_member(self) -> bool:
        return Membership.objects.filter(organization=self._organization, user=self._bob).exists()

    def _name(self, **named: User | Team | str) -> None:
        ProjectAccess.objects.create(organization=self._organization, project=self._project, **named)


@pytest.fixture
def changes(bob: User, orchestra: Organization, restricted: Project, alice: User) -> dict[str, Callable[[str], None]]:
    with acting_as(alice.pk):
        team = Team.objects.create(organization=orchestra, name="Strings", created_by=alice)
    made = _Orchestra(bob, orchestra, restricted, team)
    return {
        "be": made.be,
        "become": made.become,
        "leave": lambda _: made.leave(),
        "restrict": lambda _: made.access("restricted"),
        "open": lambda _: made.access("organization"),
        "name": made.named,
        "name the team": made.team_named,
        "join the team": made.in_team,
        "leave the team": made.out_of_team,
    }


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


CHANGES = ("be", "become", "leave", "restrict", "open", "name", "name the team", "join the team", "leave the team")
STEPS = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.sampled_from(("admin", "member", "viewer")), st.booleans()), max_size=8
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_changes_what_is_kept_is_what_the_tables_say(
    steps: list[tuple[str, str, bool]], bob: User, changes: dict[str, Callable[[str], None]]
) -> None:
    """Each change is seen by the very next statement of its transaction, whether the standing is worked out again or not."""
    with undone(), acting_as(bob.pk):
        for change, role, again in steps:
            with staff():
                changes[change](role)
            assert answers() == asked()
            if again:
                set_actor(bob.pk)
                assert kept()
                assert answers() == asked()


def test_the_setting_of_another_name_works_out_nothing(bob: User) -> None:
    with local_setting("app.invited", "on"):
        assert not kept()
    with acting_as(bob.pk), local_setting("app.invited", "on"):
        assert kept()
