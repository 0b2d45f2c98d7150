"""Versions grow, are archived and go; two who publish at once do not get the same one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connections, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.accounts.queries import organization_for
from apps.agents import services
from apps.agents.models import LARGEST_PART, Agent, AgentVersion, Deployment
from apps.agents.queries import snapshot_of, version_of
from apps.agents.services.agents import UNCHANGED
from apps.agents.services.versions import Tidied
from apps.agents.snapshots import Snapshot, SnapshotBrokenError, pack, unpack
from apps.agents.states import DeploymentStatus
from apps.billing.errors import QuotaExceeded
from apps.core.semver import LARGEST, NoVersionError, Semver
from apps.core.tenancy import acting_as, staff, sweeping
from tests.conftest import database_role

Make = Callable[..., Agent]
_PARTS = st.integers(0, LARGEST)


@given(st.builds(Semver, _PARTS, _PARTS, _PARTS), st.sampled_from(["major", "minor", "patch"]))
def test_the_next_version_is_greater_and_reads_as_it_is_written(number: Semver, part: Any) -> None:
    assert Semver.parse(str(number)) == number
    try:
        following = number.next(part)
    except NoVersionError:
        assert getattr(number, part) == LARGEST
    else:
        assert following > number


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "01.0.0", "1.0.0-a", "1.0.0 ", "v1.0.0", "1.0.100000", "１.0.0", "1.0.0\n"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(NoVersionError):
        Semver.parse(text, largest=LARGEST_PART)


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20), max_size=5), st.text(max_size=200))
def test_an_archive_opens_to_what_was_packed(config: dict[str, Any], source: str) -> None:
    snapshot = Snapshot(config, source)
    assert unpack(pack(snapshot), snapshot.sha256) == snapshot
    with pytest.raises(SnapshotBrokenError):
        unpack(pack(snapshot), "0" * 64)
    with pytest.raises(SnapshotBrokenError):
        unpack(b"x" + pack(snapshot), snapshot.sha256)


def _publish(actor: User, agent: Agent, count: int) -> None:
    with acting_as(actor.pk):
        for number in range(count):
            services.publish_version(actor=actor, agent=agent, config={"n": number})


def _numbers(agent: Agent, *, archived: bool) -> list[str]:
    with staff():
        rows = AgentVersion.objects.filter(agent=agent, archived_at__isnull=not archived)
        return [str(row.number) for row in rows]


def test_the_last_ten_stay_older_ones_are_packed_and_go_after_a_year(alice: User, agent_of: Make) -> None:
    agent = agent_of(alice, config={"first": True}, source="print('first')\n")
    _publish(alice, agent, 13)
    with acting_as(alice.pk):
        services.activate_agent(actor=alice, agent=agent)
        deployed = version_of(agent, "1.0.2")
    with staff():
        deployment = Deployment.objects.create(
            organization=agent.organization, agent=agent, version=deployed, desired="stopped", created_by=alice
        )
        run = uuid4()
        used = AgentVersion.objects.get(agent=agent, patch=1)
    services.record_use(organization_id=agent.organization_id, version=used, execution_id=run)
    services.record_use(organization_id=agent.organization_id, version=used, execution_id=run)

    assert services.tidy_versions() == Tidied(archived=2, deleted=0)
    assert _numbers(agent, archived=True) == ["1.0.3", "1.0.0"]
    assert len(_numbers(agent, archived=False)) == 12
    with acting_as(alice.pk):
        old = version_of(agent, "1.0.0")
        assert (old.config, old.source) == ({}, "")
        assert snapshot_of(old) == Snapshot({"first": True}, "print('first')\n")
    assert services.tidy_versions() == Tidied(archived=0, deleted=0)

    later = timezone.now() + timedelta(days=366)
    assert services.tidy_versions(now=later).deleted == 2
    assert _numbers(agent, archived=True) == []
    assert services.forget_uses(execution_ids=[run]) == 1
    with staff():
        deployment.delete()
    assert services.tidy_versions(now=later).archived == 2
    assert services.tidy_versions(now=later).deleted == 2
    assert len(_numbers(agent, archived=False)) == 10


def test_the_worker_may_tidy_and_nothing_more(alice: User, agent_of: Make) -> None:
    agent = agent_of(alice)
    _publish(alice, agent, 11)
    with database_role("symphony_worker"):
        assert services.tidy_versions().archived == 2
        with pytest.raises(ProgrammingError, match="permission denied"), sweeping(), transaction.atomic():
            Agent.objects.update(name="mine")


def test_equal_to_the_latest_publishes_nothing(alice: User, agent_of: Make) -> None:
    agent = agent_of(alice, config={"a": 1})
    with acting_as(alice.pk):
        same = services.publish_version(actor=alice, agent=agent, config={"a": 1})
    assert (str(same.number), agent.version) == ("1.0.0", "1.0.0")


def test_an_organization_has_as_many_agents_as_its_plan_allows(
    alice: User, orchestra: Organization, agent_of: Make, settings: Any
) -> None:
    settings.SYMPHONY_DEFAULT_TIER = "free"
    with staff():
        Organization.objects.filter(pk=orchestra.pk).update(subscription_tier="free")
    agent_of(alice, orchestra)
    with pytest.raises(QuotaExceeded) as refused:
        agent_of(alice, orchestra, slug="second")
    assert refused.value.extra["limit"] == 1


def test_what_is_not_given_stays(alice: User, agent_of: Make) -> None:
    agent = agent_of(alice, description="As it was.")
    with acting_as(alice.pk):
        services.update_agent(actor=alice, agent=agent, name="Another", project=UNCHANGED)
    assert (agent.name, agent.description) == ("Another", "As it was.")


@pytest.mark.django_db(transaction=True)
def test_two_who_publish_at_once_get_two_versions() -> None:
    user = accounts.create_user(email="two@example.org", password=None)
    with acting_as(user.pk):
        home = organization_for(actor=user)
        agent = services.create_agent(actor=user, organization=home, name="Race", framework="agno", agent_type="code")
    ready, found = threading.Barrier(4), []

    def publish(number: int) -> None:
        try:
            ready.wait(10)
            with acting_as(user.pk):
                mine = Agent.objects.select_related("organization", "project").get(pk=agent.pk)
                version = services.publish_version(actor=user, agent=mine, config={"n": number})
                found.append(str(version.number))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=publish, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == ["1.0.1", "1.0.2", "1.0.3", "1.0.4"]


def test_a_runner_that_gives_up_leaves_a_trace_as_the_worker_it_is(alice: User, agent_of: Make) -> None:
    agent = agent_of(alice, config={"graph": "a:b"})
    with acting_as(alice.pk):
        services.activate_agent(actor=alice, agent=agent)
        deployment = services.deploy(actor=alice, agent=agent, version=version_of(agent))
    with database_role("symphony_worker"):
        (taken,) = services.take_deployments(runner="r", runtime="local", lease=timedelta(seconds=60), room=5)
        assert taken.pk == deployment.pk
        assert services.take_deployments(runner="other", runtime="local", lease=timedelta(seconds=60), room=5) == []
        assert not services.note_status(runner="other", deployment_id=taken.pk, status=DeploymentStatus.STARTING)
        for status in (DeploymentStatus.STARTING, DeploymentStatus.FAILED):
            assert services.note_status(runner="r", deployment_id=taken.pk, status=status, logs="x" * 100_000 + "\0")
    with staff():
        row = Deployment.objects.select_related("agent").get(pk=deployment.pk)
    assert (row.status, row.runner, row.agent.status, len(row.logs)) == ("failed", "", "error", 65_536)
