"""What the database itself refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from apps.accounts.models import Organization, User
from apps.agents import services
from apps.agents.models import Agent, AgentVersion, ContainerResources, Deployment
from apps.agents.states import AGENT_MOVES, DEPLOYMENT_MOVES, AgentStatus, DeploymentStatus
from apps.agents.tiers import ALLOWANCES, ContainerTier
from apps.core.tenancy import acting_as, staff, sweeping
from apps.projects import services as projects

Make = Callable[..., Agent]


@pytest.fixture(autouse=True)
def _seeing_all(db: None) -> Iterator[None]:
    with staff(), sweeping():
        yield


def _refused(statement: str, values: list[Any]) -> str:
    """What the database says to a hand-written statement; "" when it does as it is told."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
            assert cursor.rowcount == 1, "nothing was there to be refused"
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError as error:
        return str(error)
    return ""


def _way_to(table: dict[Any, frozenset[Any]], first: Any, wanted: Any) -> list[Any]:
    """The shortest way of legal moves."""
    ways = [[first]]
    while ways:
        way = ways.pop(0)
        if way[-1] == wanted:
            return way[1:]
        ways += [[*way, step] for step in sorted(table[way[-1]]) if step not in way]
    raise AssertionError(f"{wanted} cannot be reached")


def test_an_agent_makes_exactly_the_moves_of_the_table(alice: User, agent_of: Make) -> None:
    allowed = set()
    with staff():
        for number, (before, after) in enumerate(product(AgentStatus, AgentStatus)):
            agent = agent_of(alice, slug=f"agent-{number}")
            for step in _way_to(AGENT_MOVES, AgentStatus.DRAFT, before):  # type: ignore[arg-type]
                Agent.objects.filter(pk=agent.pk).update(status=step.value)
            if not _refused("UPDATE agents_agent SET status = %s WHERE id = %s", [after.value, agent.pk]):
                allowed.add((before, after))
    wanted = {(before, after) for before, moves in AGENT_MOVES.items() for after in moves}
    assert allowed == wanted | {(status, status) for status in AgentStatus}


def test_a_deployment_makes_exactly_the_moves_of_the_table(alice: User, agent_of: Make) -> None:
    agent = agent_of(alice)
    version = AgentVersion.objects.get(agent=agent)
    allowed = set()
    with staff():
        for before, after in product(DeploymentStatus, DeploymentStatus):
            row = Deployment.objects.create(
                organization=agent.organization, agent=agent, version=version, desired="stopped", created_by=alice
            )
            for step in _way_to(DEPLOYMENT_MOVES, DeploymentStatus.PENDING, before):  # type: ignore[arg-type]
                Deployment.objects.filter(pk=row.pk).update(status=step.value)
            if not _refused("UPDATE agents_deployment SET status = %s WHERE id = %s", [after.value, row.pk]):
                allowed.add((before, after))
    wanted = {(before, after) for before, moves in DEPLOYMENT_MOVES.items() for after in moves}
    assert allowed == wanted | {(status, status) for status in DeploymentStatus}


def test_an_agent_begins_as_a_draft(alice: User, agent_of: Make) -> None:
    agent = agent_of(alice)
    with pytest.raises(IntegrityError, match="begins as draft"), transaction.atomic():
        Agent.objects.create(
            organization=agent.organization,
            name="Sudden",
            slug="sudden",
            framework="agno",
            agent_type="code",
            status="active",
            created_by=alice,
        )


@pytest.mark.parametrize(
    ("tier", "cpu", "memory", "isolation"),
    [
        ("basic", 2, 2048, "shared"),
        ("basic", 1, 4096, "shared"),
        ("basic", 1, 2048, "isolated"),
        ("pro", 4, 8192, "isolated"),
        ("pro", 16, 32768, "shared"),
        ("enterprise", 16, 32768, "shared"),
        ("enterprise", 4, 8192, "isolated"),
        ("free", 1, 2048, "shared"),
    ],
)
def test_a_container_has_what_its_tier_says(
    alice: User, agent_of: Make, tier: str, cpu: int, memory: int, isolation: str
) -> None:
    resources = agent_of(alice).resources
    told = _refused(
        "UPDATE agents_containerresources SET subscription_tier = %s, cpu_limit = %s, memory_limit_mb = %s,"
        " network_isolation = %s WHERE id = %s",
        [tier, cpu, memory, isolation, resources.pk],
    )
    assert "check" in told


