"""Roles, leaving, handing over; and that no organization loses its last owner, whoever goes at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, transaction

from apps.accounts import queries, services
from apps.accounts.errors import LastOwner, OrganizationNotEmpty, PersonalOrganization, SlugTaken
from apps.accounts.events import membership_adding, membership_ended, organization_deactivated
from apps.accounts.models import Membership, Organization, User
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.tenancy import acting_as, staff

pytestmark = pytest.mark.django_db
HomeOf = Callable[[User], Organization]


def member(organization: Organization, user: User) -> Membership:
    with staff():
        return Membership.objects.select_related("organization", "user").get(organization=organization, user=user)


def roles(organization: Organization) -> dict[str, str]:
    with staff():
        found = Membership.objects.filter(organization=organization).values_list("user__display_name", "role")
        return dict(found)


@pytest.fixture
def band(alice: User, bob: User, carol: User, orchestra: Organization, web_role: None) -> Organization:
    """Alice owns it, Bob is an admin, Carol a member."""
    services.add_member(actor=alice, organization=orchestra, user=bob, role="admin")
    services.add_member(actor=alice, organization=orchestra, user=carol)
    return orchestra


@contextmanager
def heard(signal: object) -> Iterator[list[dict[str, object]]]:
    calls: list[dict[str, object]] = []

    def listen(**given: object) -> None:
        calls.append(given)

    signal.connect(listen)  # type: ignore[attr-defined]
    yield calls
    signal.disconnect(listen)  # type: ignore[attr-defined]


class TestRoles:
    def test_admins_change_roles_below_owner(self, alice: User, bob: User, carol: User, band: Organization) -> None:
        services.change_role(actor=bob, membership=member(band, carol), role="viewer")
        assert roles(band) == {"Alice": "owner", "Bob": "admin", "Carol": "viewer"}
        with pytest.raises(Forbidden, match="make another member an owner"):
            services.change_role(actor=bob, membership=member(band, carol), role="owner")
        with pytest.raises(Forbidden, match="remove an owner"):
            services.change_role(actor=bob, membership=member(band, alice), role="member")
        with pytest.raises(Invalid, match="'king'"):
            services.change_role(actor=bob, membership=member(band, carol), role="king")

    def test_the_only_owner_stays_one(self, alice: User, bob: User, band: Organization) -> None:
        with pytest.raises(LastOwner):
            services.change_role(actor=alice, membership=member(band, alice), role="admin")
        services.change_role(actor=alice, membership=member(band, bob), role="owner")
        services.change_role(actor=alice, membership=member(band, alice), role="viewer")
        assert roles(band) == {"Alice": "viewer", "Bob": "owner", "Carol": "member"}
        with staff():
            assert Organization.objects.get(pk=band.pk).owner_user == bob

    def test_members_and_strangers_change_nothing(self, carol: User, band: Organization) -> None:
        stranger = services.create_user(email="dora@example.org", password=None)
        with pytest.raises(Forbidden):
            services.change_role(actor=carol, membership=member(band, carol), role="admin")
        with pytest.raises(NotFound):
            services.change_role(actor=stranger, membership=member(band, carol), role="admin")


class TestLeaving:
    def test_by_oneself(self, carol: User, band: Organization) -> None:
        with heard(membership_ended) as calls:
            services.leave_organization(actor=carol, organization=band)
        assert [(call["organization"], call["user"]) for call in calls] == [(band, carol)]
        assert queries.role_of(user=carol, organization=band) is None

    def test_by_an_admin(self, alice: User, bob: User, carol: User, band: Organization) -> None:
        services.remove_member(actor=bob, membership=member(band, carol))
        with pytest.raises(Forbidden):
            services.remove_member(actor=bob, membership=member(band, alice))
        services.remove_member(actor=alice, membership=member(band, bob))
        assert roles(band) == {"Alice": "owner"}

    def test_not_the_last_owner(self, alice: User, band: Organization, home_of: HomeOf) -> None:
        with pytest.raises(LastOwner):
            services.leave_organization(actor=alice, organization=band)
        with pytest.raises(PersonalOrganization):
            services.leave_organization(actor=alice, organization=home_of(alice))

    def test_a_receiver_keeps_somebody_out(self, alice: User, band: Organization) -> None:
        dora = services.create_user(email="dora@example.org", password=None)

        def full(**_: object) -> None:
            raise Conflict("no seat is free")

        membership_adding.connect(full)
        try:
            with pytest.raises(Conflict, match="no seat"):
                services.add_member(actor=alice, organization=band, user=dora)
        finally:
            membership_adding.disconnect(full)
        assert queries.role_of(user=dora, organization=band) is None


class TestTransfer:
    def test_who_hands_over_stays_as_an_admin(self, alice: User, carol: User, band: Organization) -> None:
        services.transfer_ownership(actor=alice, organization=band, to=member(band, carol))
        assert roles(band) == {"Alice": "admin", "Bob": "admin", "Carol": "owner"}
        with staff():
            assert Organization.objects.get(pk=band.pk).owner_user == carol

    def test_only_owners_only_members_not_themselves(
        self, alice: User, bob: User, carol: User, band: Organization, home_of: HomeOf
    ) -> None:
        with pytest.raises(Forbidden):
            services.transfer_ownership(actor=bob, organization=band, to=member(band, carol))
        with pytest.raises(NotFound):
            services.transfer_ownership(actor=alice, organization=band, to=member(home_of(carol), carol))
        with pytest.raises(Conflict):
            services.transfer_ownership(actor=alice, organization=band, to=member(band, alice))


class TestTheDatabase:
    def test_refuses_to_lose_the_last_owner(self, alice: User, band: Organization) -> None:
        for change in ("delete", "demote"):
            owner = Membership.objects.filter(organization=band, user=alice)
            with pytest.raises(IntegrityError, match="no owner"), acting_as(alice.pk), transaction.atomic():
                owner.delete() if change == "delete" else owner.update(role="admin")

    def test_an_owner_who_goes_owns_no_longer(self, alice: User, bob: User, band: Organization) -> None:
        """The row's owner may found memberships: whoever has left must not come back by that."""
        services.change_role(actor=alice, membership=member(band, bob), role="owner")
        with acting_as(alice.pk):
            Membership.objects.filter(organization=band, user=alice).delete()
        with pytest.raises(Exception, match="row-level security"), acting_as(alice.pk), transaction.atomic():
            Membership(organization=band, user=alice, role="owner").save(force_insert=True)
        with acting_as(bob.pk):
            assert Organization.objects.get(pk=band.pk).owner_user == bob

    def test_nobody_lets_themselves_in(self, bob: User, orchestra: Organization, web_role: None) -> None:
        for role in ("owner", "viewer"):
            with pytest.raises(Exception, match="row-level security"), acting_as(bob.pk), transaction.atomic():
                Membership(organization=orchestra, user=bob, role=role).save(force_insert=True)


