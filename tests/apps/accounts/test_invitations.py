from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import queries, services
from apps.accounts.errors import (
    AlreadyInvited,
    AlreadyMember,
    EmailNotVerified,
    LinkDead,
    NotInvited,
    PersonalOrganization,
)
from apps.accounts.models import Invitation, Membership, Organization, User
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from apps.core.ids import uuid7
from apps.core.tenancy import acting_as, local_setting, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("web_role")]
TokenOf = Callable[..., str]
LettersOf = Callable[..., list[EmailMessage]]
Verified = Callable[[User], User]
PASSWORD = "a long and winding road"


def only(organization: Organization) -> Invitation:
    with staff():
        return Invitation.objects.select_related("organization", "invited_by").get(organization=organization)


@pytest.fixture
def token(alice: User, orchestra: Organization, token_of: TokenOf) -> str:
    """Of Bob's invitation, as an admin."""
    return token_of(lambda: services.invite(actor=alice, organization=orchestra, email="Bob@Example.org", role="admin"))


class TestAccepting:
    def test_by_the_link(self, bob: User, orchestra: Organization, token: str, verified: Verified) -> None:
        shown = services.shown_invitation(token)
        assert (shown.organization.name, shown.role, shown.invited_by.display_name) == ("Orchestra", "admin", "Alice")
        membership = services.accept_invitation(actor=verified(bob), invitation=shown)
        assert membership.role == queries.role_of(user=bob, organization=orchestra) == "admin"
        kept = only(orchestra)
        assert (kept.status, kept.accepted_by) == ("accepted", bob)
        with pytest.raises(LinkDead):
            services.shown_invitation(token)
        with pytest.raises(LinkDead):
            services.accept_invitation(actor=bob, invitation=shown)

    def test_without_the_link(self, bob: User, orchestra: Organization, token: str, verified: Verified) -> None:
        with acting_as(bob.pk), local_setting("app.invited", "on"):
            assert list(queries.invitations_to(actor=bob)) == []
            (received,) = queries.invitations_to(actor=verified(bob))
            assert received.organization.name == "Orchestra"
        services.accept_invitation(actor=bob, invitation=received)
        assert queries.role_of(user=bob, organization=orchestra) == "admin"

    def test_needs_the_address_and_that_it_is_verified(
        self, bob: User, carol: User, orchestra: Organization, token: str, verified: Verified
    ) -> None:
        shown = services.shown_invitation(token)
        with pytest.raises(NotInvited):
            services.accept_invitation(actor=verified(carol), invitation=shown)
        with pytest.raises(EmailNotVerified):
            services.accept_invitation(actor=bob, invitation=shown)
        assert queries.role_of(user=carol, organization=orchestra) is None

    def test_the_database_lets_in_as_invited_only(
        self, bob: User, carol: User, orchestra: Organization, token: str, verified: Verified
    ) -> None:
        for user, role in ((verified(bob), "owner"), (verified(carol), "admin")):
            with pytest.raises(Exception, match="row-level security"), acting_as(user.pk), transaction.atomic():
                Membership(organization=orchestra, user=user, role=role).save(force_insert=True)

    def test_expires(self, bob: User, orchestra: Organization, token: str, verified: Verified) -> None:
        shown = services.shown_invitation(token)
        with staff():
            Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        with pytest.raises(LinkDead):
            services.shown_invitation(token)
        with pytest.raises(LinkDead):
            services.accept_invitation(actor=verified(bob), invitation=shown)
        with pytest.raises(Exception, match="row-level security"), acting_as(bob.pk), transaction.atomic():
            Membership(organization=orchestra, user=bob, role="admin").save(force_insert=True)

    def test_declined(self, bob: User, orchestra: Organization, token: str, verified: Verified) -> None:
        services.decline_invitation(actor=verified(bob), invitation=services.shown_invitation(token))
        assert only(orchestra).status == "declined"
        with pytest.raises(LinkDead):
            services.shown_invitation(token)

    def test_of_a_closed_organization_is_dead(self, alice: User, orchestra: Organization, token: str) -> None:
        services.deactivate_organization(actor=alice, organization=orchestra)
        with pytest.raises(LinkDead):
            services.shown_invitation(token)

    @pytest.mark.parametrize("wrong", ["", "x", "é", "\0", "a:b:c", "x" * 3000])
    def test_a_made_up_link(self, token: str, wrong: str) -> None:
        with pytest.raises(LinkDead):
            services.shown_invitation(wrong)


