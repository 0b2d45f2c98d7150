from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import queries, services
from apps.accounts.models import ApiToken, User
from apps.accounts.permissions import Action, token_may
from apps.core.errors import Invalid, NotFound
from apps.core.tenancy import acting_as, staff

pytestmark = pytest.mark.django_db


def client(secret: str, scheme: str = "Token") -> APIClient:
    return APIClient(headers={"Authorization": f"{scheme} {secret}"})


def everything_stored() -> str:
    with staff(), connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM accounts_apitoken t")
        return str(cursor.fetchall())


def test_the_secret_is_shown_once_and_kept_nowhere(
    alice: User, web_role: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        token, secret = services.create_token(actor=alice, name="editor")
        assert client(secret).get("/api/v1/users/me/").status_code == 200
        assert client(secret + "x").get("/api/v1/users/me/").status_code == 401
    mark, prefix, random = secret.split("_", 2)
    assert (mark, prefix, len(random)) == ("sym", token.prefix, 43)
    for place in (repr(token), str(token), everything_stored(), repr(vars(token)), caplog.text):
        assert random not in place
    for place in (repr(token), str(token), caplog.text):
        assert token.hash not in place
    assert token.hash == queries.token_hash(secret)


def test_two_tokens_are_never_alike(alice: User) -> None:
    made = [services.create_token(actor=alice, name="x") for _ in range(20)]
    assert len({secret for _, secret in made}) == 20


def test_knows_its_user_on_the_role_of_the_web(alice: User, bob: User, web_role: None) -> None:
    _, secret = services.create_token(actor=alice, name="x")
    found = queries.authenticate_token(secret)
    assert found is not None
    assert found.user == alice
    assert found == ApiToken.objects.get()
    assert queries.authenticate_token("sym_nobody_knows") is None
    assert ApiToken.objects.get() == found
    assert not ApiToken.objects.filter(user=bob).exists()


@pytest.mark.parametrize("secret", ["", "sym_", "sym_x_y", "x", "sym_" + "x" * 10_000, "sym_\0", "sym_\udcff_é"])
def test_what_is_no_token(alice: User, web_role: None, secret: str) -> None:
    assert queries.authenticate_token(secret) is None


def test_expires(alice: User, web_role: None) -> None:
    token, secret = services.create_token(actor=alice, name="x", expires_at=timezone.now() + timedelta(hours=1))
    assert queries.authenticate_token(secret) is not None
    with acting_as(alice.pk):
        ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert queries.authenticate_token(secret) is None


def test_is_revoked_by_its_user_only(alice: User, bob: User, web_role: None) -> None:
    token, secret = services.create_token(actor=alice, name="x")
    with pytest.raises(NotFound):
        services.revoke_token(actor=bob, token=token)
    assert queries.authenticate_token(secret) is not None
    assert services.revoke_token(actor=alice, token=token).revoked_at is not None
    assert queries.authenticate_token(secret) is None
    with pytest.raises(NotFound):
        services.revoke_token(actor=alice, token=token)


def test_of_an_inactive_user_opens_nothing(alice: User, web_role: None) -> None:
    _, secret = services.create_token(actor=alice, name="x")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert queries.authenticate_token(secret) is None


def test_is_refused_when_it_could_never_work(alice: User) -> None:
    with pytest.raises(Invalid, match="expired already"):
        services.create_token(actor=alice, name="x", expires_at=timezone.now())
    with pytest.raises(Invalid, match="'everything'"):
        services.create_token(actor=alice, name="x", scopes=["everything"])


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ([], {"read", "write", "administer"}),
        (["read"], {"read"}),
        (["write"], {"read", "write"}),
        (["administer"], {"read", "write", "administer"}),
        (["read", "write"], {"read", "write"}),
    ],
)
def test_scopes_include_those_below(scopes: list[str], allowed: set[str]) -> None:
    assert {str(action) for action in Action if token_may(ApiToken(scopes=scopes), action)} == allowed


class TestOverHttp:
    def test_a_bad_token_gets_a_challenge(self, web_role: None) -> None:
        for headers in ({"Authorization": "Token sym_no_good"}, {"Authorization": "Token"}, {}):
            refused = APIClient(headers=headers).get("/api/v1/users/me/")
            assert refused.status_code == 401
            assert refused["Content-Type"] == "application/problem+json"
            assert refused["WWW-Authenticate"].startswith("Token")

    def test_a_scheme_of_others_is_not_ours(self, alice: User, web_role: None) -> None:
        _, secret = services.create_token(actor=alice, name="x")
        assert client(secret, "Bearer").get("/api/v1/users/me/").status_code == 401
        assert client(secret, "token").get("/api/v1/users/me/").status_code == 200

    def test_scopes_hold(self, alice: User, web_role: None) -> None:
        _, secret = services.create_token(actor=alice, name="x", scopes=["read"])
        assert client(secret).get("/api/v1/organizations/").status_code == 200
        refused = client(secret).post("/api/v1/organizations/", {"name": "x"}, format="json")
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")

    def test_a_token_of_few_scopes_makes_none_of_more(self, alice: User, web_role: None) -> None:
        for scopes, status in ((["write"], 403), (["administer"], 201), ([], 201)):
            _, secret = services.create_token(actor=alice, name="x", scopes=scopes)
            assert client(secret).post("/api/v1/tokens/", {"name": "y"}, format="json").status_code == status

    def test_its_use_is_written_once_a_minute(self, alice: User, web_role: None) -> None:
        token, secret = services.create_token(actor=alice, name="x")

        def writes() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert client(secret).get("/api/v1/users/me/").status_code == 200
            return sum(query["sql"].startswith("UPDATE") for query in captured)

        assert [writes(), writes(), writes()] == [1, 0, 0]
        with acting_as(alice.pk):
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now() - timedelta(minutes=2))
        assert [writes(), writes()] == [1, 0]

    def test_is_cheap(self, alice: User, web_role: None) -> None:
        _, secret = services.create_token(actor=alice, name="x")
        client(secret).get("/api/v1/users/me/")
        with CaptureQueriesContext(connection) as captured:
            client(secret).get("/api/v1/users/me/")
        questions = [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        # Show the hash, find the token with its user, hide the hash, name the user: twice, for view and authenticator.
        assert len(questions) <= 5, questions


@pytest.mark.django_db(transaction=True)
def test_a_long_request_holds_up_no_other_with_its_token(alice: User, web_role: None) -> None:
    token, secret = services.create_token(actor=alice, name="x")

    def second() -> int:
        try:
            return client(secret).get("/api/v1/users/me/").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, acting_as(alice.pk):
        services.note_token_use(token=token)
        assert pool.submit(second).result(timeout=20) == 200
