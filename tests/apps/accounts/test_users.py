from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from apps.accounts import queries, services
from apps.accounts.errors import EmailTaken
from apps.accounts.models import Membership, Organization, User
from apps.core.errors import Invalid
from apps.core.tenancy import acting_as, staff

pytestmark = pytest.mark.django_db
PASSWORD = "a long and winding road"


def test_a_user_owns_a_personal_organization(web_role: None) -> None:
    user = services.create_user(email=" Dora.Mi@Example.ORG ", password=PASSWORD, display_name="Dora")
    assert user.email == "dora.mi@example.org"
    assert user.check_password(PASSWORD)
    home = queries.organization_for(actor=user)
    assert (home.name, home.slug, home.is_personal, home.owner_user, home.owner_type) == (
        "Dora", "dorami", True, user, "user",
    )  # fmt: skip
    with acting_as(user.pk):
        assert Membership.objects.get(organization=home).role == "owner"


def test_a_user_without_a_password_cannot_sign_in_with_one() -> None:
    user = services.create_user(email="x@example.org", password=None)
    assert not user.has_usable_password()


def test_the_case_of_an_email_makes_no_difference() -> None:
    services.create_user(email="dora@example.org", password=None)
    with pytest.raises(EmailTaken):
        services.create_user(email="DORA@example.org", password=None)
    assert User.objects.filter(email="Dora@Example.org").exists()
    assert User.objects.get_by_natural_key("DORA@example.org").email == "dora@example.org"


def test_the_database_itself_wants_lower_case() -> None:
    user = services.create_user(email="dora@example.org", password=None)
    with (
        pytest.raises(IntegrityError, match="user_email_lowercase"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE accounts_user SET email = 'Dora@example.org' WHERE id = %s", [user.pk])


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        services.create_user(email="no-address", password="123")
    assert {error["pointer"] for error in caught.value.errors} == {"/email", "/password"}
    assert not User.objects.exists()


def test_two_of_the_same_name_get_different_slugs(web_role: None) -> None:
    made = [services.create_user(email=f"dora@{place}.org", password=None) for place in ("a", "b", "c")]
    slugs = [queries.organization_for(actor=user).slug for user in made]
    assert slugs[0] == "dora"
    assert len(set(slugs)) == 3
    assert all(slug.startswith("dora") for slug in slugs)


def test_a_name_without_letters_for_a_slug() -> None:
    user = services.create_user(email="+++@example.org", password=None)
    assert queries.organization_for(actor=user).slug == "organization"


def test_a_user_is_made_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(type(Organization.objects), "create_personal", broken)
    with pytest.raises(RuntimeError):
        services.create_user(email="x@example.org", password=None)
    assert not User.objects.exists()


def test_createsuperuser_makes_a_home_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", email="root@example.org", interactive=False, verbosity=0)
    root = User.objects.get(email="root@example.org")
    assert root.is_staff
    assert root.is_superuser
    assert queries.organization_for(actor=root).is_personal


def test_names(alice: User) -> None:
    assert (alice.get_full_name(), alice.get_short_name()) == ("Alice", "Alice")
    nameless = User(email="x@example.org", first_name="Ann", last_name="Other")
    assert (nameless.get_full_name(), nameless.get_short_name()) == ("Ann Other", "Ann")
    assert User(email="x@example.org").get_full_name() == "x@example.org"


class TestSignIn:
    @pytest.fixture
    def dora(self, db: None) -> User:
        return services.create_user(email="dora@example.org", password=PASSWORD)

    def test_by_email_in_any_case(self, dora: User, web_role: None) -> None:
        client = Client()
        shown = client.get("/login/?next=/api/v1/users/me/")
        assert shown.status_code == 200
        assert b"Sign in to Symphony" in shown.content
        form = {"username": "Dora@Example.org", "password": PASSWORD, "next": "/api/v1/users/me/"}
        assert client.post("/login/", form)["Location"] == "/api/v1/users/me/"
        assert client.get("/api/v1/users/me/").json()["email"] == "dora@example.org"
        assert client.post("/logout/")["Location"] == "/login/"
        assert client.get("/api/v1/users/me/").status_code == 401

    def test_a_wrong_password_and_a_hostile_next(self, dora: User, web_role: None) -> None:
        client = Client()
        wrong = client.post("/login/", {"username": "dora@example.org", "password": "x"})
        assert wrong.status_code == 200
        assert b'role="alert"' in wrong.content
        form = {"username": "dora@example.org", "password": PASSWORD, "next": "https://evil.example/"}
        assert "evil" not in client.post("/login/", form)["Location"]

    def test_who_is_inactive_stays_out(self, dora: User, web_role: None) -> None:
        User.objects.filter(pk=dora.pk).update(is_active=False)
        assert Client().post("/login/", {"username": "dora@example.org", "password": PASSWORD}).status_code == 200


def test_deleting_a_user_leaves_the_organization(alice: User, orchestra: Organization) -> None:
    with staff():
        alice.delete()
        orchestra.refresh_from_db()
        assert orchestra.owner_user is None
        assert not Membership.objects.exists()
