"""What runs have used and how they went, pauses, statistics of melodies; the ledger's functions as they are in sql/ now."""

from pathlib import Path

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models

from apps.core.db.operations import EnableTenancy
from apps.core.db.together import together


FOLDER = Path(__file__).parent.parent / "sql"
PARTS = (
    "rules", "measures", "claim", "window", "gates", "settle", "frames", "withdraw", "compensate", "nesting", "finish", "waiting",
    "runs", "pausing", "sweep", "statistics", "plans",
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

TOUCH = """
-- Row-level security holds for the owner of the tables too.
SELECT set_config('app.staff', 'on', true);
UPDATE executions_execution x SET project_id = m.project_id FROM melodies_melody m WHERE m.id = x.melody_id AND m.project_id IS NOT NULL;
CREATE FUNCTION executions_execution_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER executions_execution_touch BEFORE UPDATE ON executions_execution FOR EACH ROW
  EXECUTE FUNCTION executions_execution_touch();
"""
UNTOUCH = """
DROP TRIGGER executions_execution_touch ON executions_execution;
DROP FUNCTION executions_execution_touch();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_tokens'),
        ('executions', '0005_gates'),
        ('melodies', '0008_agents'),
        ('projects', '0003_configuration_access'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = together([
        migrations.CreateModel(
            name='MelodyStatistics',
            fields=[
                ('melody', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='statistics', serialize=False, to='melodies.melody')),
                ('executions', models.BigIntegerField(default=0)),
                ('completed', models.BigIntegerField(default=0)),
                ('failed', models.BigIntegerField(default=0)),
                ('timed_out', models.BigIntegerField(default=0)),
                ('cancelled', models.BigIntegerField(default=0)),
                ('success_rate', models.FloatField(null=True)),
                ('p50_ms', models.FloatField(null=True)),
                ('p95_ms', models.FloatField(null=True)),
                ('last_started_at', models.DateTimeField(null=True)),
                ('last_completed_at', models.DateTimeField(null=True)),
                ('cost_ms', models.FloatField(default=0)),
                ('stale', models.BooleanField(db_default=True)),
                ('marked_at', models.DateTimeField()),
                ('refreshed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='execution',
            name='agent_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='execution',
            name='paused_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='execution',
            name='paused_seconds',
            field=models.FloatField(db_default=0),
        ),
        migrations.AddField(
            model_name='execution',
            name='performance_metrics',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='execution',
            name='project',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='executions', to='projects.project'),
        ),
        migrations.AddField(
            model_name='execution',
            name='resource_usage',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='execution',
            name='resumed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='execution',
            name='updated_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name='task',
            name='cpu_ms',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='memory_kb',
            field=models.IntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='execution',
            name='correlation_id',
            field=models.UUIDField(default=uuid.uuid4),
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(fields=['melody', '-completed_at'], name='execution_ended'),
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('agent_id__isnull', False)), fields=['agent_id', '-id'], name='execution_by_agent'),
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('project__isnull', False)), fields=['project', '-id'], name='execution_by_project'),
        ),
        migrations.AddIndex(
            model_name='execution',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['updated_at'], name='execution_changed', pages_per_range=16),
        ),
        migrations.AddConstraint(
            model_name='execution',
            constraint=models.UniqueConstraint(fields=('organization', 'correlation_id'), name='execution_correlation'),
        ),
        migrations.AddField(
            model_name='melodystatistics',
            name='organization',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization'),
        ),
        migrations.AddIndex(
            model_name='melodystatistics',
            index=models.Index(condition=models.Q(('stale', True)), fields=['refreshed_at'], name='melodystatistics_stale'),
        ),
        migrations.AddIndex(
            model_name='melodystatistics',
            index=models.Index(fields=['marked_at'], name='melodystatistics_marked'),
        ),
        EnableTenancy("executions_melodystatistics", web="select", worker="select,insert,update,delete"),
        migrations.RunSQL(TOUCH, UNTOUCH),
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
        migrations.RunSQL(LEDGER, migrations.RunSQL.noop),
    ])
