"""Versions by semver, tags, forks, search."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from apps.core.db.operations import OnDeleteInDatabase
from apps.core.db.policies import OWNER, WEB
from apps.core.db.together import together

# pg_trgm is a trusted extension: who may create things in the database may install it. It stays when this is undone.
CREATE_TRIGRAMS = """
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        BEGIN
            CREATE EXTENSION IF NOT EXISTS pg_trgm;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION '% may not create the extension pg_trgm, which searching needs.', current_user
                    USING HINT = format('As a superuser, in this database: CREATE EXTENSION pg_trgm; or: GRANT CREATE ON DATABASE %I TO %I; then migrate again.',
                                        current_database(), current_user);
            WHEN undefined_file OR feature_not_supported THEN
                RAISE EXCEPTION 'This PostgreSQL has no extension pg_trgm, which searching needs.'
                    USING HINT = 'Install the package with the additional modules of PostgreSQL (postgresql-contrib), then migrate again.';
        END;
    END IF;
END
$do$
"""

# IMMUTABLE though array_to_string is not: of text[] it is. Bounded, because a tsvector holds a megabyte at most.
CREATE_VECTOR = """
CREATE OR REPLACE FUNCTION melody_search_vector(name text, description text, tags text[], step_names text)
RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT setweight(to_tsvector('pg_catalog.english'::regconfig, left(name, 500)), 'A')
      || setweight(to_tsvector('pg_catalog.english'::regconfig, left(description, 20000)), 'B')
      || setweight(to_tsvector('pg_catalog.english'::regconfig, pg_catalog.array_to_string(tags, ' ')), 'C')
      || setweight(to_tsvector('pg_catalog.english'::regconfig, left(step_names, 20000)), 'D')
