"""Configuration, variables, and who may do what in a project."""

import apps.core.ids
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from apps.core.db.operations import AddPolicies, EnablePolicies, EnableTenancy
from apps.core.db.policies import OWNER, WEB, WORKER, Policy
from apps.core.db.together import together
from apps.projects.row_security import ADMINISTERED, CLOSED, HIDDEN, in_project

PEOPLE = (WEB, OWNER)
STAFF = "(SELECT app_is_staff())"
MINE = "ANY((SELECT app_organizations())::uuid[])"
ADMINISTERED_ORGANIZATION = "ANY((SELECT app_administered_organizations())::uuid[])"
# The functions below read these tables as their owner. Were it a member of symphony_web (some servers make it so), the
# restrictive policies would make the functions call themselves without end. CASE, because AND promises no order.
BY_THE_OWNER = (
    "(SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE oid = 'projects_project'::regclass)"
)


def unless_owner(condition):
    return f"CASE WHEN {BY_THE_OWNER} THEN true ELSE {condition} END"


# plpgsql keeps its plans for the session; a function in SQL is planned anew with every statement that asks a policy.
# `named` is the highest rank: 0 not named, 1 viewer, 2 member, 3 admin or owner; apps/projects/standing.py says the same.
FUNCTIONS = """
DO $do$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT * FROM (VALUES
            ('app_hidden_projects', 'p.access = ''restricted''', 'named = 0'),
            ('app_closed_projects', 'p.access = ''restricted''', 'named <= 1'),
            ('app_administered_projects', 'm.role = ''member''', 'named = 3')
        ) AS functions (name, among, standing)
    LOOP
        EXECUTE format(
            'CREATE FUNCTION %I() RETURNS uuid[] LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER '
            'SET search_path = %I, pg_temp AS %L',
            made.name, current_schema(),
            format($body$
DECLARE
    me uuid := app_user_id();
    found uuid[];
BEGIN
    IF me IS NULL OR app_is_staff() THEN
        RETURN '{}';
    END IF;
    SELECT array_agg(standing.id) INTO found FROM (
        SELECT p.id, coalesce((
            SELECT max(CASE a.role WHEN 'viewer' THEN 1 WHEN 'member' THEN 2 ELSE 3 END)
            FROM projects_projectaccess a
            WHERE a.project_id = p.id AND (a.user_id = me OR a.team_id IN (
                SELECT t.team_id FROM accounts_teammembership t WHERE t.user_id = me))), 0) AS named
        FROM accounts_membership m JOIN projects_project p ON p.organization_id = m.organization_id
        WHERE m.user_id = me AND m.role NOT IN ('owner', 'admin') AND %s
    ) standing WHERE %s;
    RETURN coalesce(found, '{}');
END
$body$, made.among, made.standing));
        EXECUTE format('REVOKE ALL ON FUNCTION %I() FROM PUBLIC', made.name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I() TO symphony_web', made.name);
    END LOOP;
END
$do$
"""
NO_FUNCTIONS = """
DROP FUNCTION app_hidden_projects();
DROP FUNCTION app_closed_projects();
DROP FUNCTION app_administered_projects();
"""

# Nobody is named from another organization, and with a membership goes what stood on it.
REFERENCES = """
ALTER TABLE projects_projectaccess
  ADD CONSTRAINT access_project_of_organization FOREIGN KEY (organization_id, project_id)
    REFERENCES projects_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT access_user_of_organization FOREIGN KEY (organization_id, user_id)
    REFERENCES accounts_membership (organization_id, user_id) ON DELETE CASCADE,
  ADD CONSTRAINT access_team_of_organization FOREIGN KEY (organization_id, team_id)
    REFERENCES accounts_team (organization_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE projects_projectvariable
  ADD CONSTRAINT variable_project_of_organization FOREIGN KEY (organization_id, project_id)
    REFERENCES projects_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT variable_value_size CHECK (octet_length(value::text) <= 65536);
ALTER TABLE projects_project
  ADD CONSTRAINT project_configuration CHECK (
    jsonb_typeof(configuration) = 'object' AND octet_length(configuration::text) <= 65536);
"""
NO_REFERENCES = """
ALTER TABLE projects_project DROP CONSTRAINT project_configuration;
ALTER TABLE projects_projectvariable
  DROP CONSTRAINT variable_value_size, DROP CONSTRAINT variable_project_of_organization;
ALTER TABLE projects_projectaccess
  DROP CONSTRAINT access_team_of_organization, DROP CONSTRAINT access_user_of_organization,
  DROP CONSTRAINT access_project_of_organization;
"""

