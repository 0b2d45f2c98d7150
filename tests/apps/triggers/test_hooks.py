"""Webhooks: what is signed comes in once, what is not tells nobody anything."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core.tenancy import acting_as, staff
from apps.executions.models import Execution
from apps.projects.services import rotate_secrets
from apps.triggers import services, signing
from apps.triggers.models import HookSecret, Trigger
from tests.apps.triggers.conftest import MakeTrigger, Sweep, everything

ApiOf = Callable[[User], APIClient]


class Hook:
    """A webhook, and somebody who sends to it."""

    def __init__(self, trigger: Trigger, secret: str) -> None:
        self.trigger = trigger
        self.secret = secret
        self.url = f"/api/v1/hooks/{trigger.public_id}/"

    def send(self, body: Any = None, *, url: str = "", **changed: Any) -> Any:
        raw = changed.pop("raw", None) or json.dumps(body).encode()
        name, at = changed.pop("id", str(uuid4())), changed.pop("at", int(time.time()))
        signature = changed.pop("signature", signing.sign(changed.pop("secret", self.secret), name, at, raw))
        headers = {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": signature, **changed}
        return APIClient().post(
            url or self.url,
            raw,
            content_type="application/json",
            headers={key: value for key, value in headers.items() if value is not None},
        )


@pytest.fixture
def hook(make_trigger: MakeTrigger, alice: User, web_role: None, sealed: None) -> Hook:
    trigger = make_trigger("webhook", mapping={"id": "{{payload.id}}", "event": "{{headers['x-event']}}"})
    with acting_as(alice.pk):
        _, secret = services.rotate_secret(actor=alice, trigger=trigger)
    return Hook(trigger, secret)


@pytest.fixture
def sealed(settings: Any) -> None:
    settings.SYMPHONY_SECRET_KEYS = [Fernet.generate_key().decode()]


def test_a_signed_delivery_starts_a_run(hook: Hook, sweep: Sweep) -> None:
    answer = hook.send({"id": 7}, **{"x-event": "paid", "x-api-key": "s3cret"})
    assert answer.status_code == 202, answer.content
    (firing,) = sweep()
    assert (str(firing.pk), firing.state) == (answer.json()["firing"], "started")
    with staff():
        assert Execution.objects.get().input == {"id": 7, "event": "paid"}
    assert "s3cret" not in json.dumps(firing.payload)


def test_the_same_delivery_starts_nothing_again(hook: Hook, sweep: Sweep) -> None:
    answers = [hook.send({"id": 7}, id="msg_1") for _ in range(2)]
    assert [answer.json()["duplicate"] for answer in answers] == [False, True]
    assert len({answer.json()["firing"] for answer in answers}) == 1
    assert len(sweep()) == 1


CHANGED: tuple[dict[str, Any], ...] = (
    {"signature": "v1,bm9uZQ=="},
    {"signature": ""},
    {"signature": None},
    {"id": "with space"},
    {"id": ""},
    {"id": "msg.1"},
    {"at": 0},
    {"webhook-timestamp": "now"},
    {"webhook-timestamp": "9" * 50},
    {"webhook-id": "another"},
    {"secret": signing.new_secret()},
)


def test_what_is_not_signed_is_not_there(hook: Hook) -> None:
    for change in CHANGED:
        answer = hook.send({"id": 7}, **change)
        stranger = hook.send({"id": 7}, url=f"/api/v1/hooks/{'x' * 32}/", **change)
        assert answer.status_code == stranger.status_code == 404, change
        assert answer.json() == stranger.json()
    assert everything() == []


def test_what_looks_like_a_secret_in_the_address_is_not_kept(hook: Hook) -> None:
    answer = hook.send(1, url=f"{hook.url}?token=s3cret&api_key=s3cret&page=2")
    assert answer.status_code == 202
    (firing,) = everything()
    assert firing.payload["query"] == {"page": "2"}


@pytest.mark.parametrize("raw", [b'"\\u0000"', b'"\\ud800"', b"1e400", b"[" * 5000, b"NaN", b"\xff", b"9" * 5000])
def test_a_signed_body_that_cannot_be_kept_is_refused(hook: Hook, raw: bytes) -> None:
    assert 400 <= hook.send(raw=raw).status_code < 500
    assert everything() == []


def test_too_old_and_too_new_is_not_there(hook: Hook, settings: Any) -> None:
    tolerance = settings.SYMPHONY_HOOK_TOLERANCE_SECONDS
    now = int(time.time())
    found = [hook.send(1, at=now + shift).status_code for shift in (-tolerance - 5, 5 - tolerance, tolerance + 30)]
    assert found == [404, 202, 404]


def test_a_hook_without_a_secret_takes_nothing(make_trigger: MakeTrigger, web_role: None, sealed: None) -> None:
    hook = Hook(make_trigger("webhook"), signing.new_secret())
    assert hook.send(1).status_code == 404


def test_a_rotated_secret_is_good_for_a_while(hook: Hook, api_of: ApiOf, alice: User) -> None:
    url = f"/api/v1/triggers/{hook.trigger.pk}/rotate-secret/"
    answer = api_of(alice).post(url, {"overlap_seconds": 60}, format="json")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    new = answer.json()["secret"]
    assert [hook.send(1, secret=secret).status_code for secret in (hook.secret, new)] == [202, 202]
    both = f"{signing.sign(hook.secret, 'm', int(time.time()), b'1')} v1,bm9uZQ=="
    assert hook.send(raw=b"1", id="m", signature=both).status_code == 202
    with staff():
        HookSecret.objects.filter(expires_at__isnull=False).update(expires_at=answer.json()["created_at"])
    assert [hook.send(1, secret=secret).status_code for secret in (hook.secret, new)] == [404, 202]
    api_of(alice).post(url, {"overlap_seconds": 0}, format="json")
    assert hook.send(1, secret=new).status_code == 404


def test_secrets_are_sealed_and_shown_nowhere(hook: Hook, api_of: ApiOf, alice: User) -> None:
    with staff():
        row = HookSecret.objects.get()
    assert hook.secret not in row.ciphertext
    shown = api_of(alice).get(f"/api/v1/triggers/{hook.trigger.pk}/").content.decode()
    assert hook.secret not in shown
    assert row.ciphertext not in shown


def test_a_secret_of_another_hook_does_not_open_here(hook: Hook) -> None:
    with staff():
        copied = HookSecret.objects.get()
        copied.pk = uuid4()
        HookSecret.objects.all().delete()
        copied.save(force_insert=True)
    assert hook.send(1).status_code == 404


USELESS = (b"{", b"NaN", b"[" * 5000 + b"]" * 5000, b'"\\u0000"', b'"\\ud800"', b"\xff")


def test_a_body_that_cannot_be_used_is_refused(hook: Hook) -> None:
    for raw in USELESS:
        answer = hook.send(raw=raw)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), raw
    assert hook.send(raw=b"1" * 300_000).json()["code"] == "too_large"
    assert everything() == []


def test_any_number_is_only_a_number(hook: Hook) -> None:
    assert hook.send(raw=b'{"n": 1' + b"0" * 400 + b"}").status_code in (202, 422)
    assert hook.send(raw=b"").status_code in (202, 404)


def test_a_paused_one_says_so_to_its_sender_only(hook: Hook, alice: User) -> None:
    with acting_as(alice.pk):
        services.pause_trigger(actor=alice, trigger=hook.trigger)
    assert hook.send(1).json()["code"] == "trigger_not_active"
    assert hook.send(1, signature="v1,bm9uZQ==").status_code == 404


def test_too_many_have_to_wait(hook: Hook, settings: Any) -> None:
    settings.SYMPHONY_HOOK_PER_MINUTE = 2
    answers = [hook.send(1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[2]["Retry-After"]) > 0


def test_keys_are_rotated_for_hooks_too(hook: Hook, settings: Any) -> None:
    settings.SYMPHONY_SECRET_KEYS = [Fernet.generate_key().decode(), *settings.SYMPHONY_SECRET_KEYS]
    assert rotate_secrets().rotated == 1
    settings.SYMPHONY_SECRET_KEYS = settings.SYMPHONY_SECRET_KEYS[:1]
    assert hook.send(1).status_code == 202


def test_a_secret_is_for_webhooks_only(make_trigger: MakeTrigger, api_of: ApiOf, alice: User) -> None:
    answer = api_of(alice).post(f"/api/v1/triggers/{make_trigger('manual').pk}/rotate-secret/", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_kind")


def test_a_day_is_the_overlap_unless_something_else_is_said(hook: Hook, api_of: ApiOf, alice: User) -> None:
    api_of(alice).post(f"/api/v1/triggers/{hook.trigger.pk}/rotate-secret/", {}, format="json")
    with staff():
        new, old = HookSecret.objects.order_by("-id")
    assert new.expires_at is None
    assert old.expires_at is not None
    assert abs(old.expires_at - new.created_at - timedelta(days=1)) < timedelta(minutes=1)
