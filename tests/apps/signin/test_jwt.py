from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
import time_machine
from django.conf import settings
from django.core import mail as outbox
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import mail
from apps.accounts.events import password_changed
from apps.accounts.models import User
from apps.core.tenancy import acting_as, staff
from apps.signin.api.jwt import SessionAccessToken
from apps.signin.models import RefreshToken, SignInSession
from apps.signin.services import sessions
from tests.apps.signin.conftest import PASSWORD, bearer

pytestmark = pytest.mark.django_db

ME = "/api/v1/users/me/"
SignIn = Callable[..., dict[str, Any]]


def refresh(client: APIClient, secret: str) -> Any:
    return client.post("/api/v1/auth/jwt/refresh/", {"refresh": secret}, format="json")


class TestSigningIn:
    def test_opens_the_api(self, sign_in: SignIn, dora: User, traces: list[str]) -> None:
        signed_in = sign_in()
        assert (signed_in["token_type"], signed_in["expires_in"]) == ("Bearer", 600)
        assert bearer(signed_in["access"]).get(ME).json()["email"] == dora.email
        assert traces == ["sign_in.succeeded"]

    def test_is_refused_alike_whatever_was_wrong(self, dora: User, bob: User, anybody: APIClient) -> None:
        User.objects.filter(pk=bob.pk).update(is_active=False, password=dora.password)
        answers = [
            anybody.post("/api/v1/auth/jwt/", {"email": email, "password": password}, format="json")
            for email, password in (
                (dora.email, "wrong"),
                ("nobody@example.org", PASSWORD),
                (bob.email, PASSWORD),
                ("nobody@example.org\n", "x"),
                ("' OR 1=1 --", "x"),
            )
        ]
        assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
        assert answers[0].json()["code"] == "bad_credentials"
        assert answers[0]["Cache-Control"] == "no-store"

    def test_hashes_for_whom_it_does_not_know(self, dora: User, anybody: APIClient, monkeypatch: Any) -> None:
        from django.contrib.auth.hashers import MD5PasswordHasher  # noqa: PLC0415 - to count its calls

        hashed: list[str] = []
        encode = MD5PasswordHasher.encode
        monkeypatch.setattr(
            MD5PasswordHasher, "encode", lambda self, *a, **k: hashed.append("x") or encode(self, *a, **k)
        )
        counts = []
        for email in (dora.email, "nobody@example.org"):
            hashed.clear()
            anybody.post("/api/v1/auth/jwt/", {"email": email, "password": "wrong"}, format="json")
            counts.append(len(hashed))
        assert counts[0] == counts[1] == 1

    @pytest.mark.parametrize(
        "body", [{}, {"email": "x"}, {"email": "\0", "password": "x"}, {"email": [], "password": {}}]
    )
    def test_what_cannot_be_read_says_where(self, anybody: APIClient, body: Any) -> None:
        refused = anybody.post("/api/v1/auth/jwt/", body, format="json")
        assert refused.status_code == 422
        assert all(error["pointer"] in ("/email", "/password") for error in refused.json()["errors"])

    def test_a_stale_credential_is_no_obstacle(self, sign_in: SignIn, dora: User, web_role: None) -> None:
        body = {"email": dora.email, "password": PASSWORD}
        assert bearer("x.y.z").post("/api/v1/auth/jwt/", body, format="json").status_code == 200

    def test_unverified_people_may_be_kept_out(self, dora: User, anybody: APIClient, settings: Any) -> None:
        settings.SYMPHONY_VERIFIED_ONLY = True
        right = anybody.post("/api/v1/auth/jwt/", {"email": dora.email, "password": PASSWORD}, format="json")
        wrong = anybody.post("/api/v1/auth/jwt/", {"email": dora.email, "password": "wrong"}, format="json")
        assert (right.status_code, right.json()["code"]) == (403, "email_unverified")
        assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_credentials")

    def test_fewer_scopes_hold(self, sign_in: SignIn) -> None:
        reader = bearer(sign_in(scopes=["read"])["access"])
        assert reader.get("/api/v1/organizations/").status_code == 200
        assert reader.post("/api/v1/organizations/", {"name": "x"}, format="json").status_code == 403
        writer = bearer(sign_in(scopes=["write"])["access"])
        assert writer.post("/api/v1/tokens/", {"name": "x"}, format="json").status_code == 403
        assert writer.get("/api/v1/auth/sessions/").status_code == 403
        assert bearer(sign_in()["access"]).post("/api/v1/tokens/", {"name": "x"}, format="json").status_code == 201