# Who creates a project owns it. Written by the owner of the tables: the web may not name itself.
TRIGGERS = """
DO $do$
BEGIN
    EXECUTE format('CREATE FUNCTION project_names_its_creator() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER '
                   'SET search_path = %I, pg_temp AS %L', current_schema(), $body$
BEGIN
    INSERT INTO projects_projectaccess (id, organization_id, project_id, user_id, role, granted_by_id, created_at)
    SELECT gen_random_uuid(), m.organization_id, NEW.id, m.user_id, 'owner', m.user_id, now()
    FROM accounts_membership m
    WHERE m.organization_id = NEW.organization_id AND m.user_id = NEW.created_by_id;
    RETURN NULL;
END
$body$);
    EXECUTE 'REVOKE ALL ON FUNCTION project_names_its_creator() FROM PUBLIC';
END
$do$;
CREATE TRIGGER project_names_its_creator AFTER INSERT ON projects_project
  FOR EACH ROW EXECUTE FUNCTION project_names_its_creator();

CREATE FUNCTION project_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.organization_id <> OLD.organization_id THEN
        RAISE EXCEPTION 'project % stays in its organization', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT (app_is_staff() OR app_user_id() IS NULL
            OR OLD.organization_id = ANY (app_administered_organizations())
            OR OLD.id = ANY (app_administered_projects())) THEN
        RAISE EXCEPTION 'only who administers project % opens, restricts or archives it', OLD.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER project_refuses BEFORE UPDATE ON projects_project FOR EACH ROW
  WHEN (NEW.organization_id <> OLD.organization_id OR NEW.access <> OLD.access
        OR NEW.archived_at IS DISTINCT FROM OLD.archived_at)
  EXECUTE FUNCTION project_refuses();
"""
NO_TRIGGERS = """
DROP TRIGGER project_refuses ON projects_project;
DROP FUNCTION project_refuses();
DROP TRIGGER project_names_its_creator ON projects_project;
DROP FUNCTION project_names_its_creator();
"""