class TestOrganizations:
    def test_renamed_with_settings_merged(self, alice: User, bob: User, carol: User, band: Organization) -> None:
        services.update_organization(
            actor=bob, organization=band, name=" Big Band ", slug="Big_Band", settings={"a": 1}
        )
        changed = services.update_organization(actor=alice, organization=band, settings={"b": {"c": 2}, "a": None})
        assert (changed.name, changed.slug, changed.settings) == ("Big Band", "big_band", {"b": {"c": 2}})
        with pytest.raises(Forbidden):
            services.update_organization(actor=carol, organization=band, name="Mine")

    @pytest.mark.parametrize("slug", ["", "-a", "a b", "x" * 121, "0" * 32, "018f0000-0000-7000-8000-000000000000"])
    def test_not_every_word_is_a_slug(self, alice: User, band: Organization, slug: str) -> None:
        with pytest.raises(Invalid) as caught:
            services.update_organization(actor=alice, organization=band, slug=slug)
        assert caught.value.errors[0]["pointer"] == "/slug"

    def test_a_slug_of_strangers_is_taken(self, alice: User, band: Organization) -> None:
        with pytest.raises(SlugTaken):
            services.update_organization(actor=alice, organization=band, slug="bob")
        with pytest.raises(Invalid):
            services.update_organization(actor=alice, organization=band, settings={"a": "x" * 20_000})

    def test_closed_by_its_owner_opened_by_staff(
        self, alice: User, bob: User, band: Organization, home_of: HomeOf
    ) -> None:
        with pytest.raises(Forbidden):
            services.deactivate_organization(actor=bob, organization=band)
        with pytest.raises(PersonalOrganization):
            services.deactivate_organization(actor=alice, organization=home_of(alice))
        with heard(organization_deactivated) as calls:
            services.deactivate_organization(actor=alice, organization=band)
        assert [call["organization"] for call in calls] == [band]
        assert queries.role_of(user=alice, organization=band) is None
        with staff():
            found = Organization.objects.filter(pk=band.pk)
            assert services.reactivate_organizations(actor=alice, organizations=found) == 1
        assert queries.role_of(user=alice, organization=band) == "owner"

    def test_deleted_when_nobody_loses_anything(
        self, alice: User, bob: User, carol: User, band: Organization, home_of: HomeOf
    ) -> None:
        with pytest.raises(OrganizationNotEmpty, match="Other members"):
            services.delete_organization(actor=alice, organization=band)
        for user in (bob, carol):
            services.remove_member(actor=alice, membership=member(band, user))
        services.create_team(actor=alice, organization=band, name="Strings")
        services.delete_organization(actor=alice, organization=band)
        with staff():
            assert not Organization.objects.filter(pk=band.pk).exists()
        with pytest.raises(PersonalOrganization):
            services.delete_organization(actor=alice, organization=home_of(alice))