def forged(claims: dict[str, Any], key: str = "", algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key or settings.SIMPLE_JWT["SIGNING_KEY"], algorithm=algorithm)


class TestAccessTokens:
    @pytest.fixture
    def claims(self, sign_in: SignIn) -> dict[str, Any]:
        payload: dict[str, Any] = SessionAccessToken(sign_in()["access"]).payload  # type: ignore[arg-type]
        return payload

    def test_the_real_one_is_made_like_this(self, claims: dict[str, Any]) -> None:
        assert bearer(forged(claims)).get(ME).status_code == 200

    @pytest.mark.parametrize(
        "change",
        [
            {"iss": "somebody"},
            {"aud": "another-api"},
            {"exp": 1},
            {"token_type": "refresh"},
            {"sid": str(uuid4())},
            {"sub": str(uuid4())},
            {"sid": "x"},
            {"sub": None},
            {"sid": {"a": 1}},
        ],
    )
    def test_forgeries_with_the_right_key(self, claims: dict[str, Any], change: dict[str, Any]) -> None:
        refused = bearer(forged({**claims, **change})).get(ME)
        assert (refused.status_code, refused["Content-Type"]) == (401, "application/problem+json")

    def test_forgeries_without_it(self, claims: dict[str, Any]) -> None:
        def part(value: Any) -> str:
            return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

        for token in (
            f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}.",
            f"{part({'alg': 'NONE'})}.{part(claims)}.{part('x')}",
            forged(claims, key=str(settings.SECRET_KEY)),
            forged(claims, key="x" * 64),
            forged(claims, algorithm="HS512"),
            forged(claims)[:-4] + "AAAA",
            "x.y.z",
            "...",
            "é.é.é",
            "x" * 100_000,
            "",
        ):
            assert bearer(token).get(ME).status_code == 401

    def test_expire(self, sign_in: SignIn) -> None:
        access = sign_in()["access"]
        with time_machine.travel(timezone.now() + timedelta(minutes=11)):
            assert bearer(access).get(ME).status_code == 401

    def test_end_with_their_session_at_once(self, sign_in: SignIn, anybody: APIClient) -> None:
        signed_in = sign_in()
        out = anybody.post("/api/v1/auth/jwt/revoke/", {"refresh": signed_in["refresh"]}, format="json")
        assert out.status_code == 204
        assert bearer(signed_in["access"]).get(ME).status_code == 401
        assert refresh(anybody, signed_in["refresh"]).status_code == 401
        again = anybody.post("/api/v1/auth/jwt/revoke/", {"refresh": signed_in["refresh"]}, format="json")
        unknown = anybody.post("/api/v1/auth/jwt/revoke/", {"refresh": "symr_x"}, format="json")
        assert (again.status_code, unknown.status_code) == (204, 204)

    def test_end_with_the_account(self, sign_in: SignIn, dora: User) -> None:
        signed_in = sign_in()
        User.objects.filter(pk=dora.pk).update(is_active=False)
        assert bearer(signed_in["access"]).get(ME).status_code == 401
        assert refresh(APIClient(), signed_in["refresh"]).status_code == 401

    def test_end_with_the_password(self, sign_in: SignIn, dora: User, anybody: APIClient) -> None:
        signed_in = sign_in()
        with acting_as(dora.pk):
            password_changed.send(sender=None, user=dora)
        assert bearer(signed_in["access"]).get(ME).status_code == 401
        assert refresh(anybody, signed_in["refresh"]).status_code == 401

    def test_are_cheap(self, sign_in: SignIn, django_assert_max_num_queries: Any) -> None:
        client = bearer(sign_in()["access"])
        with django_assert_max_num_queries(6):
            assert client.get(ME).status_code == 200


