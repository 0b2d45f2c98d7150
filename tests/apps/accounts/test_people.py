"""Profiles, passwords, addresses, registration: the services, and what letters bring about."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import IntegrityError, connection, transaction
from django.test import override_settings

from apps.accounts import queries, services
from apps.accounts.errors import EmailTaken, LinkDead, SignUpClosed, UsernameTaken, WrongPassword
from apps.accounts.events import email_changed, password_changed
from apps.accounts.models import User
from apps.core.attempts import TooManyAttempts
from apps.core.errors import Conflict, Invalid, NotFound, TooMany

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("web_role")]
TokenOf = Callable[..., str]
LettersOf = Callable[..., list[EmailMessage]]
PASSWORD = "a long and winding road"
OTHER = "here comes the sun 1969"


@pytest.fixture
def dora(db: None) -> User:
    return services.create_user(email="dora@example.org", password=PASSWORD, display_name="Dora Mi")


class TestUsernames:
    def test_made_of_the_name_not_of_the_address(self) -> None:
        made = [services.create_user(email=f"x{n}@example.org", password=None, display_name="Ann O.") for n in range(2)]
        assert made[0].username == "ann-o"
        assert made[1].username.startswith("ann-o-")
        nameless = services.create_user(email="secret.name@example.org", password=None)
        assert nameless.username.startswith("user-")

    def test_chosen_once_in_any_case(self, alice: User, bob: User) -> None:
        assert services.update_profile(actor=alice, username="Wonder_Land").username == "wonder_land"
        for taken in ("wonder_land", "WONDER_LAND"):
            with pytest.raises(UsernameTaken):
                services.update_profile(actor=bob, username=taken)
            with pytest.raises(UsernameTaken):
                services.create_user(email="z@example.org", password=None, username=taken)
        assert queries.person(username="Wonder_Land") == alice

    def test_the_database_wants_it_lower_and_once(self, alice: User, bob: User) -> None:
        for username in ("Alice", "a b", bob.username):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("UPDATE accounts_user SET username = %s WHERE id = %s", [username, alice.pk])

    @pytest.mark.parametrize("username", ["me", "Admin", "a b", "-x", "", "x" * 40])
    def test_not_every_word_is_one(self, alice: User, username: str) -> None:
        with pytest.raises(Invalid) as caught:
            services.update_profile(actor=alice, username=username)
        assert [error["pointer"] for error in caught.value.errors] == ["/username"]

    def test_nobody(self, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(is_active=False)
        for username in ("bob", "nobody", "\0", "x" * 500):
            with pytest.raises(NotFound):
                queries.person(username=username)


class TestProfile:
    def test_what_is_left_out_stays(self, alice: User) -> None:
        services.update_profile(actor=alice, bio=" Plays. ", website="https://alice.example", github_username="al-ice")
        services.update_profile(actor=alice, avatar_url="https://alice.example/me.png")
        alice.refresh_from_db()
        assert (alice.bio, alice.website, alice.github_username) == ("Plays.", "https://alice.example", "al-ice")
        assert alice.avatar_url.endswith("me.png")
        assert alice.display_name == "Alice"

    def test_documents_are_merged(self, alice: User) -> None:
        services.update_profile(actor=alice, preferences={"theme": "dark", "editor": {"tabs": 4}})
        services.update_profile(actor=alice, preferences={"theme": None, "editor": {"wrap": True}})
        user = services.update_profile(actor=alice, social_links={"Mastodon": "https://social.example/@alice"})
        assert user.preferences == {"editor": {"tabs": 4, "wrap": True}}
        assert user.social_links == {"Mastodon": "https://social.example/@alice"}

    def test_all_that_is_wrong_at_once_and_nothing_written(self, alice: User) -> None:
        wrong: dict[str, Any] = {
            "bio": "x" * 2001, "website": "javascript:alert(1)", "avatar_url": "http://alice.example/x.png",
            "github_username": "-x-", "social_links": {"x": "http://x"}, "preferences": {"a": "\0"},
        }  # fmt: skip
        with pytest.raises(Invalid) as caught:
            services.update_profile(actor=alice, display_name="Other", **wrong)
        pointers = {error["pointer"] for error in caught.value.errors}
        assert pointers == {
            "/bio", "/website", "/avatar_url", "/github_username", "/social_links/x", "/preferences/a",
        }  # fmt: skip
        alice.refresh_from_db()
        assert alice.display_name == "Alice"

    def test_the_database_wants_an_avatar_by_https(self, alice: User) -> None:
        with pytest.raises(IntegrityError, match="user_avatar_https"), transaction.atomic():
            User.objects.filter(pk=alice.pk).update(avatar_url="http://x")


@pytest.mark.django_db(transaction=True)
def test_two_patches_at_once_are_both_in_it(alice: User) -> None:
    start = threading.Barrier(2)

    def patch(name: str) -> None:
        start.wait(20)
        try:
            services.update_profile(actor=alice, preferences={name: 1})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(patch, ("one", "other")))
    alice.refresh_from_db()
    assert alice.preferences == {"one": 1, "other": 1}


class TestPasswords:
    def test_changed_by_who_knows_the_old_one(self, dora: User, letters_of: LettersOf) -> None:
        heard: list[User] = []

        def listen(user: User, **_: object) -> None:
            heard.append(user)

        password_changed.connect(listen)
        letters = letters_of(lambda: services.change_password(actor=dora, old=PASSWORD, new=OTHER))
        password_changed.disconnect(listen)
        dora.refresh_from_db()
        assert dora.check_password(OTHER)
        assert heard == [dora]
        assert [(letter.to, letter.subject) for letter in letters] == [([dora.email], "Your password was changed")]

    def test_guesses_are_few(self, dora: User) -> None:
        for _ in range(10):
            with pytest.raises(WrongPassword):
                services.confirm_password(actor=dora, password="x")
        with pytest.raises((WrongPassword, TooManyAttempts)):
            services.confirm_password(actor=dora, password="x")
        with pytest.raises(TooManyAttempts):
            services.confirm_password(actor=dora, password=PASSWORD)

    def test_a_weak_one_changes_nothing(self, dora: User) -> None:
        for weak in ("short", "dora@example.org", "x" * 1025, "1234567890123"):
            with pytest.raises(Invalid):
                services.change_password(actor=dora, old=PASSWORD, new=weak)
        dora.refresh_from_db()
        assert dora.check_password(PASSWORD)

    def test_reset_by_a_letter_once(self, dora: User, token_of: TokenOf) -> None:
        token = token_of(lambda: services.request_password_reset(email="DORA@example.org"))
        assert services.reset_link_user(token) == dora
        user = services.reset_password(token=token, password=OTHER)
        assert user.email_verified
        dora.refresh_from_db()
        assert dora.check_password(OTHER)
        with pytest.raises(LinkDead):
            services.reset_password(token=token, password=PASSWORD)

    def test_a_link_dies_with_any_other_change(self, dora: User, token_of: TokenOf) -> None:
        token = token_of(lambda: services.request_password_reset(email=dora.email))
        services.change_password(actor=dora, old=PASSWORD, new=OTHER)
        with pytest.raises(LinkDead):
            services.reset_link_user(token)

    def test_strangers_inactive_ones_and_haste_get_no_letter(
        self, dora: User, bob: User, letters_of: LettersOf
    ) -> None:
        User.objects.filter(pk=bob.pk).update(is_active=False)
        for email in ("nobody@example.org", bob.email):
            assert letters_of(lambda email=email: services.request_password_reset(email=email)) == []
        sent = [len(letters_of(lambda: services.request_password_reset(email=dora.email))) for _ in range(3)]
        assert sent == [1, 0, 0]


class TestEmails:
    def test_verified_by_a_letter(self, dora: User, token_of: TokenOf) -> None:
        token = token_of(lambda: services.send_verification(actor=dora))
        assert services.link_address(token) == dora.email
        assert services.confirm_email(token=token).email_verified
        with pytest.raises(LinkDead):
            services.confirm_email(token=token)
        dora.refresh_from_db()
        with pytest.raises(Conflict):
            services.send_verification(actor=dora)

    def test_one_letter_a_minute(self, dora: User) -> None:
        services.send_verification(actor=dora)
        with pytest.raises(TooMany) as caught:
            services.send_verification(actor=dora)
        assert caught.value.extra["retry_after"] == 60

    def test_changed_when_the_new_one_is_verified(self, dora: User, token_of: TokenOf, letters_of: LettersOf) -> None:
        old = token_of(lambda: services.send_verification(actor=dora))
        token = token_of(lambda: services.request_email_change(actor=dora, email="New@example.org", password=PASSWORD))
        dora.refresh_from_db()
        assert dora.email == "dora@example.org"
        heard: list[str] = []

        def listen(before: str, **_: object) -> None:
            heard.append(before)

        email_changed.connect(listen)
        letters = letters_of(lambda: services.confirm_email(token=token))
        email_changed.disconnect(listen)
        dora.refresh_from_db()
        assert (dora.email, dora.email_verified) == ("new@example.org", True)
        assert heard == ["dora@example.org"]
        assert [letter.to for letter in letters] == [["dora@example.org"]]
        for used in (token, old):
            with pytest.raises(LinkDead):
                services.confirm_email(token=used)

    def test_a_taken_one_tells_its_holder_only(self, dora: User, alice: User, letters_of: LettersOf) -> None:
        letters = letters_of(lambda: services.request_email_change(actor=dora, email=alice.email, password=PASSWORD))
        assert [
            (letter.to, "http" in str(letter.body).replace("http://127.0.0.1:8000)", "")) for letter in letters
        ] == [([alice.email], False)]

    def test_taken_meanwhile(self, dora: User, token_of: TokenOf) -> None:
        token = token_of(lambda: services.request_email_change(actor=dora, email="n@example.org", password=PASSWORD))
        services.create_user(email="n@example.org", password=None)
        with pytest.raises(EmailTaken):
            services.confirm_email(token=token)

    def test_needs_the_password(self, dora: User) -> None:
        with pytest.raises(WrongPassword):
            services.request_email_change(actor=dora, email="n@example.org", password="x")


class TestRegistration:
    @pytest.fixture(autouse=True)
    def open_door(self, settings: Any) -> None:
        settings.SYMPHONY_SIGN_UP = True

    def test_by_a_letter_and_verified_from_the_start(self, token_of: TokenOf) -> None:
        token = token_of(lambda: services.request_registration(email=" New@example.org", display_name="Newt"))
        assert not User.objects.filter(email="new@example.org").exists()
        assert services.registration_address(token) == "new@example.org"
        user = services.complete_registration(token=token, password=PASSWORD)
        assert (user.email, user.display_name, user.username, user.email_verified) == (
            "new@example.org", "Newt", "newt", True,
        )  # fmt: skip
        with pytest.raises(LinkDead):
            services.complete_registration(token=token, password=PASSWORD)

    def test_who_has_an_account_gets_another_letter(self, alice: User, letters_of: LettersOf) -> None:
        (letter,) = letters_of(lambda: services.request_registration(email="ALICE@example.org"))
        assert (letter.to, letter.subject) == ([alice.email], "You have an account already")

    def test_as_much_is_asked_of_the_database_either_way(
        self, alice: User, django_assert_num_queries: Callable[..., Any]
    ) -> None:
        for email in (alice.email, "nobody@example.org"):
            with django_assert_num_queries(1):
                services.request_registration(email=email)

    def test_a_closed_door(self, token_of: TokenOf) -> None:
        token = token_of(lambda: services.request_registration(email="new@example.org"))
        with override_settings(SYMPHONY_SIGN_UP=False):
            with pytest.raises(SignUpClosed):
                services.request_registration(email="other@example.org")
            with pytest.raises(SignUpClosed):
                services.complete_registration(token=token, password=PASSWORD)


def test_staff_verifies_and_closes_accounts(alice: User, bob: User) -> None:
    everybody = User.objects.all()
    assert services.mark_verified(actor=alice, users=everybody) == 2
    assert services.deactivate_users(actor=alice, users=everybody) == 1
    assert list(User.objects.filter(is_active=True)) == [alice]
    assert services.reactivate_users(actor=alice, users=everybody) == 1