@pytest.mark.parametrize("tier", ["free", "basic", "pro", "enterprise"])
def test_a_new_agent_gets_the_container_of_its_organization(
    alice: User, agent_of: Make, orchestra: Organization, tier: str
) -> None:
    with staff():
        Organization.objects.filter(pk=orchestra.pk).update(subscription_tier=tier)
    orchestra.refresh_from_db()
    resources = agent_of(alice, orchestra).resources
    allowed = ALLOWANCES[ContainerTier("basic" if tier == "free" else tier)]
    assert (resources.cpu_limit, resources.memory_limit_mb) == (allowed.cpu, allowed.memory_mb)
    assert resources.network_isolation == allowed.isolation


def test_containers_follow_the_tier_whoever_changes_it(
    alice: User, bob: User, agent_of: Make, orchestra: Organization
) -> None:
    mine, theirs = agent_of(alice, orchestra), agent_of(bob)
    before = theirs.resources.subscription_tier
    for tier, expected in (("enterprise", "enterprise"), ("pro", "pro"), ("free", "basic")):
        with staff():
            Organization.objects.filter(pk=orchestra.pk).update(subscription_tier=tier)
            rows = dict(ContainerResources.objects.values_list("agent_id", "subscription_tier"))
        assert rows == {mine.pk: expected, theirs.pk: before}


def test_a_version_is_immutable_but_may_be_archived_once(alice: User, agent_of: Make) -> None:
    version = AgentVersion.objects.get(agent=agent_of(alice, config={"a": 1}))
    change = "UPDATE agents_agentversion SET {} WHERE id = %s"
    for written in (
        "config = '{}'",
        "source = 'print(1)'",
        "change_summary = 'Nothing happened.'",
        "patch = 7",
        "archived_at = now()",
        "archived_at = now(), archive = 'x'",
        "archived_at = now(), archive = 'x', config = '{}', change_summary = 'Else.'",
    ):
        assert _refused(change.format(written), [version.pk]), written
    assert not _refused(change.format("archived_at = now(), archive = 'x', config = '{}', source = ''"), [version.pk])
    assert _refused(change.format("archived_at = NULL, archive = NULL"), [version.pk])


def test_versions_increase(alice: User, agent_of: Make) -> None:
    agent = agent_of(alice)
    with acting_as(alice.pk):
        services.publish_version(actor=alice, agent=agent, config={"a": 1}, number="2.0.0")
    insert = (
        "INSERT INTO agents_agentversion (id, organization_id, agent_id, major, minor, patch, config, source, sha256,"
        " change_summary, created_by_id, created_at) VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, '{}', '', '', '', %s, now())"
    )
    for number, fits in (((1, 9, 9), False), ((2, 0, 0), False), ((2, 0, 1), True), ((10, 0, 0), True)):
        told = _refused(insert, [agent.organization_id, agent.pk, *number, alice.pk])
        assert bool(told) is not fits, (number, told)


def test_references_stay_within_the_organization(alice: User, bob: User, agent_of: Make) -> None:
    mine, theirs = agent_of(alice), agent_of(bob)
    with acting_as(bob.pk):
        project = projects.create_project(actor=bob, organization=theirs.organization, name="Theirs")
    version = AgentVersion.objects.get(agent=theirs)
    for statement, values in (
        ("UPDATE agents_agent SET project_id = %s WHERE id = %s", [project.pk, mine.pk]),
        ("UPDATE agents_containerresources SET agent_id = %s WHERE agent_id = %s", [theirs.pk, mine.pk]),
        (INTO_DEPLOYMENTS, [mine.organization_id, mine.pk, version.pk, alice.pk]),
    ):
        assert _refused(statement, values), statement


INTO_DEPLOYMENTS = (
    "INSERT INTO agents_deployment (id, organization_id, agent_id, version_id, runtime, desired, restart_requested,"
    " status, container_id, address, health, restart_count, failures_in_a_row, error_message, logs, runner,"
    " created_by_id, created_at, updated_at) VALUES (gen_random_uuid(), %s, %s, %s, 'local', 'stopped', false,"
    " 'pending', '', '', 'unknown', 0, 0, '', '', '', %s, now(), now())"
)


def test_one_deployment_of_an_agent_is_wanted_at_a_time(alice: User, agent_of: Make) -> None:
    agent = agent_of(alice)
    version = AgentVersion.objects.get(agent=agent)
    common = {"organization": agent.organization, "agent": agent, "version": version, "created_by": alice}
    Deployment.objects.create(**common)
    with pytest.raises(IntegrityError, match="deployment_one_wanted_per_agent"), transaction.atomic():
        Deployment.objects.create(**common)
