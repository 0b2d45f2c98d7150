"""Who may use which address of runs, and of the melodies they are of. Every route of executions is here; a test says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import URLPattern
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as
from apps.executions import services
from apps.executions.api.urls import urlpatterns as of_executions

pytestmark = pytest.mark.django_db

YAML = "application/yaml"
JSON = "application/json"
DOCUMENT = "workflow: {name: changed, steps: [{name: a, type: test_echo}]}"
COLLECTIONS = ("executions/", "executions/bulk/", "approvals/", "agents/{agent}/executions/", "workers/")

READS = [
    "melodies/{melody}/",
    "melodies/{melody}/export/",
    "melodies/{melody}/graph/",
    "melodies/{melody}/versions/",
    "melodies/{melody}/versions/1/",
    "melodies/{melody}/executions/",
    "melodies/{melody}/statistics/",
    "executions/{execution}/",
    "executions/{execution}/tasks/",
    "executions/{execution}/events/",
    "executions/{execution}/artifacts/",
    "executions/{execution}/graph/",
    "executions/{execution}/signals/",
    "executions/{execution}/spending/",
    "executions/{execution}/explain/",
    "organizations/{organization}/pools/",
    "organizations/{organization}/storage/",
    "pools/{pool}/",
    "tasks/{task}/",
    "tasks/{task}/explain/",
    "tasks/{task}/decisions/",
    "artifacts/{artifact}/",
    "artifacts/{artifact}/content",
    "artifacts/{artifact}/lineage/",
    "artifacts/{artifact}/provenance/",
]
WRITES = [
    ("patch", "melodies/{melody}/", '{"path": "changed.yaml"}', JSON),
    ("put", "melodies/{melody}/graph/", '{"steps": []}', JSON),
    ("post", "melodies/{melody}/graph/import/", "", JSON),
    ("post", "melodies/{melody}/graph/publish/", "", JSON),
    ("put", "melodies/{melody}/document/", DOCUMENT, YAML),
    ("post", "melodies/{melody}/versions/", DOCUMENT, YAML),
    ("post", "melodies/{melody}/executions/", "{}", JSON),
    ("post", "executions/{execution}/signals/", '{"name": "applause"}', JSON),
    ("post", "tasks/{task}/decision/", '{"decision": "approve"}', JSON),
    ("post", "executions/{execution}/pause/", "{}", JSON),
    ("post", "executions/{execution}/resume/", "{}", JSON),
    ("post", "executions/{execution}/cancel/", "{}", JSON),
    ("post", "executions/{execution}/retry/", "{}", JSON),
    ("post", "executions/{execution}/rerun/", '{"mode": "failed"}', JSON),
    ("post", "executions/{execution}/priority/", '{"priority": 1}', JSON),
    ("post", "tasks/{task}/skip/", "{}", JSON),
    ("post", "tasks/{task}/result/", '{"output": 1}', JSON),
    ("patch", "pools/{pool}/", '{"slots": 2}', JSON),
    ("delete", "pools/{pool}/", "", JSON),
]
STREAM = "executions/{execution}/stream"
"""Tried in test_api_stream: it is asynchronous."""


@pytest.fixture
def ids(alice: User, orchestra: Organization, start: Callable[..., Any]) -> dict[str, str]:
    """Everything there can be an address of, in Alice's orchestra. The run goes on."""
    player = start(alice, organization=orchestra)
    (first,) = player.task_ids("dispatched")
    artifact = player.artifact("notes.txt", b"A B C", "text/plain")
    player.finish(player.claim(first), artifacts=[artifact])
    run = player.execution
    with acting_as(alice.pk):
        pool = services.create_pool(actor=alice, organization=orchestra, kind="key", name="press", slots=1)
    return {
        "melody": str(run.melody_id),
        "execution": str(run.pk),
        "task": str(first),
        "artifact": artifact["id"],
        "organization": str(orchestra.pk),
        "pool": str(pool.pk),
    }


def call(client: APIClient, method: str, address: str, body: str | None = None, kind: str | None = None) -> Any:
    return getattr(client, method)(f"/api/v1/{address}", body, content_type=kind)


def test_the_table_is_complete() -> None:
    def shape(address: str) -> str:
        return "/".join(
            "*" if part[:1] in ("<", "{") or part == "1" else part for part in address.strip("/").split("/")
        )

    routes: list[URLPattern] = [*of_executions]
    known = {*COLLECTIONS, *READS, STREAM, *(address for _, address, _, _ in WRITES)}
    assert {shape(str(route.pattern)) for route in routes} <= {shape(address) for address in known}


def test_a_member_may_read_all_of_it(alice: User, ids: dict[str, str], api_of: Callable[[User], APIClient]) -> None:
    client = api_of(alice)
    for address in READS:
        assert call(client, "get", address.format(**ids)).status_code == 200, address


def test_to_a_stranger_nothing_is_there(bob: User, ids: dict[str, str], api_of: Callable[[User], APIClient]) -> None:
    client = api_of(bob)
    calls = [*(("get", address, None, None) for address in READS), *WRITES]
    for method, address, body, kind in calls:
        response = call(client, method, address.format(**ids), body, kind)
        assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json"), address
        assert "notes" not in response.content.decode()
    for collection in ("melodies/", "executions/", "approvals/"):
        assert call(client, "get", collection).json() == {"results": [], "next": None}


def test_a_viewer_reads_and_changes_nothing(
    alice: User, carol: User, orchestra: Organization, ids: dict[str, str], api_of: Callable[[User], APIClient]
) -> None:
    accounts.add_member(actor=alice, organization=orchestra, user=carol, role="viewer")
    client = api_of(carol)
    for address in READS:
        assert call(client, "get", address.format(**ids)).status_code == 200, address
    for method, address, body, kind in WRITES:
        response = call(client, method, address.format(**ids), body, kind)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden"), address
    created = call(client, "post", f"melodies/?organization={orchestra.slug}", DOCUMENT, YAML)
    assert created.status_code == 403


def test_nobody_gets_anything(ids: dict[str, str], web_role: None) -> None:
    reads = [("get", address, None, None) for address in (*READS, "melodies/", "executions/", "approvals/")]
    writes = [*WRITES, ("post", "melodies/", DOCUMENT, YAML), ("post", "melodies/validate/", DOCUMENT, YAML)]
    for client in (APIClient(), APIClient(headers={"Authorization": "Token sym_wrong"})):
        for method, address, body, kind in [*reads, *writes]:
            response = call(client, method, address.format(**ids), body, kind)
            assert (response.status_code, response.headers["Content-Type"]) == (401, "application/problem+json"), (
                address
            )
            assert response.headers["WWW-Authenticate"].startswith("Token")


def test_what_is_no_id_is_nowhere(alice: User, api_of: Callable[[User], APIClient]) -> None:
    client = api_of(alice)
    for address in ("melodies/1/", "executions/../", "executions/nil/tasks/", "tasks/%00/"):
        response = call(client, "get", address)
        assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json"), address
