"""Routes of agents, each tried by everybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import Membership, Organization, User
from apps.agents import services
from apps.agents.models import Agent, Deployment
from apps.agents.queries import version_of
from apps.core.tenancy import acting_as, staff
from tests.unit.n8n import documents

ApiOf = Callable[[User], APIClient]
Make = Callable[..., Agent]

READS = [
    "agents/{agent}/",
    "agents/{agent}/versions/",
    "agents/{agent}/versions/1.0.0/",
    "agents/{agent}/marketplace/",
    "agents/{agent}/deployments/",
    "agents/{agent}/workflows/",
    "agents/{agent}/executions/",
    "deployments/{deployment}/",
    "deployments/{deployment}/logs/",
]
# method, address, body, may a member do it?
WRITES: list[tuple[str, str, Any, bool]] = [
    ("patch", "agents/{agent}/", {"description": "New"}, True),
    ("post", "agents/{agent}/activate/", None, True),
    ("post", "agents/{agent}/versions/", {"config": {"graph": "a:b", "x": 1}}, True),
    ("post", "agents/{agent}/deployments/", {}, True),
    (
        "post",
        "agents/{agent}/workflows/",
        {"workflow": {"name": "w", "steps": [{"name": "a", "type": "test_echo", "value": 1}]}},
        True,
    ),
    ("post", "agents/{agent}/workflows/n8n/", documents.GREETING, True),
    ("post", "deployments/{deployment}/stop/", None, True),
    ("post", "deployments/{deployment}/restart/", None, True),
    ("post", "agents/{agent}/publish/", {}, False),
    ("post", "agents/{agent}/unpublish/", None, False),
    ("post", "agents/{agent}/deactivate/", None, True),
    ("delete", "agents/{agent}/", None, False),
]


@pytest.fixture
def ids(alice: User, orchestra: Organization, agent_of: Make) -> dict[str, str]:
    agent = agent_of(alice, orchestra, config={"graph": "a:b"})
    with acting_as(alice.pk):
        services.activate_agent(actor=alice, agent=agent)
        deployment = services.deploy(actor=alice, agent=agent, version=version_of(agent))
        services.publish_agent(actor=alice, agent=agent)
    return {"agent": str(agent.pk), "deployment": str(deployment.pk), "organization": str(orchestra.pk)}


def call(client: APIClient, method: str, address: str, body: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{address}", body, format="json")


def join(user: User, organization: Organization, role: str) -> None:
    with staff():
        Membership.objects.create(organization=organization, user=user, role=role)


def test_an_admin_may_do_all_of_it(alice: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(alice)
    for address in READS:
        assert call(client, "get", address.format(**ids)).status_code == 200, address
    for method, address, body, _ in WRITES:
        answer = call(client, method, address.format(**ids), body)
        assert answer.status_code in (200, 201, 204), (address, answer.content)


def test_to_a_stranger_nothing_is_there(bob: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(bob)
    for address in READS:
        assert call(client, "get", address.format(**ids)).status_code == 404, address
    for method, address, body, _ in WRITES:
        assert call(client, method, address.format(**ids), body).status_code == 404, address
    assert call(client, "get", "agents/").json()["results"] == []
    assert call(client, "post", f"agents/?organization={ids['organization']}", AGENT).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_who_is_no_admin_does_what_the_role_allows(
    bob: User, orchestra: Organization, ids: dict[str, str], api_of: ApiOf, role: str
) -> None:
    join(bob, orchestra, role)
    client = api_of(bob)
    for address in READS:
        assert call(client, "get", address.format(**ids)).status_code == 200, address
    for method, address, body, member in WRITES:
        answer = call(client, method, address.format(**ids), body)
        allowed = member and role == "member"
        assert (answer.status_code in (200, 201)) is allowed, (address, answer.content)
        assert allowed or answer.status_code == 403, (address, answer.content)


AGENT = {"name": "Support", "framework": "langgraph", "config": {"graph": "my_agents:graph"}}


def test_an_agent_is_made_and_shown_with_its_owner(alice: User, orchestra: Organization, api_of: ApiOf) -> None:
    client = api_of(alice)
    made = call(client, "post", "agents/", AGENT)
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["owner_type"], body["owner"]) == ("user", str(alice.pk))
    assert (body["status"], body["version"], body["slug"], body["agent_type"]) == ("draft", "1.0.0", "support", "code")
    assert body["resources"]["cpu_limit"] in (1, 4, 16)
    assert client.get(body["links"]["workflows"]).json()["results"] == []
    theirs = call(client, "post", f"agents/?organization={orchestra.slug}", AGENT).json()
    assert (theirs["owner_type"], theirs["owner"]) == ("organization", str(orchestra.pk))
    again = call(client, "post", "agents/", AGENT)
    assert (again.status_code, again.json()["code"]) == (409, "slug_taken")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "  "}, "/name"),
        ({"framework": "magic"}, "/framework"),
        ({"config": {"graph": "no colon"}}, "/config/graph"),
        ({"config": {"graph": "a:b", "endpoint": "http://x"}}, "/config/endpoint"),
        ({"config": {"endpoint": "http://u:p@x/"}}, "/config/endpoint"),
        ({"config": {"endpoint": "file:///etc/passwd"}}, "/config/endpoint"),
        ({"config": {"secret": "not a name"}}, "/config/secret"),
        ({"config": {"recursion_limit": 0}}, "/config/recursion_limit"),
        ({"config": []}, "/config"),
        ({"config": {"x": "\0"}}, "/config/x"),
        ({"framework": "agno", "config": {"graph": "a:b"}}, "/config/graph"),
        ({"agent_type": "visual", "source": "print(1)"}, "/source"),
        ({"resource_limits": {"cpu_limit": 64}}, "/resource_limits/cpu_limit"),
        ({"resource_limits": {"gpu": 1}}, "/resource_limits/gpu"),
        ({"resource_limits": {"memory_limit_mb": True}}, "/resource_limits/memory_limit_mb"),
        ({"metadata": [1]}, "/metadata"),
        ({"slug": "no slug!"}, "/slug"),
        ({"staus": "x"}, "/staus"),
        ({"project": "x"}, "/project"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(alice: User, api_of: ApiOf, change: dict[str, Any], pointer: str) -> None:
    answer = call(api_of(alice), "post", "agents/", {**AGENT, **change})
    assert answer.status_code in (400, 422), answer.content
    assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.json()


def test_numbers_nobody_can_mean_and_deep_values_are_refused(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    for config in ("1e400", "[" * 60 + "]" * 60, '"\\ud800"'):
        raw = f'{{"name": "x", "framework": "agno", "config": {{"x": {config}}}}}'
        answer = client.post("/api/v1/agents/", raw, content_type="application/json")
        assert answer.status_code in (400, 422), (config, answer.content)


def test_half_characters_are_refused_and_what_only_looks_like_it_is_kept(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    raw = '{{"name": "x", "framework": "agno", "config": {{"x": ["{}"]}}, "metadata": {{"{}": 1}}}}'
    for half, pointer in ((("\\ud800", "b"), "/config/x/0"), (("a", "\\ud800"), "/metadata")):
        answer = client.post("/api/v1/agents/", raw.format(*half), content_type="application/json")
        assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])
    kept = client.post("/api/v1/agents/", raw.format("\\\\u0000", "b"), content_type="application/json")
    assert kept.status_code == 201, kept.content


def test_two_editors_do_not_overwrite_each_other(alice: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(alice)
    address = f"/api/v1/agents/{ids['agent']}/"
    tag = client.get(address).headers["ETag"]
    first = client.patch(address, {"description": "mine"}, format="json", headers={"If-Match": tag})
    second = client.patch(address, {"description": "yours"}, format="json", headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert client.get(address).json()["description"] == "mine"


def test_a_doubled_click_makes_one_agent(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    first, second = (
        client.post("/api/v1/agents/", AGENT, format="json", headers={"Idempotency-Key": "k"}) for _ in range(2)
    )
    assert first.json() == second.json()
    assert len(call(client, "get", "agents/").json()["results"]) == 1


def test_agents_are_found(alice: User, agent_of: Make, api_of: ApiOf) -> None:
    for name, framework in (("Ann", "agno"), ("Bea", "crewai"), ("Annabel", "agno")):
        agent_of(alice, name=name, framework=framework, description=f"about {name}")
    client = api_of(alice)

    def names(query: str) -> list[str]:
        return [row["name"] for row in call(client, "get", f"agents/?{query}").json()["results"]]

    assert names("ordering=name") == ["Ann", "Annabel", "Bea"]
    assert names("search=ann&ordering=name") == ["Ann", "Annabel"]
    assert names("framework=crewai") == ["Bea"]
    assert names("slug=bea&status=draft") == ["Bea"]
    assert call(client, "get", "agents/?framework=x").status_code in (400, 422)


def test_lists_ask_the_same_number_of_questions_however_long(alice: User, agent_of: Make, api_of: ApiOf) -> None:
    client = api_of(alice)

    def questions(count: int) -> int:
        for number in range(count):
            made = agent_of(alice, slug=f"a-{count}-{number}", config={"graph": "a:b"})
            with acting_as(alice.pk):
                services.activate_agent(actor=alice, agent=made)
                services.publish_agent(actor=alice, agent=made)
        with CaptureQueriesContext(connection) as asked:
            call(client, "get", "agents/")
        return len(asked)

    few = questions(1)
    assert questions(5) <= few + 1  # the note of a token's use, once in a while
    assert few <= 12


def test_versions_are_listed_and_one_is_shown(alice: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(alice)
    address = f"agents/{ids['agent']}/versions/"
    body = {"config": {"graph": "a:c"}, "source": "x = 1\n", "change_summary": "Better."}
    assert call(client, "post", address, body).json()["version"] == "1.0.1"
    assert call(client, "post", address, body).status_code == 200
    assert (
        call(client, "post", address, {**body, "bump": "minor", "config": {"graph": "a:d"}}).json()["version"]
        == "1.1.0"
    )
    for number, code in (("1.1.0", "version_not_greater"), ("1.0.9", "version_not_greater"), ("2", "invalid_agent")):
        refused = call(client, "post", address, {**body, "version": number})
        assert refused.status_code == 422, refused.content
        assert refused.json()["errors"][0]["pointer"] == "/version", code
    assert [row["version"] for row in call(client, "get", address).json()["results"]] == ["1.1.0", "1.0.1", "1.0.0"]
    shown = call(client, "get", f"{address}1.0.1/").json()
    assert (shown["config"], shown["source"], shown["change_summary"]) == ({"graph": "a:c"}, "x = 1\n", "Better.")
    assert call(client, "get", f"{address}9.9.9/").status_code == 404
    assert call(client, "get", f"{address}x/").status_code == 404


def test_only_what_can_be_deployed_is(alice: User, agent_of: Make, api_of: ApiOf) -> None:
    client = api_of(alice)
    made = agent_of(alice, framework="agno", config={"endpoint": "https://example.org"})
    refused = call(client, "post", f"agents/{made.pk}/deployments/", {})
    assert refused.status_code == 422
    draft = agent_of(alice, slug="draft", config={"graph": "a:b"})
    assert call(client, "post", f"agents/{draft.pk}/deployments/", {}).json()["code"] == "agent_not_active"
    assert call(client, "post", f"agents/{draft.pk}/publish/", {}).json()["code"] == "agent_not_active"
    assert call(client, "post", f"agents/{draft.pk}/deactivate/").json()["code"] == "illegal_move"


def test_deploying_again_stops_what_was_there(alice: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(alice)
    second = call(client, "post", f"agents/{ids['agent']}/deployments/", {}).json()
    with staff():
        wanted = dict(Deployment.objects.values_list("pk", "desired"))
    assert {str(key): value for key, value in wanted.items()} == {ids["deployment"]: "stopped", second["id"]: "running"}
    assert call(client, "post", f"agents/{ids['agent']}/deactivate/").json()["status"] == "inactive"
    with staff():
        assert set(Deployment.objects.values_list("desired", flat=True)) == {"stopped"}


def test_a_workflow_of_n8n_becomes_one_of_an_agent(alice: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(alice)
    made = call(client, "post", f"agents/{ids['agent']}/workflows/n8n/", documents.PROGRAMS)
    assert made.status_code == 201, made.content
    body = made.json()
    assert body["melody"]["agent"] == ids["agent"]
    assert {issue["node"] for issue in body["issues"] if issue["severity"] == "error"} == {"JavaScript", "Function"}
    graph = client.get(f"/api/v1/melodies/{body['melody']['id']}/graph/").json()
    placed = {step["name"]: (step["position_x"], step["position_y"]) for step in graph["steps"]}
    wanted = {node["name"]: tuple(node["position"]) for node in documents.PROGRAMS["nodes"]}
    assert placed["Python"] == wanted["Python"]
    assert call(client, "get", f"agents/{ids['agent']}/workflows/").json()["results"][0]["id"] == body["melody"]["id"]
    assert call(client, "delete", f"agents/{ids['agent']}/").status_code == 204
    assert client.get(f"/api/v1/melodies/{body['melody']['id']}/").json()["agent"] is None


def test_a_melody_is_given_to_an_agent_and_taken_from_it(
    alice: User, bob: User, ids: dict[str, str], api_of: ApiOf
) -> None:
    client = api_of(alice)
    made = call(client, "post", f"agents/{ids['agent']}/workflows/n8n/", documents.PROGRAMS).json()["melody"]["id"]
    address = f"melodies/{made}/"
    taken = call(client, "patch", address, {"agent": None})
    assert (taken.status_code, taken.json()["agent"]) == (200, None)
    assert call(client, "patch", address, {"agent": ids["agent"], "tags": ["old"]}).json()["agent"] == ids["agent"]
    foreign = call(api_of(bob), "post", "agents/", AGENT).json()["id"]
    assert call(client, "patch", address, {"agent": foreign}).status_code == 404
    elsewhere = call(client, "post", "agents/", AGENT).json()["id"]
    refused = call(client, "patch", address, {"agent": elsewhere})
    assert refused.json()["code"] == "agent_elsewhere"


def test_an_import_may_be_strict(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    refused = client.post("/api/v1/melodies/import/n8n/?strict=true", documents.FILTERED, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "n8n_refused")
    assert "Send" in refused.json()["errors"][0]["message"]
    assert (
        client.post("/api/v1/melodies/import/n8n/?strict=maybe", documents.FILTERED, format="json").status_code == 422
    )
    whole = client.post("/api/v1/melodies/import/n8n/?strict=1", documents.BRANCHES, format="json")
    assert whole.status_code == 201
    assert whole.json()["melody"]["creation_source"] == "imported"
    for raw in ("", "[]", "{", json.dumps({"nodes": "\0"})):
        answer = client.post("/api/v1/melodies/import/n8n/", raw, content_type="application/json")
        assert answer.status_code == 422, answer.content
