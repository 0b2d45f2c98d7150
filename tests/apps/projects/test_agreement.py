"""Services and database agree, in every case there is, on what somebody may do in a project and with what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Organization, Team, TeamMembership, User
from apps.accounts.permissions import Action, may
from apps.core.tenancy import acting_as, staff
from apps.melodies import services as melodies
from apps.melodies.models import Melody
from apps.projects import queries, services
from apps.projects.models import Project, ProjectAccess
from apps.projects.services import GivenVariable
from apps.projects.standing import effective_role

pytestmark = pytest.mark.django_db

ROLES = ("owner", "admin", "member", "viewer")
DOCUMENT = "workflow: {name: hello, steps: [{name: greet, type: test_echo, value: Hello}]}"

# What the web's database role is asked to do, with the action that it takes in the project.
READS = [
    "SELECT 1 FROM projects_project WHERE id = %(project)s",
    "SELECT 1 FROM projects_projectvariable WHERE project_id = %(project)s",
    "SELECT 1 FROM melodies_melody WHERE id = %(melody)s",
    "SELECT 1 FROM melodies_melodyversion WHERE melody_id = %(melody)s",
    "SELECT 1 FROM melodies_melodygraph WHERE melody_id = %(melody)s",
    "SELECT 1 FROM melodies_melodystep WHERE melody_id = %(melody)s",
    (
        "INSERT INTO melodies_melodycomment (id, organization_id, melody_id, author_id, body, step_path, created_at) "
        "VALUES (gen_random_uuid(), %(organization)s, %(melody)s, %(me)s, 'Hm.', '{}', now())"
    ),
]
WRITES = [
    "UPDATE projects_project SET description = 'new' WHERE id = %(project)s",
    "UPDATE projects_projectvariable SET value = '2' WHERE project_id = %(project)s",
    "DELETE FROM projects_projectvariable WHERE project_id = %(project)s",
    (
        "INSERT INTO projects_projectvariable (id, organization_id, project_id, name, value, description, created_by_id, "
        "created_at, updated_at) VALUES (gen_random_uuid(), %(organization)s, %(project)s, 'NEW', '1', '', %(me)s, now(), now())"
    ),
    "UPDATE melodies_melody SET description = 'new' WHERE id = %(melody)s",
    "UPDATE melodies_melody SET project_id = %(project)s WHERE id = %(other)s",
    "UPDATE melodies_melodystep SET label = 'new' WHERE melody_id = %(melody)s",
    "DELETE FROM melodies_melodygraph WHERE melody_id = %(melody)s",
    "DELETE FROM melodies_melody WHERE id = %(melody)s",
]
ADMINISTRATION = [
    "UPDATE projects_project SET access = 'organization' WHERE id = %(project)s AND access = 'restricted'",
    "UPDATE projects_project SET archived_at = now() WHERE id = %(project)s",
    "DELETE FROM projects_project WHERE id = %(project)s",
    (
        "INSERT INTO projects_projectaccess (id, organization_id, project_id, user_id, role, created_at) "
        "VALUES (gen_random_uuid(), %(organization)s, %(project)s, %(third)s, 'owner', now())"
    ),
    "UPDATE projects_projectaccess SET role = 'owner' WHERE project_id = %(project)s AND user_id = %(creator)s",
    "DELETE FROM projects_projectaccess WHERE project_id = %(project)s AND user_id = %(creator)s",
    (
        "INSERT INTO projects_secret (id, organization_id, project_id, name, ciphertext, key_id, created_by_id, created_at, "
        "updated_at) VALUES (gen_random_uuid(), %(organization)s, %(project)s, 'NEW', 'x', 'x', %(me)s, now(), now())"
    ),
]


@dataclass(frozen=True, slots=True)
class Stage:
    project: Project
    team: Team
    bob: User
    ids: dict[str, Any]


@pytest.fixture
def stage(alice: User, bob: User, carol: User, orchestra: Organization, project: Project) -> Stage:
    with acting_as(alice.pk):
        for user in (bob, carol):
            accounts.add_member(actor=alice, organization=orchestra, user=user, role="member")
        team = Team.objects.create(organization=orchestra, name="Strings", created_by=alice)
        TeamMembership.objects.create(organization=orchestra, team=team, user=bob)
        services.set_variable(actor=alice, project=project, given=GivenVariable("TEMPO", 120))
        inside, outside = (
            melodies.create_melody(
                actor=alice, organization=orchestra, source=DOCUMENT, media="yaml", project=place
            ).melody
            for place in (project, None)
        )
        melodies.import_document(actor=alice, melody=inside)
    ids = {
        "organization": orchestra.pk, "project": project.pk, "melody": inside.pk, "other": outside.pk,
        "me": bob.pk, "third": carol.pk, "creator": alice.pk,
    }  # fmt: skip
    return Stage(project, team, bob, ids)


@contextmanager
def undone() -> Iterator[None]:
    """Nothing of the block stays."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def as_web(user: User) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (before,) = cursor.fetchone()
        cursor.execute("SET ROLE symphony_web")
        with acting_as(user.pk):
            yield
        cursor.execute(f'SET ROLE "{before}"')