class TestRefreshing:
    def test_each_token_works_once(self, sign_in: SignIn, anybody: APIClient) -> None:
        first = sign_in()
        second = refresh(anybody, first["refresh"]).json()
        third = refresh(anybody, second["refresh"]).json()
        assert len({first["refresh"], second["refresh"], third["refresh"]}) == 3
        assert {each["session"] for each in (first, second, third)} == {first["session"]}
        assert bearer(third["access"]).get(ME).status_code == 200

    def test_one_used_long_ago_ends_the_session_and_tells_its_person(
        self,
        sign_in: SignIn,
        dora: User,
        anybody: APIClient,
        traces: list[str],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        first = sign_in()
        second = refresh(anybody, first["refresh"]).json()
        third = refresh(anybody, second["refresh"]).json()
        with django_capture_on_commit_callbacks(execute=True):
            reused = refresh(anybody, first["refresh"])
        assert (reused.status_code, reused.json()["code"]) == (401, "bad_refresh_token")
        assert refresh(anybody, third["refresh"]).status_code == 401
        assert bearer(third["access"]).get(ME).status_code == 401
        assert traces.count("session.reused") == 1
        assert mail.wait_until_sent()
        assert [letter.to for letter in outbox.outbox] == [[dora.email]]
        assert "change your password" in outbox.outbox[0].body

    def test_a_double_click_is_forgiven(self, sign_in: SignIn, anybody: APIClient) -> None:
        first = sign_in()
        both = [refresh(anybody, first["refresh"]).json() for _ in range(2)]
        assert refresh(anybody, both[1]["refresh"]).status_code == 200

    def test_but_only_one_of_its_answers_goes_on(self, sign_in: SignIn, anybody: APIClient) -> None:
        first = sign_in()
        mine, thiefs = (refresh(anybody, first["refresh"]).json() for _ in range(2))
        assert refresh(anybody, mine["refresh"]).status_code == 200
        with time_machine.travel(timezone.now() + sessions.GRACE + timedelta(seconds=1)):
            assert refresh(anybody, thiefs["refresh"]).status_code == 401
        assert bearer(mine["access"]).get(ME).status_code == 401

    def test_and_only_for_seconds(self, sign_in: SignIn, anybody: APIClient) -> None:
        first = sign_in()
        second = refresh(anybody, first["refresh"]).json()
        with time_machine.travel(timezone.now() + sessions.GRACE + timedelta(seconds=1)):
            assert refresh(anybody, first["refresh"]).status_code == 401
            assert refresh(anybody, second["refresh"]).status_code == 401

    def test_a_session_nobody_used_expires(self, sign_in: SignIn, anybody: APIClient, settings: Any) -> None:
        kept, left = sign_in(), sign_in()
        step = timedelta(days=settings.SYMPHONY_SESSION_DAYS - 1)
        with time_machine.travel(timezone.now() + step):
            kept = refresh(anybody, kept["refresh"]).json()
        with time_machine.travel(timezone.now() + 2 * step):
            assert refresh(anybody, left["refresh"]).status_code == 401
            assert refresh(anybody, kept["refresh"]).status_code == 200

    def test_no_session_lasts_for_ever(self, sign_in: SignIn, anybody: APIClient) -> None:
        signed_in = sign_in()
        secret, now = signed_in["refresh"], timezone.now()
        for day in range(20, 200, 20):
            with time_machine.travel(now + timedelta(days=day)):
                answer = refresh(anybody, secret)
                assert answer.status_code == (200 if day < 180 else 401), day
                secret = answer.json().get("refresh")

    @pytest.mark.parametrize("secret", ["x", "symr_", "symr_é", "symr_" + "x" * 190, "sym_x"])
    def test_what_is_no_token(self, anybody: APIClient, secret: str) -> None:
        refused = refresh(anybody, secret)
        assert (refused.status_code, refused.json()["code"]) == (401, "bad_refresh_token")

    def test_secrets_are_kept_as_hashes(self, sign_in: SignIn) -> None:
        signed_in = sign_in()
        with staff(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT t::text FROM signin_refreshtoken t UNION ALL SELECT s::text FROM signin_signinsession s"
            )
            kept = str(cursor.fetchall())
        assert signed_in["refresh"].removeprefix("symr_") not in kept
        assert signed_in["access"] not in kept


def test_strangers_see_nothing_of_it(sign_in: SignIn, bob: User) -> None:
    sign_in()
    for who in (bob.pk, uuid4()):
        with acting_as(who):
            assert not SignInSession.objects.exists()
            assert not RefreshToken.objects.exists()
            assert SignInSession.objects.all().delete()[0] == 0
