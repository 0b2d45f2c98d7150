"""Whoever sees a row sees what became of it, admins also of rows that are gone. Only the triggers write."""

from __future__ import annotations

from django.db import migrations

from apps.core.db.operations import EnablePolicies
from apps.core.db.policies import OWNER, WEB, Policy

STAFF = "(SELECT app_is_staff())"
ME = "(SELECT app_user_id())"
ADMINISTERED = "ANY((SELECT app_administered_organizations())::uuid[])"
BY_A_TRIGGER = "(SELECT pg_trigger_depth()) > 0"

# history: (table of the rows, column of the organization)
HISTORIES = {
    "audit_organizationhistory": ("accounts_organization", "pgh_obj_id"),
    "audit_membershiphistory": ("accounts_membership", "organization_id"),
    "audit_teamhistory": ("accounts_team", "organization_id"),
    "audit_teammembershiphistory": ("accounts_teammembership", "organization_id"),
    "audit_projecthistory": ("projects_project", "organization_id"),
    "audit_projectaccesshistory": ("projects_projectaccess", "organization_id"),
    "audit_projectvariablehistory": ("projects_projectvariable", "organization_id"),
    "audit_melodyhistory": ("melodies_melody", "organization_id"),
    "audit_melodycommenthistory": ("melodies_melodycomment", "organization_id"),
    "audit_melodytemplatehistory": ("melodies_melodytemplate", "organization_id"),
    "audit_agenthistory": ("agents_agent", "organization_id"),
    "audit_subscriptionhistory": ("billing_subscription", "organization_id"),
    "audit_budgethistory": ("spending_budget", "organization_id"),
}
# What somebody took back in a comment is for themselves and for admins.
OWN_ONLY = {"audit_melodycommenthistory": f"author_id = {ME}"}

# Older than the entry it would be told by, or told to nobody: what is written stays.
KEEP = "".join(
    f"CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION audit_keep();\n"
    f"CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();\n"
    for table in HISTORIES
)
NO_KEEP = "".join(
    f"DROP TRIGGER audit_keep ON {table};\nDROP TRIGGER audit_keep_all ON {table};\n" for table in HISTORIES
)


def policies(table: str) -> list[Policy]:
    rows, organization = HISTORIES[table]
    # The policies of the table itself answer this, whatever they are.
    visible = f"EXISTS (SELECT FROM {rows} seen WHERE seen.id = {table}.pgh_obj_id)"
    if table in OWN_ONLY:
        visible = f"({OWN_ONLY[table]} AND {visible})"
    return [
        Policy("web_select", "select", (WEB, OWNER), f"{visible} OR {organization} = {ADMINISTERED} OR {STAFF}"),
        Policy("by_trigger", "insert", (OWNER,), BY_A_TRIGGER),
    ]


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_history")]

    operations = [
        *(EnablePolicies(table, policies(table), web="select", worker="") for table in HISTORIES),
        migrations.RunSQL(KEEP, NO_KEEP),
    ]
