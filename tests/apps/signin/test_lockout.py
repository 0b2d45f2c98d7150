from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as CacheGoneError
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core import attempts
from apps.core.attempts import Guarded, Limit, TooManyAttempts
from apps.core.origin import Origin, coming_from
from apps.signin.errors import BadCredentials
from apps.signin.services import passwords
from tests.apps.signin.conftest import PASSWORD

FEW = Limit("test", free=3, pause=60, longest=200)


def allowed(tries: int, guarded: list[Guarded]) -> int:
    made = 0
    for _ in range(tries):
        try:
            attempts.take(guarded)
            made += 1
        except TooManyAttempts:
            pass
    return made


class TestCounting:
    """On the cache that is there; most of it without a database."""

    def test_the_first_are_free_and_then_comes_a_pause(self) -> None:
        door = [Guarded(FEW, "x")]
        assert [attempts.take(door) for _ in range(3)] == [False, False, True]
        with pytest.raises(TooManyAttempts, match="try again in 1 minute") as refused:
            attempts.take(door)
        assert 55 <= refused.value.extra["retry_after"] <= 60
        assert allowed(5, [Guarded(FEW, "y")]) == 3

    def test_pauses_double_to_a_longest(self) -> None:
        assert [FEW.pause_after(tries) for tries in (3, 4, 5, 6, 10_000)] == [60, 120, 200, 200, 200]

    def test_whoever_gets_in_is_forgiven(self) -> None:
        door = [Guarded(FEW, "x")]
        assert allowed(10, door) == 3
        attempts.forgive(door)
        assert allowed(10, door) == 3

    def test_what_is_given_back_was_not_made(self) -> None:
        door = [Guarded(FEW, "x")]
        for _ in range(10):
            attempts.take(door)
            attempts.give_back(door)
        assert allowed(10, door) == 3

    def test_many_at_once_get_no_more(self) -> None:
        door = [Guarded(FEW, "x")]
        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(lambda _: allowed(5, door), range(8))) == 3

    def test_without_a_cache_this_process_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def gone(*_: Any, **__: Any) -> None:
            raise CacheGoneError("gone")

        for name in ("add", "incr", "decr", "get", "touch", "delete_many"):
            monkeypatch.setattr(cache, name, gone)
        assert isinstance(attempts._own, BaseCache)
        assert allowed(10, [Guarded(FEW, "x")]) == 3

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("", ""),
            ("nonsense", "nonsense"),
        ],
    )
    def test_a_site_is_counted_as_one(self, address: str, network: str) -> None:
        assert attempts.network_of(address) == network

    def test_what_is_typed_is_not_kept(self) -> None:
        key = Guarded(FEW, "somebody@example.org\udcff\0" * 1000).key("count")
        assert len(key) < 100
        assert "somebody" not in key


@pytest.mark.django_db
class TestSigningIn:
    def attempt(self, email: str, password: str = "wrong") -> Any:
        return APIClient().post("/api/v1/auth/jwt/", {"email": email, "password": password}, format="json")

    def test_guesses_shut_the_door_for_a_while(self, dora: User, web_role: None, traces: list[str]) -> None:
        assert [self.attempt(dora.email).status_code for _ in range(7)] == [401] * 5 + [429] * 2
        right = self.attempt(dora.email, PASSWORD)
        assert (right.status_code, right.json()["code"]) == (429, "too_many_attempts")
        assert 1 <= int(right["Retry-After"]) <= 30
        assert (traces.count("sign_in.failed"), traces.count("sign_in.locked")) == (5, 1)

    def test_also_for_whom_nobody_knows(self, web_role: None) -> None:
        assert [self.attempt("nobody@example.org").status_code for _ in range(7)] == [401] * 5 + [429] * 2

    def test_success_forgives(self, dora: User, web_role: None) -> None:
        for _ in range(3):
            assert [self.attempt(dora.email).status_code for _ in range(4)] == [401] * 4
            assert self.attempt(dora.email, PASSWORD).status_code == 200

    def test_a_stranger_elsewhere_does_not_lock_the_owner_out(self, dora: User, db: None) -> None:
        with coming_from(Origin(address="198.51.100.1")):
            for _ in range(20):
                with pytest.raises((BadCredentials, TooManyAttempts)):
                    passwords.verify_password(email=dora.email, password="wrong", road="test")
        with coming_from(Origin(address="192.0.2.1")):
            assert passwords.verify_password(email=dora.email, password=PASSWORD, road="test") == dora

    def test_many_strangers_do_not_guess_as_one(self, dora: User, db: None) -> None:
        tried = 0
        for index in range(60):
            with coming_from(Origin(address=f"198.51.100.{index}")):
                try:
                    passwords.verify_password(email=dora.email, password="wrong", road="test")
                except BadCredentials:
                    tried += 1
                except TooManyAttempts:
                    continue
        assert tried == passwords.TO_ONE_ACCOUNT.free

    def test_one_stranger_does_not_try_everybody(self, db: None) -> None:
        tried = 0
        with coming_from(Origin(address="198.51.100.1")):
            for index in range(80):
                try:
                    passwords.verify_password(email=f"somebody{index}@example.org", password="1234", road="test")
                except BadCredentials:
                    tried += 1
                except TooManyAttempts:
                    continue
        assert tried == passwords.FROM_ONE_ADDRESS.free

    @pytest.mark.parametrize("page", ["/login/", "/admin/login/?next=/admin/"])
    def test_pages_count_too(self, dora: User, web_role: None, page: str) -> None:
        client = Client()
        for _ in range(5):
            client.post(page, {"username": dora.email, "password": "wrong"}, follow=True)
        if page != "/login/":
            # It has no form of its own: nothing posted to it is looked at.
            assert client.post("/login/", {"username": dora.email, "password": PASSWORD}).status_code == 302
            return
        refused = client.post(page, {"username": dora.email, "password": PASSWORD})
        assert refused.status_code == 200
        assert "too many attempts" in refused.content.decode()
        assert self.attempt(dora.email, PASSWORD).status_code == 429

    def test_whatever_calls_authenticate_counts(self, dora: User, web_role: None) -> None:
        for _ in range(5):
            assert authenticate(username=dora.email, password="wrong") is None
        assert authenticate(username=dora.email, password=PASSWORD) is None
        assert authenticate(None, email="x\0", password="x") is None
        with time_machine.travel(timezone.now() + timedelta(hours=2), tick=True):
            cache.clear()
            assert authenticate(username=dora.email, password=PASSWORD) == dora
