"""Row-level security of triggers, what the end of a run writes for them, and what a sweep needs to start runs."""

from pathlib import Path

from django.db import migrations

from apps.core.db.operations import AddPolicies, EnableTenancy, OnDeleteInDatabase
from apps.core.db.policies import WORKER, Policy
from apps.projects.row_security import in_parent

ENDED = (Path(__file__).parent.parent / "sql" / "ended.sql").read_text()

# The schema is known when the migration runs only.
CREATE = f"""
DO $do$
BEGIN
  EXECUTE replace($body$
{ENDED}
$body$, '{{schema}}', quote_ident(current_schema()));
END
$do$;
"""
DROP = """
DROP TRIGGER IF EXISTS triggers_run_ended ON executions_execution;
DROP FUNCTION IF EXISTS triggers_run_ended();
DROP FUNCTION IF EXISTS triggers_new_id();
"""

# A trigger and its melodies belong to one organization.
TIE = """
ALTER TABLE triggers_trigger
  ADD CONSTRAINT trigger_melody_of_organization FOREIGN KEY (organization_id, melody_id)
    REFERENCES melodies_melody (organization_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT trigger_source_of_organization FOREIGN KEY (organization_id, source_melody_id)
    REFERENCES melodies_melody (organization_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
CREATE UNIQUE INDEX trigger_of_organization ON triggers_trigger (organization_id, id);
ALTER TABLE triggers_firing ADD CONSTRAINT firing_of_organization FOREIGN KEY (organization_id, trigger_id)
  REFERENCES triggers_trigger (organization_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE triggers_backfill ADD CONSTRAINT backfill_of_organization FOREIGN KEY (organization_id, trigger_id)
  REFERENCES triggers_trigger (organization_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE triggers_hooksecret ADD CONSTRAINT secret_of_organization FOREIGN KEY (organization_id, trigger_id)
  REFERENCES triggers_trigger (organization_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
"""
UNTIE = """
ALTER TABLE triggers_hooksecret DROP CONSTRAINT secret_of_organization;
ALTER TABLE triggers_backfill DROP CONSTRAINT backfill_of_organization;
ALTER TABLE triggers_firing DROP CONSTRAINT firing_of_organization;
DROP INDEX trigger_of_organization;
ALTER TABLE triggers_trigger DROP CONSTRAINT trigger_source_of_organization, DROP CONSTRAINT trigger_melody_of_organization;
"""

# These rows change a few times and are then history: leave room for the changes on their page.
STORAGE = "ALTER TABLE triggers_firing SET (fillfactor = 80);"

# The sweep starts runs for their triggers' owners: it has to make the row of a run, and to know what their teams may.
STARTS = f"""
GRANT INSERT ON executions_execution TO {WORKER};
GRANT SELECT ON accounts_teammembership TO {WORKER};
"""
STARTS_NOT = f"""
REVOKE SELECT ON accounts_teammembership FROM {WORKER};
REVOKE INSERT ON executions_execution FROM {WORKER};
"""
TEAMS = Policy(
    "worker_select",
    "select",
    (WORKER,),
    "organization_id = (SELECT app_organization_id()) OR (SELECT app_is_sweep())",
)

OF_TRIGGER = ("firing", "backfill", "hooksecret")


class Migration(migrations.Migration):
    dependencies = [
        ("triggers", "0001_initial"),
        ("accounts", "0002_people"),
        ("executions", "0014_ledger"),
        ("projects", "0003_configuration_access"),
    ]

    operations = [
        EnableTenancy("triggers_trigger", worker="select,update"),
        EnableTenancy("triggers_backfill", web="select,insert,update", worker="select,update"),
        EnableTenancy("triggers_firing", web="select,insert,update", worker="select,insert,update,delete"),
        EnableTenancy("triggers_namedevent", web="select,insert", worker="select,update,delete"),
        EnableTenancy("triggers_hooksecret", worker=""),
        AddPolicies("triggers_trigger", in_parent("triggers_trigger", "melody_id", "melodies_melody")),
        *(
            AddPolicies(
                f"triggers_{table}", in_parent(f"triggers_{table}", "trigger_id", "triggers_trigger", writes=())
            )
            for table in OF_TRIGGER
        ),
        AddPolicies("accounts_teammembership", [TEAMS]),
        migrations.RunSQL(STARTS, STARTS_NOT),
        *(
            OnDeleteInDatabase(f"triggers_{table}", column)
            for table, column in (
                ("trigger", "melody_id"),
                ("trigger", "source_melody_id"),
                ("backfill", "trigger_id"),
                ("firing", "trigger_id"),
                ("firing", "backfill_id"),
                ("hooksecret", "trigger_id"),
            )
        ),
        migrations.RunSQL(TIE, UNTIE),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(CREATE, DROP),
    ]