$$
"""
DROP_VECTOR = "DROP FUNCTION melody_search_vector(text, text, text[], text)"

# What was there before: active since its first day, versions that add something each time, findable by its steps' names.
# USING, because no role may update a version, and no trigger asks then.
FILL = """
ALTER TABLE melodies_melodyversion ALTER COLUMN semver TYPE varchar(32) USING '1.' || (number - 1) || '.0';
ALTER TABLE melodies_melody NO FORCE ROW LEVEL SECURITY;
UPDATE melodies_melody m SET
  published_at = CASE WHEN m.status = 'draft' THEN NULL ELSE m.created_at END,
  step_names = coalesce((
    SELECT left(string_agg(DISTINCT step #>> '{}', ' '), 20000)
      FROM (SELECT document FROM melodies_melodyversion v WHERE v.melody_id = m.id ORDER BY v.number DESC LIMIT 1) latest,
           jsonb_path_query(latest.document, '$.**.steps[*].name ? (@.type() == "string")') step
  ), '');
ALTER TABLE melodies_melody FORCE ROW LEVEL SECURITY;
"""
# The reading of versions while it fills.
VERSIONS_OPEN = "ALTER TABLE melodies_melodyversion NO FORCE ROW LEVEL SECURITY"
VERSIONS_CLOSED = "ALTER TABLE melodies_melodyversion FORCE ROW LEVEL SECURITY"

# A reference does not leave its organization, whoever writes the row.
SAME_ORGANIZATION = """
ALTER TABLE melodies_melody ADD CONSTRAINT melody_of_organization UNIQUE (organization_id, id);
ALTER TABLE melodies_melody ADD CONSTRAINT melody_project_of_organization
  FOREIGN KEY (organization_id, project_id) REFERENCES projects_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE melodies_melodyversion ADD CONSTRAINT version_melody_of_organization
  FOREIGN KEY (organization_id, melody_id) REFERENCES melodies_melody (organization_id, id)
  ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
"""
ANY_ORGANIZATION = """
ALTER TABLE melodies_melodyversion DROP CONSTRAINT version_melody_of_organization;
ALTER TABLE melodies_melody DROP CONSTRAINT melody_project_of_organization;
ALTER TABLE melodies_melody DROP CONSTRAINT melody_of_organization;
"""

# Melodies may be deleted; versions go with them and in no other way, for nobody is granted to.
DELETE_BY_WEB = f"""
CREATE POLICY "web_delete" ON melodies_melody FOR DELETE TO {WEB}, {OWNER}
  USING (organization_id = ANY((SELECT app_writable_organizations())::uuid[]) OR (SELECT app_is_staff()));
GRANT DELETE ON melodies_melody TO {WEB};
"""
NO_DELETE_BY_WEB = f"""
REVOKE DELETE ON melodies_melody FROM {WEB};
DROP POLICY "web_delete" ON melodies_melody;
"""

SEMVER = r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}$"


class Migration(migrations.Migration):
    dependencies = [
        ("melodies", "0005_tenancy_of_graphs"),
        ("projects", "0002_tenancy_and_sealed_values"),
        ("accounts", "0001_initial"),
    ]

    operations = together([
        migrations.RunSQL(CREATE_TRIGRAMS, migrations.RunSQL.noop),
        migrations.RunSQL(CREATE_VECTOR, DROP_VECTOR),
        migrations.AddField(
            "melody",
            "tags",
            django.contrib.postgres.fields.ArrayField(models.CharField(max_length=50), blank=True, default=list),
        ),
        migrations.AddField(
            "melody",
            "creation_source",
            models.CharField(
                choices=[
                    ("user_created", "User Created"),
                    ("conductor_generated", "Conductor Generated"),
                    ("imported", "Imported"),
                    ("forked", "Forked"),
                    ("template", "Template"),
                ],
                default="user_created",
                editable=False,
                max_length=20,
            ),
        ),
        migrations.AddField(
            "melody",
            "parent",
            models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="forks",
                to="melodies.melody",
            ),
        ),
        migrations.AddField(
            "melody",
            "forked_from_version",
            models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="melodies.melodyversion",
            ),
        ),
        migrations.AddField(
            "melody",
            "compatible_extensions",
            django.contrib.postgres.fields.ArrayField(models.CharField(max_length=200), blank=True, default=list),
        ),
        migrations.AddField(
            "melody",
            "pricing_tier",
            models.CharField(
                choices=[("free", "Free"), ("premium", "Premium"), ("enterprise", "Enterprise")],
                default="free",
                max_length=10,
            ),
        ),
        migrations.AddField("melody", "step_names", models.TextField(blank=True, default="", editable=False), False),
        migrations.AddField(
            "melody",
            "published_at",
            models.DateTimeField(blank=True, default=django.utils.timezone.now, editable=False, null=True),
        ),
        migrations.AddField("melodyversion", "semver", models.CharField(default="", max_length=32), False),
        migrations.AddField(
            "melodyversion", "change_summary", models.TextField(blank=True, default="", max_length=2000), False
        ),
        migrations.RunSQL(VERSIONS_OPEN, migrations.RunSQL.noop),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(VERSIONS_CLOSED, migrations.RunSQL.noop),
        migrations.AddField(
            "melody",
            "search_vector",
            models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    models.F("name"),
                    models.F("description"),
                    models.F("tags"),
                    models.F("step_names"),
                    function="melody_search_vector",
                    output_field=django.contrib.postgres.search.SearchVectorField(),
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            "melody", models.Index(fields=["organization", "-updated_at", "-id"], name="melody_by_change")
        ),
        migrations.AddIndex(
            "melody", django.contrib.postgres.indexes.GinIndex(fields=["search_vector"], name="melody_search")
        ),
        migrations.AddIndex("melody", django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="melody_tags")),
        migrations.AddIndex(
            "melody",
            django.contrib.postgres.indexes.GinIndex(
                fields=["name"], name="melody_name_trigrams", opclasses=["gin_trgm_ops"]
            ),
        ),
        migrations.AddConstraint(
            "melody",
            models.CheckConstraint(
                condition=models.Q(status__in=["draft", "active", "archived"]), name="melody_status"
            ),
        ),
        migrations.AddConstraint(
            "melody",
            models.CheckConstraint(
                condition=models.Q(
                    ("status", "archived"),
                    models.Q(("published_at__isnull", False), ("status", "active")),
                    models.Q(("published_at__isnull", True), ("status", "draft")),
                    _connector="OR",
                ),
                name="melody_published_when_active",
            ),
        ),
        migrations.AddConstraint(
            "melody", models.CheckConstraint(condition=models.Q(tags__len__lte=20), name="melody_most_tags")
        ),
        migrations.AddConstraint(
            "melody",
            models.CheckConstraint(
                condition=models.Q(compatible_extensions__len__lte=50), name="melody_most_extensions"
            ),
        ),
        migrations.AddConstraint(
            "melody",
            models.CheckConstraint(
                condition=models.Q(
                    creation_source__in=["user_created", "conductor_generated", "imported", "forked", "template"]
                ),
                name="melody_creation_source",
            ),
        ),
        migrations.AddConstraint(
            "melody",
            models.CheckConstraint(
                condition=models.Q(pricing_tier__in=["free", "premium", "enterprise"]), name="melody_pricing_tier"
            ),
        ),
        migrations.AddConstraint(
            "melodyversion",
            models.UniqueConstraint(fields=("melody", "semver"), name="melody_version_semver"),
        ),
        migrations.AddConstraint(
            "melodyversion",
            models.CheckConstraint(condition=models.Q(semver__regex=SEMVER), name="melody_version_semver_form"),
        ),
        OnDeleteInDatabase("melodies_melody", "parent_id", "SET NULL"),
        OnDeleteInDatabase("melodies_melody", "forked_from_version_id", "SET NULL"),
        OnDeleteInDatabase("melodies_melodyversion", "melody_id"),
        OnDeleteInDatabase("melodies_melodygraph", "melody_id"),
        OnDeleteInDatabase("melodies_melodystep", "melody_id"),
        OnDeleteInDatabase("melodies_melodyconnection", "melody_id"),
        migrations.RunSQL(SAME_ORGANIZATION, ANY_ORGANIZATION),
        migrations.RunSQL(DELETE_BY_WEB, NO_DELETE_BY_WEB),
    ])
