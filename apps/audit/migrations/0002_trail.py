"""Who may see the trail, and why nobody changes it: policies, grants, triggers, and the functions of sql/trail.sql."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import migrations

from apps.audit.content import LARGEST
from apps.core.db.operations import EnablePolicies
from apps.core.db.policies import OWNER, WEB, WORKER, Policy

TRAIL = Path(__file__).parent.parent / "sql" / "trail.sql"
RECORD = "audit_record(uuid, uuid, uuid, text, uuid, text, text, text, text, text, text, text, text, text, jsonb, jsonb)"
TABLES = ("audit_auditentry", "audit_auditchain", "audit_auditsegment")

STAFF = "(SELECT app_is_staff())"
# Set by the functions of the trail, which run as the owner. To nobody else a policy or a grant says anything of writing.
WRITING = "(SELECT coalesce(current_setting('app.audit', true), '') = 'writing')"
ME = "(SELECT app_user_id())"
ADMINISTERED = "ANY((SELECT app_administered_organizations())::uuid[])"
MINE = "ANY((SELECT app_organizations())::uuid[])"

ENTRY_POLICIES = [
    Policy(
        "web_select",
        "select",
        (WEB, OWNER),
        # Admins what happened in their organization; everybody what they did there as long as they are in it, and what
        # concerns their own account.
        f"organization_id = {ADMINISTERED} OR (actor_id = {ME} AND organization_id = {MINE}) "
        f"OR (organization_id IS NULL AND (chain = {ME} OR actor_id = {ME})) OR {STAFF}",
    ),
    Policy("writer_all", "all", (OWNER,), WRITING),
]
OWNERS_POLICIES = [
    Policy("staff_select", "select", (OWNER,), STAFF),
    Policy("writer_all", "all", (OWNER,), WRITING),
]

TRIGGERS = """
CREATE CONSTRAINT TRIGGER audit_seal AFTER INSERT ON audit_auditentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_seal();
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit_auditentry FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit_auditsegment FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_keep BEFORE DELETE ON audit_auditchain FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit_auditentry FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit_auditsegment FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit_auditchain FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
"""
NO_TRIGGERS = """
DROP TRIGGER audit_seal ON audit_auditentry;
""" + "".join(
    f"DROP TRIGGER audit_keep ON {table}; DROP TRIGGER audit_keep_all ON {table};\n" for table in TABLES
)
# What was asked to be kept is bounded before it is sent; JSON takes a little more room here.
BOUNDS = f"""
ALTER TABLE audit_auditentry ADD CONSTRAINT audit_bounded
    CHECK (octet_length(before::text) <= {2 * LARGEST} AND octet_length(after::text) <= {2 * LARGEST});
"""
NO_BOUNDS = "ALTER TABLE audit_auditentry DROP CONSTRAINT audit_bounded;"
EXECUTE = f"""
REVOKE ALL ON FUNCTION {RECORD} FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_seal() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {RECORD} TO {WEB}, {WORKER};
"""
NO_FUNCTIONS = f"""
DROP FUNCTION audit_keep();
DROP FUNCTION audit_seal();
DROP FUNCTION {RECORD};
DROP FUNCTION audit_field(text, text);
DROP FUNCTION app_request_id();
"""


def make_functions(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
    # % is no parameter here.
    schema_editor.execute(TRAIL.read_text().replace("{schema}", schema), params=None)


def drop_functions(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(NO_FUNCTIONS, params=None)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("accounts", "0001_initial")]

    operations = [
        migrations.RunPython(make_functions, drop_functions),
        EnablePolicies("audit_auditentry", ENTRY_POLICIES, web="select", worker=""),
        EnablePolicies("audit_auditchain", OWNERS_POLICIES, web="", worker=""),
        EnablePolicies("audit_auditsegment", OWNERS_POLICIES, web="", worker=""),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
        migrations.RunSQL(BOUNDS, NO_BOUNDS),
        migrations.RunSQL(EXECUTE, migrations.RunSQL.noop),
    ]
