"""The ledger's functions as they are in sql/ now: few messages are out while tasks wait in the backlog.

The backlog itself is cleaned as soon as a thousand rows have gone: its head is where they were.
"""

from importlib import import_module

from django.db import migrations

LEDGER = import_module("apps.executions.migrations.0014_ledger")

CLEANED_EARLY = """
ALTER TABLE executions_backlog SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
                                    autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
"""


class Migration(migrations.Migration):
    dependencies = [("executions", "0014_ledger")]

    operations = [
        migrations.RunSQL(LEDGER.DROP, migrations.RunSQL.noop),
        migrations.RunSQL(LEDGER.LEDGER, migrations.RunSQL.noop),
        migrations.RunSQL(CLEANED_EARLY, migrations.RunSQL.noop),
    ]
