import apps.core.ids
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from apps.core.db.together import together


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('accounts', '__first__'),
        ('executions', '0002_ledger'),
        ('melodies', '0002_tenancy_and_immutable_versions'),
    ]

    operations = together([
        migrations.CreateModel(
            name='CachedResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('output', models.JSONField(null=True)),
                ('output_ref', models.CharField(max_length=64, null=True)),
                ('task_id', models.UUIDField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('expires_at', models.DateTimeField(null=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'key'), name='cached_result_key')],
            },
        ),
        migrations.CreateModel(
            name='Conversation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.UUIDField()),
                ('name', models.TextField()),
                ('record', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'scope', 'name'), name='conversation_name')],
            },
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('task_id', models.UUIDField()),
                ('attempt', models.SmallIntegerField()),
                ('person', models.TextField()),
                ('role', models.TextField()),
                ('decision', models.TextField(choices=[('approve', 'approve'), ('reject', 'reject')])),
                ('comment', models.TextField(blank=True)),
                ('decided_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('task_id', 'attempt', 'user'), name='decision_once'), models.CheckConstraint(condition=models.Q(('decision__in', ['approve', 'reject'])), name='decision_known')],
            },
        ),
        migrations.CreateModel(
            name='Signal',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.TextField()),
                ('payload', models.JSONField(null=True)),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('consumed_by', models.UUIDField(null=True)),
                ('execution', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='executions.execution')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('sent_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['execution', 'name', 'id'], name='signal_by_name')],
            },
        ),
        migrations.AddField(
            model_name='execution',
            name='compensation',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='execution',
            name='deadline_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='execution',
            name='max_parallel',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='execution',
            name='max_tasks',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='expansion',
            name='base',
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='expansion',
            name='phase',
            field=models.SmallIntegerField(db_default=1),
        ),
        migrations.AddField(
            model_name='expansion',
            name='round_first',
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='expansion',
            name='watch',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='frame',
            name='ancestors',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), null=True, size=None),
        ),
        migrations.AddField(
            model_name='frame',
            name='depth',
            field=models.SmallIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='frame',
            name='home',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='frame',
            name='inputs',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='frame',
            name='stripe',
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='frame',
            name='version_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='plannode',
            name='compensates',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='plannode',
            name='exclusive',
            field=models.TextField(null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='begun_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='carry',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='gate',
            field=models.TextField(null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='retries',
            field=models.SmallIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='task',
            name='wait',
            field=models.TextField(null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='wait_key',
            field=models.TextField(null=True),
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('completed_at__isnull', True), ('deadline_at__isnull', False)), fields=['deadline_at'], name='execution_deadline'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('status', 'waiting'), ('wait__in', ['approval', 'signal'])), fields=['organization', 'wait', 'execution', 'wait_key'], name='task_waiting_for'),
        ),
    ])
