"""The ledger's functions as they are in sql/ now: a run begins with one change of its row instead of two."""

from importlib import import_module

from django.db import migrations

LEDGER = import_module("apps.executions.migrations.0014_ledger")


class Migration(migrations.Migration):
    dependencies = [("executions", "0015_few_wakeups")]

    operations = [
        migrations.RunSQL(LEDGER.DROP, migrations.RunSQL.noop),
        migrations.RunSQL(LEDGER.LEDGER, migrations.RunSQL.noop),
    ]