# Projects made before this migration belong to their creators as well.
NAME_CREATORS = """
SELECT set_config('app.staff', 'on', true);
INSERT INTO projects_projectaccess (id, organization_id, project_id, user_id, role, granted_by_id, created_at)
SELECT gen_random_uuid(), m.organization_id, p.id, m.user_id, 'owner', m.user_id, now()
FROM projects_project p
JOIN accounts_membership m ON m.organization_id = p.organization_id AND m.user_id = p.created_by_id;
SELECT set_config('app.staff', '', true);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""

ADMINISTERS = f"organization_id = {ADMINISTERED_ORGANIZATION} OR project_id = {ADMINISTERED} OR {STAFF}"
CREATED = (
    "role = 'owner' AND EXISTS (SELECT FROM projects_project made WHERE made.id = projects_projectaccess.project_id "
    "AND made.created_by_id = projects_projectaccess.user_id)"
)
WORKED_ON = "organization_id = (SELECT app_organization_id()) OR (SELECT app_is_sweep())"

ACCESS_POLICIES = [
    Policy("web_select", "select", PEOPLE, f"organization_id = {MINE} OR {STAFF}"),
    *(Policy(f"web_{command}", command, PEOPLE, ADMINISTERS) for command in ("insert", "update", "delete")),
    Policy("own_delete", "delete", PEOPLE, "user_id = (SELECT app_user_id())"),
    Policy("creator_insert", "insert", (OWNER,), CREATED),
    Policy("worker_select", "select", (WORKER, OWNER), WORKED_ON),
    Policy(
        "project_select", "select", (WEB,), unless_owner(f"project_id <> ALL({HIDDEN}::uuid[])"), restrictive=True
    ),
]
PROJECT_POLICIES = [
    Policy("project_select", "select", (WEB,), unless_owner(f"id <> ALL({HIDDEN}::uuid[])"), restrictive=True),
    Policy("project_update", "update", (WEB,), unless_owner(f"id <> ALL({CLOSED}::uuid[])"), restrictive=True),
    # A member who is named an admin may, as may those of the organization.
    Policy(
        "project_delete",
        "delete",
        (WEB,),
        f"organization_id = {ADMINISTERED_ORGANIZATION} OR id = {ADMINISTERED} OR {STAFF}",
        restrictive=True,
    ),
]
SECRET_POLICIES = [
    *in_project(),
    *(Policy(f"admin_{command}", command, PEOPLE, f"project_id = {ADMINISTERED}") for command in ("insert", "update", "delete")),
]


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0002_tenancy_and_sealed_values"),
        ("accounts", "0002_people"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = together([
        migrations.AddField("project", "configuration", models.JSONField(blank=True, default=dict)),
        migrations.AddField(
            "project",
            "access",
            models.CharField(
                choices=[("organization", "Organization"), ("restricted", "Restricted")],
                default="organization",
                max_length=20,
            ),
        ),
        migrations.AddField("project", "archived_at", models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.AddField(
            "project", "updated_at", models.DateTimeField(auto_now=True, default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AddField("secret", "last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.AddConstraint(
            "project",
            models.CheckConstraint(
                condition=models.Q(("access__in", ["organization", "restricted"])), name="project_access"
            ),
        ),
        migrations.AddIndex(
            "project",
            models.Index(
                condition=models.Q(("access", "restricted")), fields=["organization"], name="project_restricted"
            ),
        ),
        migrations.CreateModel(
            name="ProjectAccess",
            fields=[
                ("id", models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("role", models.CharField(choices=[("owner", "Owner"), ("admin", "Admin"), ("member", "Member"), ("viewer", "Viewer")], default="member", max_length=20)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("granted_by", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization")),
                ("project", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="grants", to="projects.project")),
                ("team", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="project_grants", to="accounts.team")),
                ("user", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="project_grants", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name_plural": "project access",
                "ordering": ("created_at", "id"),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(models.Q(("team__isnull", True), ("user__isnull", False)), models.Q(("team__isnull", False), ("user__isnull", True)), _connector="OR"), name="project_access_user_xor_team"),
                    models.CheckConstraint(condition=models.Q(("role__in", ["owner", "admin", "member", "viewer"])), name="project_access_role"),
                    models.UniqueConstraint(fields=("project", "user"), name="project_access_user"),
                    models.UniqueConstraint(fields=("project", "team"), name="project_access_team"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProjectVariable",
            fields=[
                ("id", models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("value", models.JSONField(blank=True, null=True)),
                ("description", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("created_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization")),
                ("project", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="variables", to="projects.project")),
            ],
            options={
                "ordering": ("name", "id"),
                "constraints": [
                    models.UniqueConstraint(fields=("project", "name"), name="project_variable_name"),
                    models.CheckConstraint(condition=models.Q(("name__regex", "^[A-Za-z_][A-Za-z0-9_]*$")), name="project_variable_name_form"),
                ],
            },
        ),
        migrations.RunSQL(REFERENCES, NO_REFERENCES),
        migrations.RunSQL(NAME_CREATORS, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        EnablePolicies("projects_projectaccess", ACCESS_POLICIES, worker="select"),
        EnableTenancy("projects_projectvariable", worker="select"),
        AddPolicies("projects_projectvariable", in_project()),
        AddPolicies("projects_project", PROJECT_POLICIES),
        AddPolicies("projects_secret", SECRET_POLICIES),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
        migrations.RunSQL(
            f"GRANT SELECT (last_used_at) ON projects_secret TO {WEB}; "
            f"GRANT UPDATE (last_used_at) ON projects_secret TO {WORKER}",
            f"REVOKE SELECT (last_used_at) ON projects_secret FROM {WEB}; "
            f"REVOKE UPDATE (last_used_at) ON projects_secret FROM {WORKER}",
        ),
    ])
