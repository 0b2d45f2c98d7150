"""The ledger's functions as they are in sql/ now, and policies for what waiting, caching and nesting need."""

from pathlib import Path

from django.db import migrations

from apps.core.db.operations import EnableTenancy

FOLDER = Path(__file__).parent.parent / "sql"
PARTS = (
    "rules", "claim", "window", "gates", "settle", "frames", "withdraw", "compensate", "nesting", "finish", "waiting", "runs",
    "sweep", "plans",
)  # fmt: skip
LEDGER = "\n".join((FOLDER / f"{part}.sql").read_text() for part in PARTS)

# Signatures and row types change from version to version, which CREATE OR REPLACE refuses.
DROP = r"""
DO $$
DECLARE
  f record;
BEGIN
  FOR f IN
    SELECT p.oid::regprocedure AS name FROM pg_proc p
    WHERE p.proname LIKE 'ledger\_%' AND p.pronamespace = current_schema()::regnamespace
  LOOP
    EXECUTE format('DROP FUNCTION %s CASCADE', f.name);
  END LOOP;
END $$;
"""

# The virtual task at the end of a list of steps was called as a step kind is called now.
RENAME = """
UPDATE executions_plannode SET kind = 'join', name = 'join' WHERE kind = 'end';
UPDATE executions_task SET kind = 'join', name = 'join' WHERE kind = 'end';
UPDATE executions_task SET wait = CASE WHEN due_at IS NULL THEN 'frames' ELSE 'timer' END WHERE status = 'waiting';
"""


class Migration(migrations.Migration):
    dependencies = [("executions", "0003_rounds_waiting_nesting")]

    operations = [
        EnableTenancy("executions_decision", web="select,insert", worker="select"),
        EnableTenancy("executions_signal", web="select,insert,update", worker="select,insert,update"),
        EnableTenancy("executions_cachedresult", web="select", worker="select,insert,update,delete"),
        EnableTenancy("executions_conversation", web="select", worker="select,insert,update"),
        migrations.RunSQL(RENAME, migrations.RunSQL.noop),
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
        migrations.RunSQL(LEDGER, migrations.RunSQL.noop),
    ]
