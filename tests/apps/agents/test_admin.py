"""The admin of agents: everything is shown, nothing is edited, and what runs can be stopped and restarted."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.models import User
from apps.agents import services
from apps.agents.models import Agent, Deployment
from apps.agents.queries import version_of
from apps.core.tenancy import acting_as, staff
from apps.melodies.models import Melody
from tests.unit.n8n import documents

Make = Callable[..., Agent]


@pytest.fixture
def support(bob: User, web_role: None) -> Client:
    User.objects.filter(pk=bob.pk).update(is_staff=True, is_superuser=True)
    bob.refresh_from_db()
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def deployment(alice: User, agent_of: Make) -> Deployment:
    agent = agent_of(alice, config={"graph": "a:b"})
    with acting_as(alice.pk):
        services.activate_agent(actor=alice, agent=agent)
        services.publish_agent(actor=alice, agent=agent)
        return services.deploy(actor=alice, agent=agent, version=version_of(agent))


def test_every_page_is_shown_and_nothing_can_be_written(deployment: Deployment, support: Client) -> None:
    pages = {"agent": deployment.agent_id, "agentversion": deployment.version_id, "deployment": deployment.pk}
    for name, key in pages.items():
        listed = support.get(f"/admin/agents/{name}/", {"q": "support"})
        assert listed.status_code == 200
        assert str(key) in listed.content.decode()
        shown = support.get(f"/admin/agents/{name}/{key}/change/")
        assert shown.status_code == 200
        assert 'name="_save"' not in shown.content.decode()
        assert support.get(f"/admin/agents/{name}/add/").status_code == 403
        assert support.post(f"/admin/agents/{name}/{key}/delete/", {"post": "yes"}).status_code == 403


def test_a_list_asks_no_more_for_more_rows(
    alice: User,
    deployment: Deployment,
    agent_of: Make,
    support: Client,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    for number in range(4):
        agent_of(alice, slug=f"more-{number}")
    for name in ("agent", "agentversion", "deployment"):
        with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
            support.get(f"/admin/agents/{name}/")


def test_a_deployment_is_stopped_and_restarted(deployment: Deployment, support: Client) -> None:
    for action, desired in (("stop", "stopped"), ("restart", "running")):
        chosen = {"action": action, "_selected_action": [str(deployment.pk)]}
        assert support.post("/admin/agents/deployment/", chosen).status_code == 302
        with staff():
            assert Deployment.objects.get(pk=deployment.pk).desired == desired


def test_the_command_prints_a_melody_or_stores_it(alice: User, tmp_path: Path) -> None:
    file = tmp_path / "flow.json"
    file.write_text(json.dumps(documents.FILTERED), encoding="utf-8")
    out = StringIO()
    call_command("melody", "import-n8n", str(file), stdout=out)
    assert "# error: Send: " in out.getvalue()
    assert "workflow:\n" in out.getvalue()
    with pytest.raises(CommandError, match="emailSend"):
        call_command("melody", "import-n8n", str(file), "--strict", stdout=StringIO())
    call_command("melody", "import-n8n", str(file), "--publish", "--user", alice.email, stdout=StringIO())
    with staff():
        assert Melody.objects.get(name="Filtered").creation_source == "imported"
