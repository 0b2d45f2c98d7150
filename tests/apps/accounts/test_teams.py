from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from apps.accounts import queries, services
from apps.accounts.errors import AlreadyMember, PersonalOrganization
from apps.accounts.models import Membership, Organization, Team, TeamMembership, User
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.ids import uuid7
from apps.core.tenancy import acting_as, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("web_role")]
HomeOf = Callable[[User], Organization]


def member(organization: Organization, user: User) -> Membership:
    with staff():
        return Membership.objects.select_related("organization", "user").get(organization=organization, user=user)


@pytest.fixture
def strings(alice: User, bob: User, carol: User, orchestra: Organization) -> Team:
    """Bob and Carol are members of the orchestra; Bob leads the team."""
    for user in (bob, carol):
        services.add_member(actor=alice, organization=orchestra, user=user)
    team = services.create_team(actor=alice, organization=orchestra, name="Strings", settings={"seats": 4})
    services.add_team_member(actor=alice, team=team, member=member(orchestra, bob), role="admin")
    return team


def test_who_leads_adds_members(bob: User, carol: User, orchestra: Organization, strings: Team) -> None:
    made = services.add_team_member(actor=bob, team=strings, member=member(orchestra, carol))
    services.change_team_role(actor=bob, member=made, role="viewer")
    with acting_as(carol.pk):
        found = queries.team_members(actor=carol, team=strings)
        assert [(each.user.display_name, each.role) for each in found] == [("Bob", "admin"), ("Carol", "viewer")]
        counted = queries.teams(actor=carol, organization=orchestra).values_list("name", "member_count")
        assert list(counted) == [("Strings", 2)]
    with pytest.raises(AlreadyMember):
        services.add_team_member(actor=bob, team=strings, member=member(orchestra, carol))


def test_who_does_not_lead_changes_nothing(carol: User, orchestra: Organization, strings: Team) -> None:
    with pytest.raises(Forbidden, match="leads Strings"):
        services.add_team_member(actor=carol, team=strings, member=member(orchestra, carol))
    with pytest.raises(Forbidden):
        services.update_team(actor=carol, team=strings, name="Mine")
    with pytest.raises(Forbidden):
        services.delete_team(actor=carol, team=strings)
    with pytest.raises(Forbidden):
        services.create_team(actor=carol, organization=orchestra, name="Brass")


def test_to_a_stranger_there_is_none(orchestra: Organization, strings: Team) -> None:
    dora = services.create_user(email="dora@example.org", password=None)
    with acting_as(dora.pk):
        assert not Team.objects.exists()
        assert not TeamMembership.objects.exists()
    with pytest.raises(NotFound):
        services.update_team(actor=dora, team=strings, name="Mine")


def test_a_leader_changes_the_team_and_does_not_delete_it(bob: User, alice: User, strings: Team) -> None:
    changed = services.update_team(actor=bob, team=strings, name="Low strings", settings={"room": 7, "seats": None})
    assert (changed.name, changed.settings) == ("Low strings", {"room": 7})
    with pytest.raises(Forbidden):
        services.delete_team(actor=bob, team=strings)
    services.delete_team(actor=alice, team=strings)
    with staff():
        assert not TeamMembership.objects.exists()


def test_a_leader_of_one_team_leads_no_other(alice: User, bob: User, orchestra: Organization, strings: Team) -> None:
    brass = services.create_team(actor=alice, organization=orchestra, name="Brass")
    with pytest.raises(Forbidden):
        services.update_team(actor=bob, team=brass, name="Mine")
    with acting_as(bob.pk):
        assert Team.objects.filter(pk=brass.pk).update(name="Mine") == 0
        assert Team.objects.filter(pk=strings.pk).update(description="Ours") == 1


def test_names_are_told_apart(alice: User, orchestra: Organization, strings: Team, home_of: HomeOf) -> None:
    with pytest.raises(Conflict, match="already"):
        services.create_team(actor=alice, organization=orchestra, name=" STRINGS ")
    with pytest.raises(Invalid):
        services.create_team(actor=alice, organization=orchestra, name=" ")
    with pytest.raises(Invalid):
        services.create_team(actor=alice, organization=orchestra, name="x", settings={"a": float("nan")})
    with pytest.raises(PersonalOrganization):
        services.create_team(actor=alice, organization=home_of(alice), name="x")


def test_everybody_may_go(alice: User, bob: User, carol: User, orchestra: Organization, strings: Team) -> None:
    hers = services.add_team_member(actor=alice, team=strings, member=member(orchestra, carol))
    services.remove_team_member(actor=carol, member=hers)
    with pytest.raises(NotFound):
        services.remove_team_member(actor=carol, member=hers)
    services.leave_organization(actor=bob, organization=orchestra)
    with staff():
        assert not TeamMembership.objects.exists()


class TestTheDatabase:
    def test_keeps_team_and_member_in_one_organization(
        self, alice: User, orchestra: Organization, strings: Team
    ) -> None:
        dora = services.create_user(email="dora@example.org", password=None)
        other = services.create_organization(actor=alice, name="Other")
        for organization, user in ((other, alice), (orchestra, dora)):
            row = TeamMembership(organization=organization, team=strings, user=user)
            with staff(), pytest.raises(IntegrityError, match="team_membership_of"), transaction.atomic():
                row.save(force_insert=True)

    def test_lets_nobody_join_by_themselves(self, carol: User, orchestra: Organization, strings: Team) -> None:
        with pytest.raises(Exception, match="row-level security"), acting_as(carol.pk), transaction.atomic():
            TeamMembership(id=uuid7(), organization=orchestra, team=strings, user=carol, role="admin").save(
                force_insert=True
            )
