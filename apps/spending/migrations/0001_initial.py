import apps.core.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.db.together import together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('accounts', '__first__'),
    ]

    operations = together([
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('scope', models.CharField(choices=[('organization', 'Organization'), ('project', 'Project'), ('melody', 'Melody')], default='organization', max_length=12)),
                ('target_id', models.UUIDField(blank=True, null=True)),
                ('limit_usd', models.DecimalField(blank=True, decimal_places=9, max_digits=18, null=True)),
                ('limit_tokens', models.BigIntegerField(blank=True, null=True)),
                ('period', models.CharField(choices=[('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('total', 'Total')], default='month', max_length=5)),
                ('on_exceed', models.CharField(choices=[('stop', 'Stop'), ('pause', 'Pause'), ('cheaper', 'Cheaper')], default='stop', max_length=7)),
                ('alert_at', models.PositiveSmallIntegerField(blank=True, help_text='Percent of the limit.', null=True)),
                ('counts_mock', models.BooleanField(default=False, help_text='Whether calls of the mock provider count.')),
                ('active', models.BooleanField(default=True, help_text='An inactive budget goes on counting and refuses nothing.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='budgets', to='accounts.organization')),
            ],
            options={
                'ordering': ('name', 'id'),
                'constraints': [models.CheckConstraint(condition=models.Q(('scope__in', ['organization', 'project', 'melody'])), name='budget_scope'), models.CheckConstraint(condition=models.Q(('period__in', ['day', 'week', 'month', 'total'])), name='budget_period'), models.CheckConstraint(condition=models.Q(('on_exceed__in', ['stop', 'pause', 'cheaper'])), name='budget_on_exceed'), models.CheckConstraint(condition=models.Q(models.Q(('scope', 'organization'), ('target_id', None)), models.Q(models.Q(('scope', 'organization'), _negated=True), models.Q(('target_id', None), _negated=True)), _connector='OR'), name='budget_target', violation_error_message='A budget of a project or melody needs its id, one of the organization has none.'), models.CheckConstraint(condition=models.Q(models.Q(('limit_tokens', None), ('limit_usd', None), _negated=True), models.Q(('limit_usd', None), ('limit_usd__gte', 0), _connector='OR'), models.Q(('limit_tokens', None), ('limit_tokens__gte', 0), _connector='OR')), name='budget_limit', violation_error_message='A budget needs a limit, in dollars or in tokens, that is not negative.'), models.CheckConstraint(condition=models.Q(('alert_at', None), ('alert_at__range', (1, 100)), _connector='OR'), name='budget_alert_at', violation_error_message='An alert is given at 1 to 100 percent.')],
            },
        ),
        migrations.CreateModel(
            name='BudgetPeriod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reserved_usd', models.DecimalField(decimal_places=9, default=0, max_digits=18)),
                ('reserved_tokens', models.BigIntegerField(default=0)),
                ('spent_usd', models.DecimalField(decimal_places=9, default=0, max_digits=18)),
                ('spent_tokens', models.BigIntegerField(default=0)),
                ('alerted_at', models.DateTimeField(null=True)),
                ('starts_at', models.DateTimeField()),
                ('budget', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='periods', to='spending.budget')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('budget', 'starts_at'), name='budget_period_once')],
            },
        ),
        migrations.CreateModel(
            name='RunTotal',
            fields=[
                ('reserved_usd', models.DecimalField(decimal_places=9, default=0, max_digits=18)),
                ('reserved_tokens', models.BigIntegerField(default=0)),
                ('spent_usd', models.DecimalField(decimal_places=9, default=0, max_digits=18)),
                ('spent_tokens', models.BigIntegerField(default=0)),
                ('alerted_at', models.DateTimeField(null=True)),
                ('execution_id', models.UUIDField(primary_key=True, serialize=False)),
                ('calls', models.IntegerField(default=0)),
                ('alert_usd', models.DecimalField(decimal_places=9, max_digits=18, null=True)),
                ('warned_at', models.DateTimeField(null=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Usage',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.UUIDField(null=True)),
                ('melody_id', models.UUIDField(null=True)),
                ('melodies', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('execution_id', models.UUIDField()),
                ('task_id', models.UUIDField()),
                ('attempt', models.IntegerField()),
                ('provider', models.CharField(max_length=50)),
                ('model', models.CharField(max_length=200)),
                ('mock', models.BooleanField()),
                ('override', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('reserved', 'Reserved'), ('settled', 'Settled'), ('released', 'Released'), ('lost', 'Lost')], default='reserved', max_length=8)),
                ('reserved_usd', models.DecimalField(decimal_places=9, max_digits=18)),
                ('reserved_tokens', models.BigIntegerField()),
                ('usd', models.DecimalField(decimal_places=9, max_digits=18)),
                ('tokens', models.BigIntegerField()),
                ('input_tokens', models.BigIntegerField(default=0)),
                ('output_tokens', models.BigIntegerField(default=0)),
                ('cache_read_tokens', models.BigIntegerField(default=0)),
                ('cache_write_tokens', models.BigIntegerField(default=0)),
                ('periods', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(null=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'verbose_name_plural': 'usage',
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['organization', 'created_at'], name='usage_by_time'), models.Index(fields=['execution_id', 'task_id'], name='usage_by_task'), models.Index(condition=models.Q(('state', 'reserved')), fields=['expires_at'], name='usage_open')],
            },
        ),
    ])
