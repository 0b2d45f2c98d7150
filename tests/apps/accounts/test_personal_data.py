from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.mail import EmailMessage
from rest_framework.utils.encoders import JSONEncoder

from apps.accounts import queries, services
from apps.accounts.errors import StillOwner, WrongPassword
from apps.accounts.events import person_erasing, personal_data_requested
from apps.accounts.models import Invitation, Membership, Organization, User
from apps.core.errors import Invalid
from apps.core.tenancy import staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("web_role")]
PASSWORD = "a long and winding road"


@contextmanager
def receiving(signal: Any, receiver: Callable[..., object]) -> Iterator[None]:
    signal.connect(receiver)
    yield
    signal.disconnect(receiver)


def test_everything_is_in_the_export(alice: User, bob: User, orchestra: Organization) -> None:
    services.add_member(actor=alice, organization=orchestra, user=bob)
    team = services.create_team(actor=alice, organization=orchestra, name="Strings")
    with staff():
        his = Membership.objects.select_related("user").get(organization=orchestra, user=bob)
    services.add_team_member(actor=alice, team=team, member=his, role="viewer")
    services.update_profile(actor=bob, bio="Drums", preferences={"theme": "dark"})
    _, secret = services.create_token(actor=bob, name="ci")

    def more(user: User, **_: object) -> tuple[str, list[str]]:
        return "songs", [f"of {user.display_name}"]

    with receiving(personal_data_requested, more):
        data = services.export_personal_data(actor=bob)
    text = json.dumps(data, cls=JSONEncoder)
    assert data["songs"] == ["of Bob"]
    assert (data["profile"]["bio"], data["profile"]["preferences"]) == ("Drums", {"theme": "dark"})
    assert {each["organization_name"] for each in data["memberships"]} == {"Bob", "Orchestra"}
    assert [(each["team_name"], each["role"]) for each in data["teams"]] == [("Strings", "viewer")]
    for hidden in (secret, "argon2", queries.token_hash(secret), alice.email):
        assert hidden not in text


class TestErasing:
    def test_leaves_a_row_without_a_person(
        self, alice: User, bob: User, orchestra: Organization, letters_of: Callable[..., list[EmailMessage]]
    ) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="admin")
        services.update_profile(actor=bob, bio="Drums", social_links={"x": "https://x.example"}, username="bobby")
        _, secret = services.create_token(actor=bob, name="ci")
        address = bob.email
        letters = letters_of(lambda: services.erase_person(actor=bob, confirmation=" Bob@Example.org "))
        assert [letter.to for letter in letters] == [[address]]
        bob = User.objects.get(pk=bob.pk)
        told = json.dumps({name: str(value) for name, value in vars(bob).items()})
        for gone in ("bob@", "Drums", "bobby", '"Bob"', "x.example"):
            assert gone not in told
        assert (bob.is_active, bob.has_usable_password(), bob.display_name) == (False, False, "Erased person")
        assert bob.erased_at is not None
        assert queries.authenticate_token(secret) is None
        with staff():
            assert not Membership.objects.filter(user=bob, organization=orchestra).exists()
            assert not Organization.objects.filter(owner_user=bob, is_active=True).exists()
        assert services.create_user(email=address, password=None).pk != bob.pk

    def test_refused_while_others_work_where_they_own(self, alice: User, bob: User, orchestra: Organization) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob)
        with pytest.raises(StillOwner, match="Orchestra") as caught:
            services.erase_person(actor=alice, confirmation=alice.email)
        assert [each["slug"] for each in caught.value.extra["organizations"]] == ["orchestra"]
        alice.refresh_from_db()
        assert alice.is_active
        services.deactivate_organization(actor=alice, organization=orchestra)
        erasure = services.erase_person(actor=alice, confirmation=alice.email)
        assert any("Orchestra" in sentence for sentence in erasure.kept)

    def test_what_nobody_else_needs_goes(self, alice: User, orchestra: Organization) -> None:
        erasure = services.erase_person(actor=alice, confirmation=alice.email)
        with staff():
            assert not Organization.objects.exists()
        assert not any("closed" in sentence for sentence in erasure.kept)

    def test_what_stays_is_told(self, alice: User, orchestra: Organization) -> None:
        def keep(user: User, personal_organization: Organization, **_: object) -> list[str]:
            assert personal_organization.owner_user_id == user.pk
            return ["Songs stay."]

        with receiving(person_erasing, keep):
            assert "Songs stay." in services.erase_person(actor=alice, confirmation=alice.email).kept

    def test_a_receiver_that_raises_undoes_it(self, alice: User, orchestra: Organization) -> None:
        def broken(**_: object) -> None:
            raise RuntimeError

        with receiving(person_erasing, broken), pytest.raises(RuntimeError):
            services.erase_person(actor=alice, confirmation=alice.email)
        alice.refresh_from_db()
        assert alice.is_active
        assert queries.role_of(user=alice, organization=orchestra) == "owner"

    def test_is_confirmed_twice(self, alice: User) -> None:
        dora = services.create_user(email="dora@example.org", password=PASSWORD)
        with pytest.raises(Invalid) as caught:
            services.erase_person(actor=dora, password=PASSWORD, confirmation="dora")
        assert caught.value.errors[0]["pointer"] == "/confirmation"
        with pytest.raises(WrongPassword):
            services.erase_person(actor=dora, password="x", confirmation=dora.email)
        services.erase_person(actor=dora, password=PASSWORD, confirmation=dora.email)

    def test_invitations_forget_the_address(self, alice: User, bob: User, orchestra: Organization) -> None:
        services.invite(actor=alice, organization=orchestra, email=bob.email)
        services.erase_person(actor=bob, confirmation=bob.email)
        with staff():
            kept = Invitation.objects.get()
        assert kept.status == "declined"
        assert "bob" not in kept.email

    def test_staff_opens_no_erased_account(self, alice: User, bob: User) -> None:
        services.erase_person(actor=bob, confirmation=bob.email)
        assert services.reactivate_users(actor=alice, users=User.objects.all()) == 0
