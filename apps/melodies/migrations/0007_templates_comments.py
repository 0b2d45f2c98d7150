"""Templates and comments; what belongs to a restricted project is seen by those who are named in it."""

import apps.core.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.db.operations import AddPolicies, EnablePolicies
from apps.core.db.policies import OWNER, WEB, WORKER, Policy
from apps.core.db.together import together
from apps.projects.row_security import ADMINISTERED, CLOSED, HIDDEN, in_parent, in_project, outside

PEOPLE = (WEB, OWNER)
ME = "(SELECT app_user_id())"
STAFF = "(SELECT app_is_staff())"
MINE = "ANY((SELECT app_organizations())::uuid[])"
WRITABLE = "ANY((SELECT app_writable_organizations())::uuid[])"
ADMINISTERED_ORGANIZATION = "ANY((SELECT app_administered_organizations())::uuid[])"
WORKED_ON = "organization_id = (SELECT app_organization_id()) OR (SELECT app_is_sweep())"

# Foreign keys of two columns, so that no reference leaves its organization or melody. The database follows them: whoever
# deletes a melody need not be one who may delete what others have said about it.
REFERENCES = """
ALTER TABLE melodies_melodycomment
  ADD CONSTRAINT comment_melody_of_organization FOREIGN KEY (organization_id, melody_id)
    REFERENCES melodies_melody (organization_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT comment_thread_of_melody FOREIGN KEY (melody_id, parent_id)
    REFERENCES melodies_melodycomment (melody_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE melodies_commentmention
  ADD CONSTRAINT mention_comment_of_organization FOREIGN KEY (organization_id, comment_id)
    REFERENCES melodies_melodycomment (organization_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT mention_user_of_organization FOREIGN KEY (organization_id, user_id)
    REFERENCES accounts_membership (organization_id, user_id) ON DELETE CASCADE;
ALTER TABLE melodies_melodytemplate
  ADD CONSTRAINT template_values CHECK (jsonb_typeof(default_values) = 'object');
"""
NO_REFERENCES = """
ALTER TABLE melodies_melodytemplate DROP CONSTRAINT template_values;
ALTER TABLE melodies_commentmention
  DROP CONSTRAINT mention_user_of_organization, DROP CONSTRAINT mention_comment_of_organization;
ALTER TABLE melodies_melodycomment
  DROP CONSTRAINT comment_thread_of_melody, DROP CONSTRAINT comment_melody_of_organization;
"""

# -- templates -----------------------------------------------------------------------------------------------------
TEMPLATE_WRITES = f"organization_id = {WRITABLE} OR {STAFF}"
TEMPLATE_POLICIES = [
    Policy(
        "web_select", "select", PEOPLE,
        f"organization_id = {MINE} OR {STAFF} OR (organization_id IS NULL AND {ME} IS NOT NULL)",
    ),
    *(Policy(f"web_{command}", command, PEOPLE, TEMPLATE_WRITES) for command in ("insert", "update", "delete")),
    Policy("count_update", "update", (OWNER,), "organization_id IS NULL"),
    Policy("worker_select", "select", (WORKER, OWNER), WORKED_ON),
]
# Whoever may use a template that came with the product may not write it, but it counts its uses.
COUNT_USE = """
DO $do$
BEGIN
    EXECUTE format('CREATE FUNCTION app_count_template_use(template uuid) RETURNS void LANGUAGE sql VOLATILE '
                   'SECURITY DEFINER SET search_path = %I, pg_temp AS %L', current_schema(),
                   'UPDATE melodies_melodytemplate SET usage_count = usage_count + 1 WHERE id = template');
    EXECUTE 'REVOKE ALL ON FUNCTION app_count_template_use(uuid) FROM PUBLIC';
    EXECUTE 'GRANT EXECUTE ON FUNCTION app_count_template_use(uuid) TO symphony_web';
END
$do$
"""

