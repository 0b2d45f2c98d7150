from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from apps.accounts import services
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.errors import IdempotencyInProgress
from apps.accounts.models import IdempotencyKey, Organization, User
from apps.accounts.services import idempotency
from apps.core.api.views import TenantAPIView
from apps.core.tenancy import acting_as, staff, sweeping

ADDRESS = "/api/v1/organizations/"
ApiOf = Callable[[User], APIClient]


def post(client: APIClient, key: str, name: str = "Band", **headers: str) -> Any:
    return client.post(ADDRESS, {"name": name}, format="json", headers={"Idempotency-Key": key, **headers})


def bands() -> int:
    with staff():
        return Organization.objects.filter(is_personal=False).count()


@pytest.mark.django_db
class TestOneAfterTheOther:
    @pytest.mark.parametrize("answer", [HttpResponse(status=503), StreamingHttpResponse([b"x"])], ids=["5xx", "stream"])
    def test_what_cannot_be_repeated_is_not_kept(self, alice: User, web_role: None, answer: Any) -> None:
        class View(IdempotentMixin, TenantAPIView):
            def post(self, request: Request) -> Any:
                return answer

        request = APIRequestFactory().post("/", {}, format="json", headers={"Idempotency-Key": "k"})
        force_authenticate(request, alice)
        assert View.as_view()(request) is answer
        with staff():
            assert not IdempotencyKey.objects.exists()

    def test_the_same_request_has_one_effect_and_one_answer(self, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        first, second = post(client, "k"), post(client, "k")
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert second["Content-Type"] == first["Content-Type"]
        assert "Idempotent-Replayed" not in first
        assert second["Idempotent-Replayed"] == "true"
        assert bands() == 1

    def test_without_a_key_each_counts(self, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        for _ in range(2):
            assert client.post(ADDRESS, {"name": "Band"}, format="json").status_code == 201
        assert bands() == 2

    def test_another_body_needs_another_key(self, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        post(client, "k")
        refused = post(client, "k", "Other")
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
        assert bands() == 1

    def test_keys_of_others_are_others(self, alice: User, bob: User, api_of: ApiOf) -> None:
        first, second = post(api_of(alice), "k"), post(api_of(bob), "k")
        assert first.json()["id"] != second.json()["id"]
        assert bands() == 2

    def test_what_failed_may_be_tried_again(self, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        assert post(client, "k", "").status_code == 422
        assert post(client, "k", "Band").status_code == 201
        assert bands() == 1

    @pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\tb"])
    def test_a_key_is_short_plain_text(self, alice: User, api_of: ApiOf, key: str) -> None:
        assert post(api_of(alice), key).status_code == 422
        assert bands() == 0

    def test_a_stranger_uses_up_no_key(self, web_role: None) -> None:
        assert post(APIClient(), "k").status_code == 401

    def test_a_get_takes_no_key(self, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        for _ in range(2):
            assert "Idempotent-Replayed" not in client.get(ADDRESS, headers={"Idempotency-Key": "k"})

    def test_a_form_by_session_is_read_once(self, alice: User, web_role: None) -> None:
        client = APIClient(enforce_csrf_checks=True)
        client.force_login(alice)
        form = client.post(ADDRESS, {"name": "Band"}, format="multipart", headers={"Idempotency-Key": "k"})
        assert (form.status_code, form.json()["code"]) == (403, "permission_denied")

    def test_tokens_are_not_replayed(self, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        made = [
            client.post("/api/v1/tokens/", {"name": "x"}, format="json", headers={"Idempotency-Key": "k"}).json()[
                "secret"
            ]
            for _ in range(2)
        ]
        assert made[0] != made[1]
        with staff():
            assert not IdempotencyKey.objects.exists()

    def test_the_sweep_forgets_what_is_old(self, alice: User, worker_role: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
        for key, age in (("old", timedelta(hours=49)), ("day", timedelta(hours=25))):
            with acting_as(alice.pk):
                services.begin_idempotent(actor=alice, key=key, fingerprint="x")
                IdempotencyKey.objects.filter(key=key).update(created_at=timezone.now() - age)
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE symphony_worker")
        assert services.forget_idempotency_keys() == 0
        with sweeping():
            assert services.forget_idempotency_keys() == 1
            assert [kept.key for kept in IdempotencyKey.objects.all()] == ["day"]

    def test_the_wait_leaves_the_time_limit_of_locks_as_it_was(self, alice: User) -> None:
        with acting_as(alice.pk), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '7s'")
            assert services.begin_idempotent(actor=alice, key="k", fingerprint="x") is None
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == ("7s",)


def in_thread(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connection.close()


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.02)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def test_duplicates_have_one_effect(self, alice: User, api_of: ApiOf) -> None:
        clients = [api_of(alice) for _ in range(4)]
        ready = threading.Barrier(len(clients))

        def send(client: APIClient) -> HttpResponse:
            ready.wait(timeout=20)
            return in_thread(lambda: post(client, "k"))

        with ThreadPoolExecutor(len(clients)) as pool:
            answers = list(pool.map(send, clients))
        assert [answer.status_code for answer in answers] == [201] * 4
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
        assert bands() == 1

    def test_the_second_waits_for_the_first(self, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        with ThreadPoolExecutor(1) as pool:
            with acting_as(alice.pk):
                assert services.begin_idempotent(actor=alice, key="k", fingerprint="not this one") is None
                second = pool.submit(in_thread, lambda: post(client, "k"))
                wait_until(somebody_waits)
                assert not second.done()
                transaction.set_rollback(True)
            assert second.result(timeout=20).status_code == 201
        assert bands() == 1

    def test_the_second_does_not_wait_for_ever(
        self, alice: User, api_of: ApiOf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(idempotency, "_IDEMPOTENCY_WAIT", "50ms")
        client = api_of(alice)
        with ThreadPoolExecutor(1) as pool, acting_as(alice.pk):
            services.begin_idempotent(actor=alice, key="k", fingerprint="x")
            refused = pool.submit(in_thread, lambda: post(client, "k")).result(timeout=20)
        assert (refused.status_code, refused.json()["code"]) == (409, IdempotencyInProgress.code)
        assert bands() == 0
