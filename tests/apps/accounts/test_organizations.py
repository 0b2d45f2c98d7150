from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from apps.accounts import queries, services
from apps.accounts.models import Organization, Role, User
from apps.accounts.permissions import ROLE_ACTIONS, Action, may, require
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.tenancy import acting_as, staff

pytestmark = pytest.mark.django_db


def test_every_role_has_its_actions() -> None:
    assert set(ROLE_ACTIONS) == set(Role.values)
    assert [role for role in Role.values if may(role, Action.WRITE)] == ["owner", "admin", "member"]
    assert [role for role in Role.values if may(role, Action.ADMINISTER)] == ["owner", "admin"]
    assert not may(None, Action.READ)


def test_who_founds_an_organization_owns_it(alice: User, web_role: None) -> None:
    founded = services.create_organization(actor=alice, name="  The Band ")
    assert (founded.name, founded.slug, founded.owner_type) == ("The Band", "the-band", "organization")
    assert queries.role_of(user=alice, organization=founded) == "owner"


def test_it_needs_a_name(alice: User) -> None:
    with pytest.raises(Invalid, match="needs a name"):
        services.create_organization(actor=alice, name=" ")


def test_found_by_slug_by_id_or_by_being_home(
    alice: User, bob: User, orchestra: Organization, home_of: Callable[[User], Organization], web_role: None
) -> None:
    assert queries.organization_for(actor=alice, reference="orchestra") == orchestra
    assert queries.organization_for(actor=alice, reference=str(orchestra.pk)) == orchestra
    assert queries.organization_for(actor=alice) == home_of(alice) != orchestra
    for reference in ("orchestra", str(orchestra.pk), str(uuid.uuid4()), "", "no such"):
        with pytest.raises(NotFound):
            queries.organization_for(actor=bob, reference=reference)


def test_an_inactive_organization_is_not_there(alice: User, orchestra: Organization) -> None:
    with staff():
        Organization.objects.filter(pk=orchestra.pk).update(is_active=False)
    with pytest.raises(NotFound):
        queries.organization_for(actor=alice, reference="orchestra")
    with pytest.raises(NotFound):
        require(actor=alice, organization=orchestra, action=Action.READ)


class TestMembers:
    def test_an_admin_adds_members(
        self, alice: User, bob: User, carol: User, orchestra: Organization, web_role: None
    ) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="admin")
        services.add_member(actor=bob, organization=orchestra, user=carol)
        with acting_as(carol.pk):
            found = {member.user.email: member.role for member in queries.members(actor=carol, organization=orchestra)}
        assert found == {"alice@example.org": "owner", "bob@example.org": "admin", "carol@example.org": "member"}

    def test_an_admin_makes_no_owner(self, alice: User, bob: User, carol: User, orchestra: Organization) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="admin")
        with pytest.raises(Forbidden, match="Only an owner"):
            services.add_member(actor=bob, organization=orchestra, user=carol, role="owner")

    @pytest.mark.parametrize("role", ["member", "viewer"])
    def test_a_member_adds_nobody(
        self, alice: User, bob: User, carol: User, orchestra: Organization, role: str
    ) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob, role=role)
        with pytest.raises(Forbidden, match=f"As {role} of Orchestra you may not administer"):
            services.add_member(actor=bob, organization=orchestra, user=carol)

    def test_to_a_stranger_it_does_not_exist(
        self, bob: User, carol: User, orchestra: Organization, web_role: None
    ) -> None:
        with pytest.raises(NotFound):
            services.add_member(actor=bob, organization=orchestra, user=carol)
        with acting_as(bob.pk):
            assert list(queries.members(actor=bob, organization=orchestra)) == []

    def test_nobody_is_added_twice_nor_as_anything(
        self, alice: User, bob: User, orchestra: Organization, home_of: Callable[[User], Organization], web_role: None
    ) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob)
        with pytest.raises(Conflict, match="already"):
            services.add_member(actor=alice, organization=orchestra, user=bob)
        with pytest.raises(Invalid, match="'king'"):
            services.add_member(actor=alice, organization=orchestra, user=bob, role="king")
        with pytest.raises(Conflict, match="personal"):
            services.add_member(actor=alice, organization=home_of(alice), user=bob)
