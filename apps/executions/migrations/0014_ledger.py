"""The ledger's functions as they are in sql/ now."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent.parent / "sql"
PARTS = (
    "rules", "measures", "claim", "window", "gates", "pools", "tokens", "arbiter", "settle", "frames", "withdraw", "compensate", "nesting",
    "finish", "waiting", "runs", "launch", "pausing", "control", "fork", "timeouts", "sweep", "workers", "statistics", "store", "forgetting", "explain", "predict", "gauges",
    "plans",
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


class Migration(migrations.Migration):
    dependencies = [("executions", "0013_store")]

    operations = [
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
        migrations.RunSQL(LEDGER, migrations.RunSQL.noop),
    ]
