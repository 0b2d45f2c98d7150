"""A run reaches what is in a restricted project only when it is a run of that project."""

from __future__ import annotations

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as
from apps.executions.models import Execution, Signal
from apps.executions.services import start_execution
from apps.melodies import services as melodies
from apps.melodies.models import Melody
from apps.projects import services as projects
from apps.projects.models import Project
from workers.contract import MelodyRef, Workflow
from workers.engine import TaskEngine

pytestmark = pytest.mark.django_db

SOURCE = "workflow: {name: salaries, steps: [{name: only, type: test_echo, value: 1}]}"


@pytest.fixture
def alice() -> User:
    return accounts.create_user(email="alice@example.org", password=None)


@pytest.fixture
def orchestra(alice: User) -> Organization:
    return accounts.create_organization(actor=alice, name="Orchestra")


@pytest.fixture
def restricted(alice: User, orchestra: Organization) -> Project:
    with acting_as(alice.pk):
        return projects.create_project(actor=alice, organization=orchestra, name="Salaries", access="restricted")


def stored(alice: User, organization: Organization, project: Project | None, path: str | None = None) -> Melody:
    with acting_as(alice.pk):
        made = melodies.create_melody(
            actor=alice, organization=organization, source=SOURCE, media="yaml", project=project, path=path
        )
    return made.melody


def engine_of(organization: Organization, project: Project | None = None) -> TaskEngine:
    """Of a step of a run that belongs to this project."""
    own = str(project.pk) if project else ""
    claimed = {"organization": str(organization.pk), "execution": "", "task": "01900000-0000-7000-8000-000000000000"}
    return TaskEngine(claimed, Workflow(organization_id=str(organization.pk), project_id=own))


def found(engine: TaskEngine, melody: Melody) -> list[MelodyRef | None]:
    by_path = engine.melody_at(melody.path, None) if melody.path else None
    return [by_path, engine.melody_named(str(melody.pk), None), engine.melody_named(melody.name, None)]


def test_a_melody_of_it_is_nested_in_runs_of_the_project_only(
    alice: User, orchestra: Organization, restricted: Project
) -> None:
    with acting_as(alice.pk):
        other = projects.create_project(actor=alice, organization=orchestra, name="Other", access="restricted")
    melody = stored(alice, orchestra, restricted, path="salaries.yaml")

    within = found(engine_of(orchestra, restricted), melody)
    assert [each.melody_id if each else None for each in within] == [str(melody.pk)] * 3
    assert found(engine_of(orchestra), melody) == [None] * 3
    assert found(engine_of(orchestra, other), melody) == [None] * 3


def test_it_does_not_hide_what_bears_the_same_name_elsewhere(
    alice: User, orchestra: Organization, restricted: Project
) -> None:
    with acting_as(alice.pk):
        opened = projects.create_project(actor=alice, organization=orchestra, name="Open")
    plain, of_open = stored(alice, orchestra, None), stored(alice, orchestra, opened)
    stored(alice, orchestra, restricted)

    named = engine_of(orchestra).melody_named("salaries", None)
    assert named is not None
    assert named.melody_id == str(of_open.pk)
    by_id = engine_of(orchestra, restricted).melody_named(str(plain.pk), None)
    assert by_id is not None
    assert by_id.melody_id == str(plain.pk)


def test_a_run_of_it_is_told_nothing_from_elsewhere(alice: User, orchestra: Organization, restricted: Project) -> None:
    melody = stored(alice, orchestra, restricted)
    with acting_as(alice.pk):
        run: Execution = start_execution(actor=alice, melody=melody)

    assert engine_of(orchestra).tell("go", {}, str(run.pk)) is False
    assert engine_of(orchestra, restricted).tell("go", {}, str(run.pk)) is True
    with acting_as(alice.pk):
        assert Signal.objects.filter(execution=run).count() == 1
