"""Requests per minute, on the real cache server."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import uuid4

import pytest
import redis
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.models import Organization, User
from apps.billing import rates
from apps.billing.api import throttling
from apps.billing.rates import Bucket, RateLimiter, limiter
from apps.core.tenancy import staff
from symphony.embedded.home import free_port
from tests.conftest import Servers

POLICY = re.compile(r'"\w+";q=\d+;w=60(, "\w+";q=\d+;w=60)*')
LIMIT = re.compile(r'"(\w+)";r=(\d+);t=(\d+)')


@pytest.fixture
def server(servers: Servers, db: None) -> RateLimiter:
    found = limiter()
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def afresh(servers: Servers, db: None) -> Iterator[None]:
    """No request of another test counts."""
    client = redis.Redis.from_url(servers.cache_url)
    for key in client.scan_iter("symphony:rate:*"):
        client.delete(key)
    throttling._known.forget()
    yield
    throttling._known.forget()


def bucket(limit: int, name: str = "credential") -> Bucket:
    return Bucket(name, str(uuid4()), limit)


class TestBuckets:
    def test_as_many_as_the_limit_and_then_a_wait(self, server: RateLimiter) -> None:
        own = bucket(5)
        taken = [server.take([own]) for _ in range(6)]
        assert all(each is not None for each in taken)
        assert [each.allowed for each in taken if each] == [True] * 5 + [False]
        assert [each.levels[0].left for each in taken if each] == [4, 3, 2, 1, 0, 0]
        last = taken[-1]
        assert last is not None
        # One comes back each twelve seconds.
        assert 11 < last.wait <= 12
        assert 59 < last.levels[0].full <= 60

    def test_all_buckets_or_none(self, server: RateLimiter) -> None:
        wide, narrow = bucket(10), bucket(1, "person")
        assert server.take([wide, narrow])
        refused = server.take([wide, narrow])
        assert refused is not None
        assert (refused.allowed, [each.left for each in refused.levels]) == (False, [9, 0])

    def test_it_fills_evenly(self, server: RateLimiter) -> None:
        own = bucket(60_000)
        first = server.take([own])
        assert first is not None
        # A thousand come back each second: by the next round trip the bucket is about full again.
        for before, after in pairwise([first, *(server.take([own]) for _ in range(20))]):
            assert before is not None
            assert after is not None
            assert after.levels[0].left >= before.levels[0].left - 1
            assert after.levels[0].left <= 60_000 - 1

    def test_nobody_gets_more_however_many_ask(self, server: RateLimiter) -> None:
        own = bucket(40)

        def ask(_: int) -> int:
            return sum(bool((taken := server.take([own])) and taken.allowed) for _ in range(10))

        with ThreadPoolExecutor(16) as pool:
            allowed = sum(pool.map(ask, range(16)))
        # One may have come back since the first, not two.
        assert 40 <= allowed <= 41

    def test_a_server_that_is_down_lets_everybody_pass_and_is_told_once(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rates, "REST", 0.0)
        gone = RateLimiter(f"redis://127.0.0.1:{free_port()}/0")
        with caplog.at_level(logging.WARNING, logger="apps.billing.rates"):
            assert [gone.take([bucket(1)]) for _ in range(3)] == [None] * 3
        assert [record.getMessage() for record in caplog.records] == [
            "requests are not limited: the cache server does not answer (ConnectionError)"
        ]

    def test_it_is_not_asked_again_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = RateLimiter(f"redis://127.0.0.1:{free_port()}/0")
        assert gone.take([bucket(1)]) is None
        monkeypatch.setattr(gone, "_script", None)
        assert gone.take([bucket(1)]) is None

    def test_one_round_trip(self, server: RateLimiter, servers: Servers) -> None:
        server.take([bucket(5)])
        client = redis.Redis.from_url(servers.cache_url)
        before = client.info("commandstats")
        server.take([bucket(5), bucket(6, "person")])
        after = client.info("commandstats")
        calls = {
            name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"]
            for name in ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_script|load")
            if name in after
        }
        assert calls == {"cmdstat_evalsha": 1} | {name: 0 for name in calls if name != "cmdstat_evalsha"}


class TestAnswers:
    def test_every_answer_tells_where_the_client_stands(self, api_of: Callable[[User], APIClient], alice: User) -> None:
        client = api_of(alice)
        for address, status in (("/api/v1/users/me/", 200), (f"/api/v1/organizations/{uuid4()}/usage/", 404)):
            answer = client.get(address)
            assert answer.status_code == status
            assert POLICY.fullmatch(answer.headers["RateLimit-Policy"])
            assert [name for name, _, _ in LIMIT.findall(answer.headers["RateLimit"])] == ["credential", "person"]

    def test_beyond_the_limit_there_is_a_problem_and_a_time(
        self, api_of: Callable[[User], APIClient], alice: User, settings: Settings
    ) -> None:
        settings.SYMPHONY_RATE_LIMITS = 2 / 60_000
        client = api_of(alice)
        answers = [client.get("/api/v1/users/me/") for _ in range(3)]
        assert [each.status_code for each in answers] == [200, 200, 429]
        last = answers[-1]
        assert (last["Content-Type"], last.json()["code"]) == ("application/problem+json", "throttled")
        assert 1 <= int(last.headers["Retry-After"]) <= 30
        (_, left, wait), _ = LIMIT.findall(last.headers["RateLimit"])
        assert (left, wait) == ("0", last.headers["Retry-After"])

    def test_more_keys_do_not_mean_more_requests(
        self, api_of: Callable[[User], APIClient], alice: User, settings: Settings
    ) -> None:
        settings.SYMPHONY_RATE_LIMITS = 2 / 60_000
        answers = [api_of(alice).get("/api/v1/users/me/").status_code for _ in range(6)]
        assert answers == [200] * 4 + [429] * 2

    def test_people_do_not_disturb_each_other(
        self, api_of: Callable[[User], APIClient], alice: User, bob: User, settings: Settings
    ) -> None:
        settings.SYMPHONY_RATE_LIMITS = 1 / 60_000
        assert [api_of(alice).get("/api/v1/users/me/").status_code for _ in range(3)][-1] == 429
        assert api_of(bob).get("/api/v1/users/me/").status_code == 200

    def test_the_tier_counts(self, api_of: Callable[[User], APIClient], alice: User, settings: Settings) -> None:
        settings.SYMPHONY_DEFAULT_TIER = "basic"
        with staff():
            Organization.objects.update(subscription_tier="free")
        answer = api_of(alice).get("/api/v1/users/me/")
        assert answer.headers["RateLimit-Policy"] == '"credential";q=1200;w=60, "person";q=2400;w=60'

    def test_guessing_at_credentials_is_limited_by_address(self, web_role: None, settings: Settings) -> None:
        settings.SYMPHONY_RATE_LIMITS = 2 / throttling.ANONYMOUS_PER_MINUTE
        client = APIClient(headers={"Authorization": "Token sym_guess"})
        answers = [client.get("/api/v1/users/me/") for _ in range(3)]
        assert [each.status_code for each in answers] == [401, 401, 429]
        assert answers[0].headers["RateLimit-Policy"] == '"address";q=2;w=60'

    def test_the_tier_is_not_looked_up_for_every_request(
        self,
        api_of: Callable[[User], APIClient],
        alice: User,
        django_assert_num_queries: Callable[..., object],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        client = api_of(alice)
        client.get("/api/v1/users/me/")

        def never(*_: object) -> int:
            raise AssertionError

        monkeypatch.setattr(throttling, "_limit_of", never)
        assert client.get("/api/v1/users/me/").status_code == 200

    def test_off_is_off(self, api_of: Callable[[User], APIClient], alice: User, settings: Settings) -> None:
        settings.SYMPHONY_RATE_LIMITS = 0.0
        answer = api_of(alice).get("/api/v1/users/me/")
        assert "RateLimit" not in answer.headers

    def test_a_household_of_ipv6_is_one(self, web_role: None, settings: Settings) -> None:
        settings.SYMPHONY_RATE_LIMITS = 1 / throttling.ANONYMOUS_PER_MINUTE
        statuses = [
            APIClient(REMOTE_ADDR=address).get("/api/v1/plans/").status_code
            for address in ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1")
        ]
        assert statuses == [200, 429, 200]
