"""The trail, where its chains end, and what was moved to files."""

from __future__ import annotations

import apps.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.db.together import together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0003_tokens'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = together([
        migrations.CreateModel(
            name='AuditChain',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('length', models.BigIntegerField()),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'verbose_name': 'audit chain',
            },
        ),
        migrations.CreateModel(
            name='AuditSegment',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('chain', models.UUIDField()),
                ('first_sequence', models.BigIntegerField()),
                ('last_sequence', models.BigIntegerField()),
                ('previous_hash', models.CharField(blank=True, max_length=64)),
                ('last_hash', models.CharField(max_length=64)),
                ('last_occurred_at', models.DateTimeField()),
                ('file', models.CharField(max_length=200)),
                ('file_sha256', models.CharField(max_length=64)),
                ('archived_at', models.DateTimeField()),
                ('discarded_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'audit segment',
                'ordering': ['chain', 'first_sequence'],
                'constraints': [models.UniqueConstraint(fields=('chain', 'first_sequence'), name='audit_segment_begins_once'), models.CheckConstraint(condition=models.Q(('first_sequence__gte', 1), ('last_sequence__gte', models.F('first_sequence'))), name='audit_segment_range')],
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('chain', models.UUIDField()),
                ('action', models.CharField(max_length=100)),
                ('actor_kind', models.CharField(choices=[('person', 'Person'), ('token', 'Token'), ('staff', 'Staff'), ('worker', 'Worker'), ('command', 'Command')], max_length=10)),
                ('channel', models.CharField(blank=True, max_length=10)),
                ('request_id', models.CharField(blank=True, max_length=64)),
                ('correlation_id', models.CharField(blank=True, max_length=64)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('user_agent', models.CharField(blank=True, max_length=300)),
                ('target_type', models.CharField(blank=True, max_length=100)),
                ('target_id', models.CharField(blank=True, max_length=100)),
                ('target_name', models.CharField(blank=True, max_length=200)),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
                ('occurred_at', models.DateTimeField()),
                ('transaction', models.BigIntegerField()),
                ('sequence', models.BigIntegerField(null=True)),
                ('previous_hash', models.CharField(blank=True, default='', max_length=64)),
                ('hash', models.CharField(max_length=64, null=True)),
                ('actor', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.organization')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit entries',
                'ordering': ['-occurred_at', '-id'],
                'indexes': [models.Index(fields=['organization', '-occurred_at', '-id'], name='audit_by_organization'), models.Index(fields=['actor', '-occurred_at'], name='audit_by_actor'), models.Index(fields=['target_id', '-occurred_at'], name='audit_by_target'), models.Index(fields=['-occurred_at', '-id'], name='audit_by_time'), models.Index(condition=models.Q(('hash', None)), fields=['transaction', 'chain', 'id'], name='audit_unsealed')],
                'constraints': [models.UniqueConstraint(fields=('chain', 'sequence'), name='audit_chain_sequence'), models.CheckConstraint(condition=models.Q(models.Q(('hash', None), ('previous_hash', ''), ('sequence', None)), models.Q(('hash__isnull', False), ('sequence__gte', 1)), _connector='OR'), name='audit_sealed_whole'), models.CheckConstraint(condition=models.Q(('actor_kind__in', ['person', 'token', 'staff', 'worker', 'command'])), name='audit_actor_kind'), models.CheckConstraint(condition=models.Q(('organization', None), ('chain', models.F('organization')), _connector='OR'), name='audit_chain_of_organization')],
            },
        ),
    ])
