"""The ledger's functions as they are in sql/ now: a slot claims what waits beside it in the statement that records its outcome."""

from importlib import import_module

from django.db import migrations

LEDGER = import_module("apps.executions.migrations.0014_ledger")


class Migration(migrations.Migration):
    dependencies = [("executions", "0016_begun_at_once")]

    operations = [
        migrations.RunSQL(LEDGER.DROP, migrations.RunSQL.noop),
        migrations.RunSQL(LEDGER.LEDGER, migrations.RunSQL.noop),
    ]