def succeeds(statement: str, ids: dict[str, Any]) -> bool:
    """Whether the database does it, to a row at least; it is undone again."""
    with undone(), connection.cursor() as cursor:
        try:
            cursor.execute(statement, ids)
        except ProgrammingError as error:
            refused = getattr(error.__cause__, "pgcode", None) == "42501"
            if not refused:
                raise
            return False
        return bool(cursor.rowcount > 0)


def arrange(stage: Stage, role: str, access: str, own: str | None, by_team: str | None) -> None:
    with staff():
        Membership.objects.filter(organization=stage.project.organization_id, user=stage.bob).update(role=role)
        Project.objects.filter(pk=stage.project.pk).update(access=access)
        stage.project.access = access
        for named, given in (({"user": stage.bob}, own), ({"team": stage.team}, by_team)):
            if given is not None:
                ProjectAccess.objects.create(
                    organization=stage.project.organization, project=stage.project, role=given, **named
                )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("access", ["organization", "restricted"])
def test_in_every_case(stage: Stage, role: str, access: str) -> None:
    for own, by_team in product((None, "viewer", "member", "admin"), (None, "viewer", "member", "owner")):
        with undone():
            arrange(stage, role, access, own, by_team)
            names = [name for name in (own, by_team) if name is not None]
            expected = effective_role(role, restricted=access == "restricted", named=names)
            with as_web(stage.bob):
                case = (role, access, own, by_team)
                assert queries.role_in(user=stage.bob, project=stage.project) == expected, case
                for statements, action in (
                    (READS, Action.READ),
                    (WRITES, Action.WRITE),
                    (ADMINISTRATION, Action.ADMINISTER),
                ):
                    for statement in statements:
                        if access == "organization" and "access = 'restricted'" in statement:
                            continue
                        assert succeeds(statement, stage.ids) == may(expected, action), (case, statement)
            # And the queries agree where no policy stands behind them.
            with acting_as(stage.bob.pk):
                seen = Melody.objects.filter(queries.visible(stage.bob), pk=stage.ids["melody"]).exists()
                listed = queries.projects(actor=stage.bob, organization=stage.project.organization)
                assert (seen, stage.project in listed) == (expected is not None,) * 2, case
                membership = Membership.objects.get(organization=stage.project.organization_id, user=stage.bob)
                roles = queries.roles_of(project=stage.project, memberships=[membership])
                assert roles[stage.bob.pk] == expected, case
                members = queries.members(actor=stage.bob, project=stage.project)
                assert (membership in members) == (expected is not None), case


def test_a_stranger_has_nothing(stage: Stage) -> None:
    with staff():
        Membership.objects.filter(organization=stage.project.organization_id, user=stage.bob).delete()
        ProjectAccess.objects.filter(team=stage.team).delete()
    with as_web(stage.bob):
        assert queries.role_in(user=stage.bob, project=stage.project) is None
        for statement in (*READS, *WRITES, *ADMINISTRATION):
            assert not succeeds(statement, stage.ids), statement


def test_every_row_of_a_project_or_melody_is_hidden_with_it() -> None:
    """Of the tables of these two apps; to a table that comes later somebody has to say it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped "
            "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') "
            "AND a.attname IN ('project_id', 'melody_id', 'comment_id') AND c.relname ~ '^(projects|melodies)_' "
            "AND has_any_column_privilege('symphony_web', c.oid, 'SELECT') AND NOT EXISTS ("
            "SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polname = 'project_select')"
        )
        assert cursor.fetchall() == []


def test_a_member_who_leaves_is_named_nowhere(stage: Stage) -> None:
    arrange(stage, "member", "restricted", "admin", None)
    with staff():
        Membership.objects.filter(organization=stage.project.organization_id, user=stage.bob).delete()
        assert not ProjectAccess.objects.filter(user=stage.bob).exists()


def test_the_functions_cost_little_and_give_nothing_to_most(stage: Stage) -> None:
    with as_web(stage.bob), connection.cursor() as cursor:
        cursor.execute("SELECT app_hidden_projects(), app_closed_projects(), app_administered_projects()")
        assert cursor.fetchone() == ([], [], [])
        cursor.execute("EXPLAIN (ANALYZE, VERBOSE, COSTS off, TIMING off) SELECT id FROM melodies_melody LIMIT 50")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    # Once per statement: in an InitPlan.
    assert plan.count("app_hidden_projects()") == 1, plan
    assert "InitPlan" in plan
