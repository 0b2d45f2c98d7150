"""What the database cannot hold is refused where it comes in, with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core.tenancy import staff
from apps.melodies.models import Melody
from apps.triggers.models import NamedEvent, Trigger
from tests.apps.executions.test_api_bodies import UNSTORABLE
from tests.apps.triggers.conftest import MakeTrigger, everything
from tests.apps.triggers.test_hooks import Hook, hook, sealed  # noqa: F401 - fixtures

API = "/api/v1/"
ApiOf = Callable[[User], APIClient]
TEXTS = [(value, pointer) for value, pointer, code in UNSTORABLE if code == "invalid_text"]


def send(client: APIClient, address: str, body: str, method: str = "post") -> Any:
    answer = getattr(client, method)(f"{API}{address}/", body, content_type="application/json")
    return answer.status_code, [(error["code"], error["pointer"]) for error in answer.json()["errors"]]


@pytest.mark.parametrize(("value", "pointer", "code"), UNSTORABLE)
def test_in_what_a_trigger_gives_its_runs(
    api_of: ApiOf, alice: User, melody: Melody, make_trigger: MakeTrigger, value: str, pointer: str, code: str
) -> None:
    client, trigger = api_of(alice), make_trigger("manual")
    for field in ("input", "mapping"):
        refused = (422, [(code, f"/{field}{pointer}")])
        body = f'{{"kind": "manual", "name": "new", "{field}": {value}}}'
        assert send(client, f"melodies/{melody.pk}/triggers", body) == refused
        assert send(client, f"triggers/{trigger.pk}", f'{{"{field}": {value}}}', "patch") == refused
    assert send(client, f"triggers/{trigger.pk}/fire", f'{{"input": {value}}}') == (422, [(code, f"/input{pointer}")])
    with staff():
        assert Trigger.objects.count() == 1
    assert everything() == []


@pytest.mark.parametrize(("value", "pointer"), TEXTS)
def test_in_what_occasions_tell(
    api_of: ApiOf, alice: User, make_trigger: MakeTrigger, value: str, pointer: str
) -> None:
    client, refused = api_of(alice), (422, [("invalid_text", f"/payload{pointer}")])
    assert send(client, "events", f'{{"name": "paid", "payload": {value}}}') == refused
    assert send(client, f"triggers/{make_trigger('manual').pk}/fire", f'{{"payload": {value}}}') == refused
    with staff():
        assert not NamedEvent.objects.exists()
    assert everything() == []


@pytest.mark.parametrize(("value", "pointer", "code"), UNSTORABLE)
def test_in_signed_deliveries(hook: Hook, value: str, pointer: str, code: str) -> None:  # noqa: F811 - a fixture
    answer = hook.send(raw=value.encode())
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"], error["pointer"]) == (422, code, pointer)
    asked = hook.send(1, url=f"{hook.url}?page=%00")
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/page")
    assert everything() == []
