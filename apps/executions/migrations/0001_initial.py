import apps.core.ids
import apps.executions.states
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models

from apps.core.db.together import together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('accounts', '__first__'),
        ('melodies', '0002_tenancy_and_immutable_versions'),
    ]

    operations = together([
        migrations.CreateModel(
            name='Execution',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version_sha256', models.CharField(max_length=64)),
                ('status', models.CharField(choices=[('queued', 'queued'), ('pending', 'pending'), ('running', 'running'), ('paused', 'paused'), ('completed', 'completed'), ('failed', 'failed'), ('cancelled', 'cancelled'), ('timeout', 'timeout')], db_index=True, default=apps.executions.states.ExecutionStatus['QUEUED'], max_length=10)),
                ('status_message', models.TextField(blank=True)),
                ('input', models.JSONField(default=dict)),
                ('failures', models.IntegerField(default=0)),
                ('error_code', models.CharField(blank=True, max_length=50)),
                ('error_message', models.TextField(blank=True)),
                ('retry_count', models.IntegerField(default=0)),
                ('max_retries', models.IntegerField(default=3)),
                ('next_seq', models.IntegerField(default=0)),
                ('correlation_id', models.UUIDField(db_index=True, default=uuid.uuid4)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('started_at', models.DateTimeField(null=True)),
                ('completed_at', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('melody', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='executions', to='melodies.melody')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='executions', to='accounts.organization')),
                ('parent_execution', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='children', to='executions.execution')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='executions', to='melodies.melodyversion')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['organization', '-id'], name='execution_by_organization')],
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('position', models.BigIntegerField()),
                ('task_id', models.UUIDField(null=True)),
                ('event_type', models.TextField()),
                ('payload', models.JSONField(default=dict)),
                ('occurred_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
            ],
            options={
                'ordering': ['position', 'id'],
                'indexes': [models.Index(fields=['execution', 'position', 'id'], name='event_order')],
            },
        ),
        migrations.CreateModel(
            name='Artifact',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, primary_key=True, serialize=False)),
                ('task_id', models.UUIDField()),
                ('melody_id', models.UUIDField()),
                ('name', models.TextField()),
                ('artifact_type', models.TextField()),
                ('content_type', models.TextField()),
                ('content_hash', models.CharField(max_length=64)),
                ('size', models.BigIntegerField()),
                ('metadata', models.JSONField(default=dict)),
                ('quality_metrics', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['execution', 'id'], name='artifact_by_execution')],
            },
        ),
        migrations.CreateModel(
            name='Expansion',
            fields=[
                ('task_id', models.UUIDField(primary_key=True, serialize=False)),
                ('total', models.IntegerField()),
                ('next', models.IntegerField()),
                ('remaining', models.IntegerField()),
                ('stop_on_failure', models.BooleanField()),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Frame',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, primary_key=True, serialize=False)),
                ('parent_task_id', models.UUIDField()),
                ('index', models.IntegerField()),
                ('body', models.SmallIntegerField()),
                ('label', models.TextField(blank=True)),
                ('first', models.IntegerField()),
                ('size', models.IntegerField()),
                ('lineage', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ('loop', models.JSONField(null=True)),
                ('status', models.TextField(choices=[('pending', 'pending'), ('running', 'running'), ('completed', 'completed'), ('failed', 'failed'), ('cancelled', 'cancelled')], default=apps.executions.states.FrameStatus['PENDING'])),
                ('error', models.JSONField(null=True)),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('parent_task_id', 'index'), name='frame_index')],
            },
        ),
        migrations.CreateModel(
            name='PitOperation',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('task_id', models.UUIDField(null=True)),
                ('operation_type', models.TextField(choices=[('pool_allocation', 'Pool Allocation'), ('dag_tracking', 'Dag Tracking'), ('artifact_storage', 'Artifact Storage'), ('arbitration', 'Arbitration'), ('stale_management', 'Stale Management')])),
                ('operation_context', models.JSONField(default=dict)),
                ('resource_allocations', models.JSONField(default=dict)),
                ('performed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'indexes': [models.Index(fields=['execution', 'id'], name='pit_by_execution')],
            },
        ),
        migrations.CreateModel(
            name='PlanNode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('node', models.IntegerField()),
                ('name', models.TextField()),
                ('kind', models.TextField()),
                ('queue', models.TextField()),
                ('inline', models.BooleanField()),
                ('parent', models.IntegerField(null=True)),
                ('depth', models.SmallIntegerField()),
                ('params', models.JSONField()),
                ('condition', models.JSONField(null=True)),
                ('successors', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('edge_on', django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None)),
                ('open', models.IntegerField()),
                ('need', models.IntegerField()),
                ('wants', models.IntegerField()),
                ('tolerates', models.BooleanField()),
                ('handled', models.BooleanField()),
                ('ends', models.BooleanField()),
                ('reads', models.JSONField()),
                ('variables', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('options', models.JSONField()),
                ('bodies', models.JSONField()),
                ('rank', models.FloatField()),
                ('ahead', models.JSONField(null=True)),
                ('stripes', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('version', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='plan_nodes', to='melodies.melodyversion')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('version', 'node'), name='plan_node_number')],
            },
        ),
        migrations.CreateModel(
            name='Stripe',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('task_id', models.UUIDField()),
                ('stripe', models.SmallIntegerField()),
                ('size', models.IntegerField()),
                ('open', models.IntegerField()),
                ('met', models.IntegerField(db_default=0)),
                ('neutral', models.IntegerField(db_default=0)),
                ('hard', models.IntegerField(db_default=0)),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('task_id', 'stripe'), name='stripe_of_task')],
            },
        ),
        migrations.CreateModel(
            name='Task',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('version_id', models.UUIDField()),
                ('seq', models.IntegerField()),
                ('node', models.IntegerField()),
                ('name', models.TextField()),
                ('kind', models.TextField()),
                ('queue', models.TextField()),
                ('held', models.TextField(null=True)),
                ('status', models.TextField(choices=[('pending', 'pending'), ('dispatched', 'dispatched'), ('executing', 'executing'), ('waiting', 'waiting'), ('completed', 'completed'), ('failed', 'failed'), ('skipped', 'skipped'), ('cancelled', 'cancelled')])),
                ('phase', models.SmallIntegerField(db_default=0)),
                ('attempt', models.SmallIntegerField(db_default=0)),
                ('sends', models.SmallIntegerField(db_default=0)),
                ('lease', models.UUIDField(null=True)),
                ('worker', models.TextField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('open', models.IntegerField()),
                ('met', models.IntegerField(db_default=0)),
                ('neutral', models.IntegerField(db_default=0)),
                ('hard', models.IntegerField(db_default=0)),
                ('total', models.IntegerField()),
                ('need', models.IntegerField()),
                ('wants', models.IntegerField()),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('output', models.JSONField(null=True)),
                ('output_ref', models.CharField(max_length=64, null=True)),
                ('error', models.JSONField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('dispatched_at', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('completed_at', models.DateTimeField(null=True)),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
                ('frame', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='executions.frame')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('parent', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='children', to='executions.task')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='task_due'), models.Index(condition=models.Q(('held__isnull', False)), fields=['execution', 'held'], name='task_held')],
            },
        ),
        migrations.CreateModel(
            name='Variable',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.UUIDField()),
                ('name', models.TextField()),
                ('value', models.JSONField(null=True)),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('execution', 'scope', 'name'), name='variable_name')],
            },
        ),
        migrations.CreateModel(
            name='Blob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64)),
                ('size', models.BigIntegerField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'sha256'), name='blob_address')],
            },
        ),
    ])