# -- comments ------------------------------------------------------------------------------------------------------
ITS_MELODY = "EXISTS (SELECT FROM melodies_melody its WHERE its.id = melodies_melodycomment.melody_id"
SEEN = f"(cardinality({HIDDEN}) = 0 OR {ITS_MELODY}))"
WRITTEN = f"(organization_id = {WRITABLE} AND (cardinality({CLOSED}) = 0 OR {ITS_MELODY} AND {outside('its.project_id', CLOSED)})))"
MODERATED = f"(organization_id = {ADMINISTERED_ORGANIZATION} OR {STAFF} OR {ITS_MELODY} AND its.project_id = {ADMINISTERED}))"
COMMENT_POLICIES = [
    Policy("web_select", "select", PEOPLE, f"organization_id = {MINE} OR {STAFF}"),
    # Whoever reads a melody may say something about it, viewers too.
    Policy("web_insert", "insert", PEOPLE, f"organization_id = {MINE} AND author_id = {ME}"),
    Policy("web_update", "update", PEOPLE, f"organization_id = {MINE} AND author_id = {ME} OR {WRITTEN} OR {STAFF}"),
    Policy("web_delete", "delete", PEOPLE, f"organization_id = {MINE} AND author_id = {ME} OR {MODERATED}"),
    *in_parent("melodies_melodycomment", "melody_id", "melodies_melody", writes=()),
    *(Policy(f"project_{command}", command, (WEB,), SEEN, restrictive=True) for command in ("insert", "update", "delete")),
    Policy("worker_select", "select", (WORKER, OWNER), WORKED_ON),
]
# Who may resolve a thread may still not put words into somebody's mouth; who moderates may take them away.
WORDS = """
CREATE FUNCTION comment_keeps_its_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ROW(NEW.organization_id, NEW.melody_id, NEW.author_id, NEW.parent_id, NEW.created_at)
       IS DISTINCT FROM ROW(OLD.organization_id, OLD.melody_id, OLD.author_id, OLD.parent_id, OLD.created_at) THEN
        RAISE EXCEPTION 'comment % stays where it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.body IS DISTINCT FROM OLD.body
       AND NOT (app_is_staff() OR app_user_id() IS NULL OR OLD.author_id = app_user_id()
                OR NEW.deleted_at IS NOT NULL AND (
                    OLD.organization_id = ANY (app_administered_organizations())
                    OR EXISTS (SELECT FROM melodies_melody its WHERE its.id = OLD.melody_id
                               AND its.project_id = ANY (app_administered_projects())))) THEN
        RAISE EXCEPTION 'comment % is its author''s to change', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comment_keeps_its_words BEFORE UPDATE ON melodies_melodycomment
  FOR EACH ROW EXECUTE FUNCTION comment_keeps_its_words();
"""
NO_WORDS = """
DROP TRIGGER comment_keeps_its_words ON melodies_melodycomment;
DROP FUNCTION comment_keeps_its_words();
"""

# -- mentions ------------------------------------------------------------------------------------------------------
ITS_COMMENT = "EXISTS (SELECT FROM melodies_melodycomment its WHERE its.id = melodies_commentmention.comment_id"
OF_ITS_AUTHOR = f"{ITS_COMMENT} AND its.author_id = {ME})"
OF_ITS_MODERATOR = (
    f"(organization_id = {ADMINISTERED_ORGANIZATION} OR {STAFF} OR EXISTS ("
    "SELECT FROM melodies_melodycomment its JOIN melodies_melody m ON m.id = its.melody_id "
    f"WHERE its.id = melodies_commentmention.comment_id AND m.project_id = {ADMINISTERED}))"
)
MENTION_POLICIES = [
    Policy("web_select", "select", PEOPLE, f"organization_id = {MINE} OR {STAFF}"),
    Policy("web_insert", "insert", PEOPLE, f"organization_id = {MINE} AND {OF_ITS_AUTHOR}"),
    Policy("web_update", "update", PEOPLE, f"organization_id = {MINE} AND user_id = {ME}"),
    Policy(
        "web_delete", "delete", PEOPLE,
        f"organization_id = {MINE} AND (user_id = {ME} OR {OF_ITS_AUTHOR}) OR {OF_ITS_MODERATOR}",
    ),
    *in_parent("melodies_commentmention", "comment_id", "melodies_melodycomment", writes=()),
    Policy("worker_select", "select", (WORKER, OWNER), WORKED_ON),
]


