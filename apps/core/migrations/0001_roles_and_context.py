"""The two group roles, and the functions that tell policies who is asking."""

from __future__ import annotations

from django.db import migrations

# Roles belong to the whole server: they may exist from another database, or be made by a migration running beside us.
CREATE_ROLES = """
DO $do$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['symphony_web', 'symphony_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'The role % does not exist and % may not create roles.', wanted, current_user
                        USING HINT = format(
                            'As a superuser run: CREATE ROLE symphony_web NOLOGIN; CREATE ROLE symphony_worker NOLOGIN; '
                            'or: ALTER ROLE %I CREATEROLE; then migrate again.', current_user);
            END;
        END IF;
        IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted AND (rolsuper OR rolbypassrls)) THEN
            RAISE EXCEPTION 'The role % is a superuser or bypasses row-level security: no tenant would be safe from another.', wanted
                USING HINT = format('As a superuser run: ALTER ROLE %I NOSUPERUSER NOBYPASSRLS;', wanted);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), wanted);
    END LOOP;
END
$do$
"""

# Transaction-local settings read NULL before their first use in a session and '' after a COMMIT: both mean nobody.
CREATE_FUNCTIONS = """
CREATE OR REPLACE FUNCTION app_user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('app.user_id', true), '')::uuid $$;

CREATE OR REPLACE FUNCTION app_organization_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('app.organization_id', true), '')::uuid $$;

CREATE OR REPLACE FUNCTION app_is_staff() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('app.staff', true), '') = 'on' $$;

CREATE OR REPLACE FUNCTION app_is_sweep() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('app.scope', true), '') = 'sweep' $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION IF EXISTS app_user_id();
DROP FUNCTION IF EXISTS app_organization_id();
DROP FUNCTION IF EXISTS app_is_staff();
DROP FUNCTION IF EXISTS app_is_sweep();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        # The roles stay when this is undone: other databases of the server may use them.
        migrations.RunSQL(CREATE_ROLES, migrations.RunSQL.noop),
        migrations.RunSQL(CREATE_FUNCTIONS, DROP_FUNCTIONS),
    ]
