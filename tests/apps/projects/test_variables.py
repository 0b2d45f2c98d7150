"""Variables of projects: what runs start with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core.tenancy import acting_as, working_for
from apps.projects import queries, services
from apps.projects.models import Project, Secret
from apps.projects.services import GivenVariable

from .conftest import as_worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("web_role")]
ApiOf = Callable[[User], APIClient]


@pytest.fixture
def ask(alice: User, project: Project, api_of: ApiOf) -> Callable[..., Any]:
    client = api_of(alice)

    def ask(method: str, name: str = "", body: Any = None, **more: Any) -> Any:
        address = f"/api/v1/projects/{project.pk}/variables/{name + '/' if name else ''}"
        # Escaped, so that anything can be sent.
        return getattr(client, method)(
            address, json.dumps(body) if body else None, content_type="application/json", **more
        )

    return ask


def test_stored_changed_and_deleted(ask: Callable[..., Any]) -> None:
    made = ask("put", "TEMPO", {"value": {"bpm": 120}, "description": "Beats a minute."})
    assert (made.status_code, made.json()["value"], made.json()["description"]) == (
        201,
        {"bpm": 120},
        "Beats a minute.",
    )
    tag = made.headers["ETag"]
    changed = ask("put", "TEMPO", {"value": None}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["value"], changed.json()["description"]) == (
        200,
        None,
        "Beats a minute.",
    )
    assert ask("put", "TEMPO", {"value": 1}, headers={"If-Match": tag}).status_code == 412
    assert ask("get", "TEMPO").json() == changed.json() == ask("get").json()["results"][0]
    assert ask("delete", "TEMPO").status_code == 204
    for method in ("get", "delete"):
        assert ask(method, "TEMPO").json()["code"] == "variable_not_found"
        assert ask(method, "%00").status_code == 404


def test_all_at_once_or_none(ask: Callable[..., Any], alice: User, project: Project) -> None:
    ask("put", "OLD", {"value": 1})
    ask("put", "KEPT", {"value": 2, "description": "Stays."})
    wrong = ask(
        "put", "", {"variables": [{"name": "NEW", "value": 1}, {"name": "9", "value": 1}, {"name": "NEW", "value": 2}]}
    )
    assert [(each["pointer"], each["code"]) for each in wrong.json()["errors"]] == [
        ("/variables/1/name", "invalid_name"),
        ("/variables/2/name", "twice"),
    ]
    assert {each["name"] for each in ask("get").json()["results"]} == {"OLD", "KEPT"}
    done = ask("put", "", {"variables": [{"name": "NEW", "value": [1]}, {"name": "KEPT", "value": 3}]})
    assert [(each["name"], each["value"], each["description"]) for each in done.json()["results"]] == [
        ("KEPT", 3, "Stays."),
        ("NEW", [1], ""),
    ]


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        ("9TEMPO", {"value": 1}, "?name"),
        ("tem-po", {"value": 1}, "?name"),
        ("té", {"value": 1}, "?name"),
        ("x" * 101, {"value": 1}, "?name"),
        ("%00", {"value": 1}, "?name"),
        ("TEMPO", {}, "/value"),
        ("TEMPO", {"value": "x" * 20_000}, ""),
        ("TEMPO", {"value": ["a\0"]}, "/value/0"),
        ("TEMPO", {"value": "\ud800"}, "/value"),
        ("TEMPO", {"value": 10**400}, "/value"),
        ("TEMPO", {"value": [[[[[[[[[1]]]]]]]]]}, "/value/0/0/0/0/0/0/0"),
        ("TEMPO", {"value": 1, "description": "x" * 2_001}, "/description"),
    ],
)
def test_what_cannot_be_kept(ask: Callable[..., Any], name: str, body: Any, pointer: str) -> None:
    answer = ask("put", name, body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.content
    assert ask("get").json()["results"] == []


def test_no_variable_is_named_like_a_secret_nor_a_secret_like_a_variable(
    ask: Callable[..., Any], alice: User, project: Project, store: Callable[..., Secret], api_of: ApiOf
) -> None:
    store("SHARED_KEY", "hush")
    store("OWN_KEY", "hush", project)
    for name in ("SHARED_KEY", "OWN_KEY"):
        assert ask("put", name, {"value": "hush"}).json()["errors"][0]["code"] == "is_a_secret"
    listed = ask("put", "", {"variables": [{"name": "FINE", "value": 1}, {"name": "OWN_KEY", "value": 1}]})
    assert listed.json()["errors"][0]["pointer"] == "/variables/1/name"
    ask("put", "TOKEN", {"value": "in plain sight"})
    for place in (f"projects/{project.pk}", f"organizations/{project.organization_id}"):
        answer = api_of(alice).put(f"/api/v1/{place}/secrets/TOKEN/", {"value": "hush"}, format="json")
        assert answer.json()["errors"][0]["code"] == "is_a_variable"


def test_there_are_bounds_on_all_of_them_together(ask: Callable[..., Any]) -> None:
    many = [{"name": f"V{number}", "value": 1} for number in range(200)]
    assert ask("put", "", {"variables": many}).status_code == 200
    assert ask("put", "ONE_MORE", {"value": 1}).json()["errors"][0]["code"] == "too_many"
    assert ask("put", "V7", {"value": 2}).status_code == 200
    assert ask("put", "", {"variables": [*many, {"name": "MORE", "value": 1}]}).status_code == 422
    large = [{"name": f"V{number}", "value": "x" * 16_000} for number in range(17)]
    assert ask("put", "", {"variables": large}).json()["errors"][0]["code"] == "too_large"


def test_what_a_run_starts_with(alice: User, project: Project) -> None:
    with acting_as(alice.pk):
        for name, value in {"TEMPO": 120, "who": "Clara", "greet": 1}.items():
            services.set_variable(actor=alice, project=project, given=GivenVariable(name, value))
        assert queries.variables_for_run(project.pk, hidden_by={"who", "greet", "other"}) == {"TEMPO": 120}
        assert queries.variables_for_run(None) == {}
    with as_worker(), working_for(project.organization_id):
        assert queries.variables_for_run(project.pk) == {"TEMPO": 120, "who": "Clara", "greet": 1}


def test_the_use_of_a_secret_is_written_down(
    alice: User, project: Project, store: Callable[..., Secret], reveal: Callable[..., str | None]
) -> None:
    secret = store("API_KEY", "hush", project)
    assert secret.last_used_at is None
    assert reveal("API_KEY", project) == "hush"
    with acting_as(alice.pk):
        secret.refresh_from_db()
        first = secret.last_used_at
    assert first is not None
    reveal("API_KEY", project)
    with acting_as(alice.pk):
        secret.refresh_from_db()
        # Not again within minutes: a run may ask for it a thousand times.
        assert secret.last_used_at == first
        assert secret.updated_at == secret.created_at