def test_one_question_finds_an_organization_and_one_a_role(
    alice: User, orchestra: Organization, django_assert_num_queries: Callable[..., object]
) -> None:
    with acting_as(alice.pk):
        for ask in (
            lambda: queries.organization_for(actor=alice, reference="orchestra"),
            lambda: queries.role_of(user=alice, organization=orchestra),
        ):
            # The question who is asking, and the question itself.
            with django_assert_num_queries(2):  # type: ignore[attr-defined]
                ask()


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    @pytest.fixture
    def duo(self, alice: User, bob: User, carol: User, orchestra: Organization) -> Organization:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="owner")
        services.add_member(actor=alice, organization=orchestra, user=carol)
        return orchestra

    def both(self, one: Callable[[], object], other: Callable[[], object]) -> list[object]:
        start = threading.Barrier(2)

        def run(action: Callable[[], object]) -> object:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE symphony_web")
            start.wait(20)
            try:
                return action()
            except (LastOwner, IntegrityError, Forbidden) as error:
                return error
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(run, (one, other)))

    def test_two_last_owners_leave(self, alice: User, bob: User, duo: Organization) -> None:
        ends = self.both(
            lambda: services.leave_organization(actor=alice, organization=duo),
            lambda: services.leave_organization(actor=bob, organization=duo),
        )
        assert sorted(type(end).__name__ for end in ends) == ["LastOwner", "NoneType"]
        assert sorted(roles(duo).values()) == ["member", "owner"]

    def test_two_last_owners_leave_by_hand(self, alice: User, bob: User, duo: Organization) -> None:
        """No service, no lock of ours: the trigger alone holds."""
        gone = threading.Barrier(2)

        def delete(user: User) -> None:
            with acting_as(user.pk), connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS organization_keeps_an_owner DEFERRED")
                Membership.objects.filter(organization=duo, user=user).delete()
                gone.wait(20)
                cursor.execute("SET CONSTRAINTS organization_keeps_an_owner IMMEDIATE")

        ends = self.both(lambda: delete(alice), lambda: delete(bob))
        assert sorted(type(end).__name__ for end in ends) == ["IntegrityError", "NoneType"]
        assert sorted(roles(duo).values()) == ["member", "owner"]

    def test_two_owners_demote_each_other(self, alice: User, bob: User, duo: Organization) -> None:
        hers, his = member(duo, alice), member(duo, bob)
        ends = self.both(
            lambda: services.change_role(actor=alice, membership=his, role="member"),
            lambda: services.change_role(actor=bob, membership=hers, role="member"),
        )
        assert sorted(type(end).__name__ for end in ends) == ["Forbidden", "Membership"]
        assert sorted(roles(duo).values()) == ["member", "member", "owner"]