class TestRegistering:
    @pytest.fixture
    def link(self, alice: User, orchestra: Organization, token_of: TokenOf) -> str:
        return token_of(lambda: services.invite(actor=alice, organization=orchestra, email="new@example.org"))

    def test_an_account_and_a_membership_in_one(self, orchestra: Organization, link: str) -> None:
        user, membership = services.register_invited(token=link, password=PASSWORD, username="Newt")
        assert (user.email, user.username, user.email_verified) == ("new@example.org", "newt", True)
        assert user.check_password(PASSWORD)
        assert membership.role == queries.role_of(user=user, organization=orchestra) == "member"
        assert queries.organization_for(actor=user).is_personal
        with pytest.raises(LinkDead):
            services.register_invited(token=link, password=PASSWORD)

    def test_a_weak_password_leaves_the_link_good(self, link: str) -> None:
        with pytest.raises(Invalid) as caught:
            services.register_invited(token=link, password="123")
        assert {error["pointer"] for error in caught.value.errors} == {"/password"}
        assert services.shown_invitation(link).is_open

    def test_who_has_an_account_signs_in(self, bob: User, token: str) -> None:
        with pytest.raises(Conflict, match="sign in"):
            services.register_invited(token=token, password=PASSWORD)


class TestInviting:
    def test_is_for_admins_and_owners_are_made_by_owners(
        self, alice: User, bob: User, carol: User, orchestra: Organization, home_of: Callable[[User], Organization]
    ) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="admin")
        with pytest.raises(Forbidden, match="Only an owner"):
            services.invite(actor=bob, organization=orchestra, email="x@example.org", role="owner")
        with pytest.raises(NotFound):
            services.invite(actor=carol, organization=orchestra, email="x@example.org")
        with pytest.raises(PersonalOrganization):
            services.invite(actor=alice, organization=home_of(alice), email="x@example.org")
        with pytest.raises(Invalid):
            services.invite(actor=alice, organization=orchestra, email="x")
        with pytest.raises(AlreadyMember):
            services.invite(actor=alice, organization=orchestra, email="BOB@example.org")

    def test_once_until_it_is_answered_or_too_old(self, alice: User, orchestra: Organization, token: str) -> None:
        with pytest.raises(AlreadyInvited):
            services.invite(actor=alice, organization=orchestra, email="bob@example.org")
        copy = only(orchestra)
        copy.pk, copy.token_hash = uuid7(), "x"
        with staff(), pytest.raises(IntegrityError, match="one_pending"), transaction.atomic():
            copy.save(force_insert=True)

    def test_the_secret_is_kept_nowhere(self, orchestra: Organization, token: str) -> None:
        kept = only(orchestra)
        assert token not in repr(vars(kept))
        assert len(kept.token_hash) == 64

    def test_resent_with_a_new_link(self, alice: User, orchestra: Organization, token: str, token_of: TokenOf) -> None:
        with pytest.raises(TooMany) as caught:
            services.resend_invitation(actor=alice, invitation=only(orchestra))
        assert caught.value.extra == {"retry_after": 60}
        cache.clear()
        again = token_of(lambda: services.resend_invitation(actor=alice, invitation=only(orchestra)))
        assert services.shown_invitation(again).sent_count == 2
        with pytest.raises(LinkDead):
            services.shown_invitation(token)

    def test_revoked(self, alice: User, orchestra: Organization, token: str) -> None:
        services.revoke_invitation(actor=alice, invitation=only(orchestra))
        with pytest.raises(LinkDead):
            services.shown_invitation(token)
        with pytest.raises(Conflict, match="revoked already"):
            services.revoke_invitation(actor=alice, invitation=only(orchestra))

    def test_goes_with_who_invited(self, alice: User, bob: User, orchestra: Organization) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="admin")
        services.invite(actor=bob, organization=orchestra, email="x@example.org")
        services.leave_organization(actor=bob, organization=orchestra)
        assert only(orchestra).status == "revoked"

    def test_many_at_once(self, alice: User, bob: User, orchestra: Organization, letters_of: LettersOf) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob)
        people = [("x@example.org", "member"), ("bob@example.org", "member"), ("X@example.org", "viewer")]
        outcomes = []
        letters = letters_of(
            lambda: outcomes.extend(services.invite_many(actor=alice, organization=orchestra, people=people))
        )
        assert [each.outcome for each in outcomes] == ["invited", "already_member", "already_invited"]
        assert [letter.to for letter in letters] == [["x@example.org"]]

    def test_a_mistake_in_one_undoes_all(self, alice: User, orchestra: Organization, letters_of: LettersOf) -> None:
        def send() -> None:
            with pytest.raises(Invalid) as caught:
                services.invite_many(
                    actor=alice, organization=orchestra, people=[("y@example.org", "member"), ("nobody", "member")]
                )
            assert caught.value.errors[0]["pointer"] == "/invitations/1/email"

        assert letters_of(send) == []
        with staff():
            assert not Invitation.objects.exists()

    def test_is_not_rewritten(self, orchestra: Organization, token: str) -> None:
        with staff(), pytest.raises(IntegrityError, match="cannot be rewritten"), transaction.atomic():
            Invitation.objects.update(role="owner")


def test_strangers_and_members_see_none(
    alice: User, bob: User, carol: User, orchestra: Organization, token: str
) -> None:
    services.add_member(actor=alice, organization=orchestra, user=carol)
    for user in (bob, carol):
        with acting_as(user.pk):
            assert not Invitation.objects.exists()
    with acting_as(bob.pk), local_setting("app.invited", "on"):
        assert not Organization.objects.filter(pk=orchestra.pk).exists()