def dependent(table, writes=("insert", "update", "delete")):
    return AddPolicies(table, in_parent(table, "melody_id", "melodies_melody", writes=writes))


class Migration(migrations.Migration):
    dependencies = [
        ("melodies", "0006_library"),
        ("accounts", "0002_people"),
        ("projects", "0003_configuration_access"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = together([
        migrations.CreateModel(
            name="MelodyTemplate",
            fields=[
                ("id", models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("category", models.CharField(blank=True, max_length=60)),
                ("icon", models.CharField(blank=True, max_length=100)),
                ("document", models.JSONField()),
                ("default_values", models.JSONField(blank=True, default=dict)),
                ("usage_count", models.PositiveBigIntegerField(default=0, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("created_by", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="templates", to="accounts.organization")),
            ],
            options={
                "ordering": ("name", "id"),
                "indexes": [models.Index(fields=["organization", "category"], name="template_by_category")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "name"), name="template_name", nulls_distinct=False),
                    models.CheckConstraint(condition=models.Q(("organization__isnull", True), ("created_by__isnull", False), _connector="OR"), name="template_has_an_author"),
                ],
            },
        ),
        migrations.CreateModel(
            name="MelodyComment",
            fields=[
                ("id", models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("step_id", models.UUIDField(blank=True, null=True)),
                ("step_path", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ("body", models.TextField(blank=True, max_length=10000)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("edited_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("author", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("melody", models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="comments", to="melodies.melody")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization")),
                ("parent", models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="replies", to="melodies.melodycomment")),
                ("resolved_by", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("parent__isnull", True), ("resolved_at__isnull", True), _connector="OR"), name="comment_threads_are_resolved"),
                    models.CheckConstraint(condition=models.Q(models.Q(("body__gt", ""), ("deleted_at__isnull", True)), models.Q(("body", ""), ("deleted_at__isnull", False)), _connector="OR"), name="comment_says_something"),
                    models.CheckConstraint(condition=models.Q(models.Q(("step_id__isnull", True), ("step_path", [])), models.Q(("step_id__isnull", False), ("step_path__len__gt", 0)), _connector="OR"), name="comment_step_by_id_and_path"),
                    models.UniqueConstraint(fields=("melody", "id"), name="comment_of_melody"),
                    models.UniqueConstraint(fields=("organization", "id"), name="comment_of_organization"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CommentMention",
            fields=[
                ("id", models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("comment", models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="mentions", to="melodies.melodycomment")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="mentions", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["user", "-id"], name="mention_of_user")],
                "constraints": [models.UniqueConstraint(fields=("comment", "user"), name="mention_once")],
            },
        ),
        migrations.RunSQL(REFERENCES, NO_REFERENCES),
        EnablePolicies("melodies_melodytemplate", TEMPLATE_POLICIES, worker=""),
        EnablePolicies("melodies_melodycomment", COMMENT_POLICIES, worker=""),
        EnablePolicies("melodies_commentmention", MENTION_POLICIES, web="select,insert,delete", worker=""),
        migrations.RunSQL(
            f"GRANT UPDATE (seen_at) ON melodies_commentmention TO {WEB}",
            f"REVOKE UPDATE (seen_at) ON melodies_commentmention FROM {WEB}",
        ),
        migrations.RunSQL(COUNT_USE, "DROP FUNCTION app_count_template_use(uuid)"),
        migrations.RunSQL(WORDS, NO_WORDS),
        AddPolicies("melodies_melody", in_project(writes=("insert", "update", "delete"))),
        dependent("melodies_melodyversion", writes=("insert",)),
        dependent("melodies_melodygraph"),
        dependent("melodies_melodystep"),
        dependent("melodies_melodyconnection"),
    ])
