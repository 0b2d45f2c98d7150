"""Histories of the rows that people edit, and the triggers that write them."""

import apps.audit.triggers
import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models

from apps.core.db.together import together


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_tokens'),
        ('accounts', '__first__'),
        ('agents', '0002_tenancy_and_rules'),
        ('audit', '0002_trail'),
        ('billing', '0002_tenancy_and_books'),
        ('melodies', '0008_agents'),
        ('projects', '0003_configuration_access'),
        ('spending', '0002_tenancy_and_functions'),
    ]

    operations = together([
        migrations.CreateModel(
            name='TeamMembershipRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('accounts.teammembership',),
        ),
        migrations.CreateModel(
            name='TeamRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('accounts.team',),
        ),
        migrations.CreateModel(
            name='SubscriptionRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('billing.subscription',),
        ),
        migrations.CreateModel(
            name='ProjectVariableRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('projects.projectvariable',),
        ),
        migrations.CreateModel(
            name='ProjectRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('projects.project',),
        ),
        migrations.CreateModel(
            name='ProjectAccessRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('projects.projectaccess',),
        ),
        migrations.CreateModel(
            name='OrganizationRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('accounts.organization',),
        ),
        migrations.CreateModel(
            name='MembershipRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('accounts.membership',),
        ),
        migrations.CreateModel(
            name='MelodyTemplateRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('melodies.melodytemplate',),
        ),
        migrations.CreateModel(
            name='MelodyRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('melodies.melody',),
        ),
        migrations.CreateModel(
            name='MelodyCommentRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('melodies.melodycomment',),
        ),
        migrations.CreateModel(
            name='BudgetRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('spending.budget',),
        ),
        migrations.CreateModel(
            name='AgentRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('agents.agent',),
        ),
        migrations.CreateModel(
            name='AgentHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('project', models.UUIDField(db_column='project_id', null=True)),
                ('name', models.TextField(null=True)),
                ('slug', models.TextField(null=True)),
                ('description', models.TextField(null=True)),
                ('framework', models.TextField(null=True)),
                ('agent_type', models.TextField(null=True)),
                ('status', models.TextField(null=True)),
                ('version', models.TextField(null=True)),
                ('resource_limits', models.JSONField(null=True)),
                ('metadata', models.JSONField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.agentrow')),
            ],
            options={
                'verbose_name': 'history of agent',
                'verbose_name_plural': 'history of agents',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_agent')],
            },
        ),
        migrations.CreateModel(
            name='BudgetHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('name', models.TextField(null=True)),
                ('scope', models.TextField(null=True)),
                ('target_id', models.UUIDField(null=True)),
                ('limit_usd', models.DecimalField(decimal_places=9, max_digits=18, null=True)),
                ('limit_tokens', models.BigIntegerField(null=True)),
                ('period', models.TextField(null=True)),
                ('on_exceed', models.TextField(null=True)),
                ('alert_at', models.BigIntegerField(null=True)),
                ('counts_mock', models.BooleanField(null=True)),
                ('active', models.BooleanField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.budgetrow')),
            ],
            options={
                'verbose_name': 'history of budget',
                'verbose_name_plural': 'history of budgets',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_budget')],
            },
        ),
        migrations.CreateModel(
            name='MelodyCommentHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('melody', models.UUIDField(db_column='melody_id', null=True)),
                ('author', models.UUIDField(db_column='author_id', null=True)),
                ('body', models.TextField(null=True)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('resolved_by', models.UUIDField(db_column='resolved_by_id', null=True)),
                ('deleted_at', models.DateTimeField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.melodycommentrow')),
            ],
            options={
                'verbose_name': 'history of melody comment',
                'verbose_name_plural': 'history of melody comments',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_comment')],
            },
        ),
        migrations.CreateModel(
            name='MelodyHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('name', models.TextField(null=True)),
                ('description', models.TextField(null=True)),
                ('status', models.TextField(null=True)),
                ('path', models.TextField(null=True)),
                ('project', models.UUIDField(db_column='project_id', null=True)),
                ('agent', models.UUIDField(db_column='agent_id', null=True)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None)),
                ('compatible_extensions', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None)),
                ('pricing_tier', models.TextField(null=True)),
                ('published_at', models.DateTimeField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.melodyrow')),
            ],
            options={
                'verbose_name': 'history of melody',
                'verbose_name_plural': 'history of melodies',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_melody')],
            },
        ),
        migrations.CreateModel(
            name='MelodyTemplateHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('name', models.TextField(null=True)),
                ('description', models.TextField(null=True)),
                ('category', models.TextField(null=True)),
                ('icon', models.TextField(null=True)),
                ('document', models.JSONField(null=True)),
                ('default_values', models.JSONField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.melodytemplaterow')),
            ],
            options={
                'verbose_name': 'history of melody template',
                'verbose_name_plural': 'history of melody templates',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_template')],
            },
        ),
        migrations.CreateModel(
            name='MembershipHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('user', models.UUIDField(db_column='user_id', null=True)),
                ('role', models.TextField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.membershiprow')),
            ],
            options={
                'verbose_name': 'history of membership',
                'verbose_name_plural': 'history of memberships',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_membership')],
            },
        ),
        migrations.CreateModel(
            name='OrganizationHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('name', models.TextField(null=True)),
                ('slug', models.TextField(null=True)),
                ('subscription_tier', models.TextField(null=True)),
                ('owner_user', models.UUIDField(db_column='owner_user_id', null=True)),
                ('settings', models.JSONField(null=True)),
                ('is_active', models.BooleanField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.organizationrow')),
            ],
            options={
                'verbose_name': 'history of organization',
                'verbose_name_plural': 'history of organizations',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_organization')],
            },
        ),
        migrations.CreateModel(
            name='ProjectAccessHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('project', models.UUIDField(db_column='project_id', null=True)),
                ('user', models.UUIDField(db_column='user_id', null=True)),
                ('team', models.UUIDField(db_column='team_id', null=True)),
                ('role', models.TextField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.projectaccessrow')),
            ],
            options={
                'verbose_name': 'history of project access',
                'verbose_name_plural': 'history of project access',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_project_access')],
            },
        ),
        migrations.CreateModel(
            name='ProjectHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('name', models.TextField(null=True)),
                ('slug', models.TextField(null=True)),
                ('description', models.TextField(null=True)),
                ('configuration', models.JSONField(null=True)),
                ('access', models.TextField(null=True)),
                ('archived_at', models.DateTimeField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.projectrow')),
            ],
            options={
                'verbose_name': 'history of project',
                'verbose_name_plural': 'history of projects',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_project')],
            },
        ),
        migrations.CreateModel(
            name='ProjectVariableHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('project', models.UUIDField(db_column='project_id', null=True)),
                ('name', models.TextField(null=True)),
                ('value', models.JSONField(null=True)),
                ('description', models.TextField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.projectvariablerow')),
            ],
            options={
                'verbose_name': 'history of project variable',
                'verbose_name_plural': 'history of project variables',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_project_variable')],
            },
        ),
        migrations.CreateModel(
            name='SubscriptionHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('plan', models.UUIDField(db_column='plan_id', null=True)),
                ('status', models.TextField(null=True)),
                ('current_period_start', models.DateTimeField(null=True)),
                ('current_period_end', models.DateTimeField(null=True)),
                ('cancel_at_period_end', models.BooleanField(null=True)),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('fallback_tier', models.TextField(null=True)),
                ('provider', models.TextField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.subscriptionrow')),
            ],
            options={
                'verbose_name': 'history of subscription',
                'verbose_name_plural': 'history of subscriptions',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_subscription')],
            },
        ),
        migrations.CreateModel(
            name='TeamHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('name', models.TextField(null=True)),
                ('description', models.TextField(null=True)),
                ('settings', models.JSONField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.teamrow')),
            ],
            options={
                'verbose_name': 'history of team',
                'verbose_name_plural': 'history of teams',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_team')],
            },
        ),
        migrations.CreateModel(
            name='TeamMembershipHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('team', models.UUIDField(db_column='team_id', null=True)),
                ('user', models.UUIDField(db_column='user_id', null=True)),
                ('role', models.TextField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.teammembershiprow')),
            ],
            options={
                'verbose_name': 'history of team membership',
                'verbose_name_plural': 'history of team memberships',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_team_membership')],
            },
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='teammembershiprow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_teammembershiphistory" ("organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "team_id", "user_id") VALUES (NEW."organization_id", NOW(), \'created\', NEW."id", NEW."role", NEW."team_id", NEW."user_id"); RETURN NULL;', hash='2815f69c6e0f2788e91003ca2ebe940f24069520', operation='INSERT', pgid='pgtrigger_created_insert_7ca15', table='accounts_teammembership', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='teammembershiprow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."role" IS DISTINCT FROM (NEW."role") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id"))', func='INSERT INTO "audit_teammembershiphistory" ("organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "team_id", "user_id") VALUES (NEW."organization_id", NOW(), \'changed\', NEW."id", NEW."role", NEW."team_id", NEW."user_id"); RETURN NULL;', hash='cfb7da07c5094464688aece857029aa266ecdb6d', operation='UPDATE', pgid='pgtrigger_changed_update_e1dbf', table='accounts_teammembership', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='teammembershiprow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_teammembershiphistory" ("organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "team_id", "user_id") VALUES (OLD."organization_id", NOW(), \'deleted\', OLD."id", OLD."role", OLD."team_id", OLD."user_id"); RETURN NULL;', hash='624806ceb2be6d88468a4cf65f0e1dd90369fdee', operation='DELETE', pgid='pgtrigger_deleted_delete_f90d1', table='accounts_teammembership', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='teamrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_teamhistory" ("description", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "settings") VALUES (NEW."description", NEW."name", NEW."organization_id", NOW(), \'created\', NEW."id", NEW."settings"); RETURN NULL;', hash='528a9e542f2a30f877dd2132255df1960cb8541a', operation='INSERT', pgid='pgtrigger_created_insert_d7122', table='accounts_team', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='teamrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."settings" IS DISTINCT FROM (NEW."settings"))', func='INSERT INTO "audit_teamhistory" ("description", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "settings") VALUES (NEW."description", NEW."name", NEW."organization_id", NOW(), \'changed\', NEW."id", NEW."settings"); RETURN NULL;', hash='e66b78542d1b58c316ac103fc885e701757e7b12', operation='UPDATE', pgid='pgtrigger_changed_update_92db6', table='accounts_team', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='teamrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_teamhistory" ("description", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "settings") VALUES (OLD."description", OLD."name", OLD."organization_id", NOW(), \'deleted\', OLD."id", OLD."settings"); RETURN NULL;', hash='2482875f1921a027e551e3408193274231c19b41', operation='DELETE', pgid='pgtrigger_deleted_delete_0083c', table='accounts_team', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='subscriptionrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_subscriptionhistory" ("cancel_at_period_end", "cancelled_at", "current_period_end", "current_period_start", "ended_at", "fallback_tier", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_id", "provider", "started_at", "status") VALUES (NEW."cancel_at_period_end", NEW."cancelled_at", NEW."current_period_end", NEW."current_period_start", NEW."ended_at", NEW."fallback_tier", NEW."organization_id", NOW(), \'created\', NEW."id", NEW."plan_id", NEW."provider", NEW."started_at", NEW."status"); RETURN NULL;', hash='e8ab5a89731ec2ef4fceece16429d955725a14ef', operation='INSERT', pgid='pgtrigger_created_insert_8d656', table='billing_subscription', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='subscriptionrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."cancel_at_period_end" IS DISTINCT FROM (NEW."cancel_at_period_end") OR OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."current_period_end" IS DISTINCT FROM (NEW."current_period_end") OR OLD."current_period_start" IS DISTINCT FROM (NEW."current_period_start") OR OLD."ended_at" IS DISTINCT FROM (NEW."ended_at") OR OLD."fallback_tier" IS DISTINCT FROM (NEW."fallback_tier") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."plan_id" IS DISTINCT FROM (NEW."plan_id") OR OLD."provider" IS DISTINCT FROM (NEW."provider") OR OLD."started_at" IS DISTINCT FROM (NEW."started_at") OR OLD."status" IS DISTINCT FROM (NEW."status"))', func='INSERT INTO "audit_subscriptionhistory" ("cancel_at_period_end", "cancelled_at", "current_period_end", "current_period_start", "ended_at", "fallback_tier", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_id", "provider", "started_at", "status") VALUES (NEW."cancel_at_period_end", NEW."cancelled_at", NEW."current_period_end", NEW."current_period_start", NEW."ended_at", NEW."fallback_tier", NEW."organization_id", NOW(), \'changed\', NEW."id", NEW."plan_id", NEW."provider", NEW."started_at", NEW."status"); RETURN NULL;', hash='082b690c54665c63733c1c0815a1300b4c705ddb', operation='UPDATE', pgid='pgtrigger_changed_update_4a69b', table='billing_subscription', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='subscriptionrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_subscriptionhistory" ("cancel_at_period_end", "cancelled_at", "current_period_end", "current_period_start", "ended_at", "fallback_tier", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_id", "provider", "started_at", "status") VALUES (OLD."cancel_at_period_end", OLD."cancelled_at", OLD."current_period_end", OLD."current_period_start", OLD."ended_at", OLD."fallback_tier", OLD."organization_id", NOW(), \'deleted\', OLD."id", OLD."plan_id", OLD."provider", OLD."started_at", OLD."status"); RETURN NULL;', hash='6a36f6f7139b788b898043dfbb875e6c309c1647', operation='DELETE', pgid='pgtrigger_deleted_delete_2ee1b', table='billing_subscription', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='projectvariablerow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_projectvariablehistory" ("description", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "value") VALUES (NEW."description", NEW."name", NEW."organization_id", NOW(), \'created\', NEW."id", NEW."project_id", NEW."value"); RETURN NULL;', hash='8e712806914ee4ab757e6032e5301a07f7ad0150', operation='INSERT', pgid='pgtrigger_created_insert_661c1', table='projects_projectvariable', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='projectvariablerow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."value" IS DISTINCT FROM (NEW."value"))', func='INSERT INTO "audit_projectvariablehistory" ("description", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "value") VALUES (NEW."description", NEW."name", NEW."organization_id", NOW(), \'changed\', NEW."id", NEW."project_id", NEW."value"); RETURN NULL;', hash='471fdfa9355a8677220333a47eabcdfa42e0253c', operation='UPDATE', pgid='pgtrigger_changed_update_0be79', table='projects_projectvariable', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='projectvariablerow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_projectvariablehistory" ("description", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "value") VALUES (OLD."description", OLD."name", OLD."organization_id", NOW(), \'deleted\', OLD."id", OLD."project_id", OLD."value"); RETURN NULL;', hash='867e2370f2fd71e0f6ca79c7b5aa38524d27036b', operation='DELETE', pgid='pgtrigger_deleted_delete_de777', table='projects_projectvariable', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='projectrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_projecthistory" ("access", "archived_at", "configuration", "description", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug") VALUES (NEW."access", NEW."archived_at", NEW."configuration", NEW."description", NEW."name", NEW."organization_id", NOW(), \'created\', NEW."id", NEW."slug"); RETURN NULL;', hash='1a6f72e5dc88f6c5c80ba7a69af90e359ebdbb78', operation='INSERT', pgid='pgtrigger_created_insert_0734c', table='projects_project', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='projectrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."access" IS DISTINCT FROM (NEW."access") OR OLD."archived_at" IS DISTINCT FROM (NEW."archived_at") OR OLD."configuration" IS DISTINCT FROM (NEW."configuration") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."slug" IS DISTINCT FROM (NEW."slug"))', func='INSERT INTO "audit_projecthistory" ("access", "archived_at", "configuration", "description", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug") VALUES (NEW."access", NEW."archived_at", NEW."configuration", NEW."description", NEW."name", NEW."organization_id", NOW(), \'changed\', NEW."id", NEW."slug"); RETURN NULL;', hash='11fd976f4556cf7f41a201e90a3c4a0e15417616', operation='UPDATE', pgid='pgtrigger_changed_update_cf4a7', table='projects_project', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='projectrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_projecthistory" ("access", "archived_at", "configuration", "description", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug") VALUES (OLD."access", OLD."archived_at", OLD."configuration", OLD."description", OLD."name", OLD."organization_id", NOW(), \'deleted\', OLD."id", OLD."slug"); RETURN NULL;', hash='03f5cac6f09b8dca42ee2c8e8471eac018f209ec', operation='DELETE', pgid='pgtrigger_deleted_delete_cb102', table='projects_project', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='projectaccessrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_projectaccesshistory" ("organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "role", "team_id", "user_id") VALUES (NEW."organization_id", NOW(), \'created\', NEW."id", NEW."project_id", NEW."role", NEW."team_id", NEW."user_id"); RETURN NULL;', hash='67f1c01079cbdbaee72b950f88d282d385cf34db', operation='INSERT', pgid='pgtrigger_created_insert_cfb70', table='projects_projectaccess', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='projectaccessrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."role" IS DISTINCT FROM (NEW."role") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id"))', func='INSERT INTO "audit_projectaccesshistory" ("organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "role", "team_id", "user_id") VALUES (NEW."organization_id", NOW(), \'changed\', NEW."id", NEW."project_id", NEW."role", NEW."team_id", NEW."user_id"); RETURN NULL;', hash='1168893a6ab92c47d79e7606accb92e9e107b6ce', operation='UPDATE', pgid='pgtrigger_changed_update_c1c25', table='projects_projectaccess', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='projectaccessrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_projectaccesshistory" ("organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "role", "team_id", "user_id") VALUES (OLD."organization_id", NOW(), \'deleted\', OLD."id", OLD."project_id", OLD."role", OLD."team_id", OLD."user_id"); RETURN NULL;', hash='4fdd8911795046f1ddf55c595ef08bd9bea242e7', operation='DELETE', pgid='pgtrigger_deleted_delete_65331', table='projects_projectaccess', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='organizationrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_organizationhistory" ("is_active", "name", "owner_user_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "settings", "slug", "subscription_tier") VALUES (NEW."is_active", NEW."name", NEW."owner_user_id", NOW(), \'created\', NEW."id", NEW."settings", NEW."slug", NEW."subscription_tier"); RETURN NULL;', hash='dab21596418c3a4f7966b0f36bb270dbacbd565e', operation='INSERT', pgid='pgtrigger_created_insert_fe3fb', table='accounts_organization', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='organizationrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."owner_user_id" IS DISTINCT FROM (NEW."owner_user_id") OR OLD."settings" IS DISTINCT FROM (NEW."settings") OR OLD."slug" IS DISTINCT FROM (NEW."slug") OR OLD."subscription_tier" IS DISTINCT FROM (NEW."subscription_tier"))', func='INSERT INTO "audit_organizationhistory" ("is_active", "name", "owner_user_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "settings", "slug", "subscription_tier") VALUES (NEW."is_active", NEW."name", NEW."owner_user_id", NOW(), \'changed\', NEW."id", NEW."settings", NEW."slug", NEW."subscription_tier"); RETURN NULL;', hash='f304b5d3cfe6e3d2256d1d8d613c9aaf3de39b9b', operation='UPDATE', pgid='pgtrigger_changed_update_9c423', table='accounts_organization', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='organizationrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_organizationhistory" ("is_active", "name", "owner_user_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "settings", "slug", "subscription_tier") VALUES (OLD."is_active", OLD."name", OLD."owner_user_id", NOW(), \'deleted\', OLD."id", OLD."settings", OLD."slug", OLD."subscription_tier"); RETURN NULL;', hash='3c67e5d7e4c671bb76bc24d5f79a33151350482a', operation='DELETE', pgid='pgtrigger_deleted_delete_5ff6c', table='accounts_organization', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='membershiprow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_membershiphistory" ("organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "user_id") VALUES (NEW."organization_id", NOW(), \'created\', NEW."id", NEW."role", NEW."user_id"); RETURN NULL;', hash='8fdbbd6a246e7d74d9a3706bfbc3ce57cec560b1', operation='INSERT', pgid='pgtrigger_created_insert_2d4a6', table='accounts_membership', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='membershiprow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."role" IS DISTINCT FROM (NEW."role") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id"))', func='INSERT INTO "audit_membershiphistory" ("organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "user_id") VALUES (NEW."organization_id", NOW(), \'changed\', NEW."id", NEW."role", NEW."user_id"); RETURN NULL;', hash='909a6e4149e156a63fc1201bcfd20364a565172b', operation='UPDATE', pgid='pgtrigger_changed_update_b0e7e', table='accounts_membership', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='membershiprow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_membershiphistory" ("organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "user_id") VALUES (OLD."organization_id", NOW(), \'deleted\', OLD."id", OLD."role", OLD."user_id"); RETURN NULL;', hash='cfb35e52b7c9ad7a7eb7ebd7f8aa827e2e925c01', operation='DELETE', pgid='pgtrigger_deleted_delete_c7274', table='accounts_membership', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='melodytemplaterow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_melodytemplatehistory" ("category", "default_values", "description", "document", "icon", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."category", NEW."default_values", NEW."description", NEW."document", NEW."icon", NEW."name", NEW."organization_id", NOW(), \'created\', NEW."id"); RETURN NULL;', hash='38c8be61bbff746b7791ffdf22731d3930be0806', operation='INSERT', pgid='pgtrigger_created_insert_f0f80', table='melodies_melodytemplate', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='melodytemplaterow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."category" IS DISTINCT FROM (NEW."category") OR OLD."default_values" IS DISTINCT FROM (NEW."default_values") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."document" IS DISTINCT FROM (NEW."document") OR OLD."icon" IS DISTINCT FROM (NEW."icon") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id"))', func='INSERT INTO "audit_melodytemplatehistory" ("category", "default_values", "description", "document", "icon", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."category", NEW."default_values", NEW."description", NEW."document", NEW."icon", NEW."name", NEW."organization_id", NOW(), \'changed\', NEW."id"); RETURN NULL;', hash='c9d332f2ff462b155c867c1bf3974747431cff90', operation='UPDATE', pgid='pgtrigger_changed_update_5a69c', table='melodies_melodytemplate', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='melodytemplaterow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_melodytemplatehistory" ("category", "default_values", "description", "document", "icon", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."category", OLD."default_values", OLD."description", OLD."document", OLD."icon", OLD."name", OLD."organization_id", NOW(), \'deleted\', OLD."id"); RETURN NULL;', hash='efbf09db3a5bb1edb56bd9d53cd04a957580e4fc', operation='DELETE', pgid='pgtrigger_deleted_delete_364e5', table='melodies_melodytemplate', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='melodyrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_melodyhistory" ("agent_id", "compatible_extensions", "description", "name", "organization_id", "path", "pgh_created_at", "pgh_label", "pgh_obj_id", "pricing_tier", "project_id", "published_at", "status", "tags") VALUES (NEW."agent_id", NEW."compatible_extensions", NEW."description", NEW."name", NEW."organization_id", NEW."path", NOW(), \'created\', NEW."id", NEW."pricing_tier", NEW."project_id", NEW."published_at", NEW."status", NEW."tags"); RETURN NULL;', hash='2f4a83af6983873b14e993fb7fba963d18e467d3', operation='INSERT', pgid='pgtrigger_created_insert_8f352', table='melodies_melody', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='melodyrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."agent_id" IS DISTINCT FROM (NEW."agent_id") OR OLD."compatible_extensions" IS DISTINCT FROM (NEW."compatible_extensions") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."path" IS DISTINCT FROM (NEW."path") OR OLD."pricing_tier" IS DISTINCT FROM (NEW."pricing_tier") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."published_at" IS DISTINCT FROM (NEW."published_at") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."tags" IS DISTINCT FROM (NEW."tags"))', func='INSERT INTO "audit_melodyhistory" ("agent_id", "compatible_extensions", "description", "name", "organization_id", "path", "pgh_created_at", "pgh_label", "pgh_obj_id", "pricing_tier", "project_id", "published_at", "status", "tags") VALUES (NEW."agent_id", NEW."compatible_extensions", NEW."description", NEW."name", NEW."organization_id", NEW."path", NOW(), \'changed\', NEW."id", NEW."pricing_tier", NEW."project_id", NEW."published_at", NEW."status", NEW."tags"); RETURN NULL;', hash='418c0494c19bc7c6b220094ab6583ccdcfd721f6', operation='UPDATE', pgid='pgtrigger_changed_update_639f0', table='melodies_melody', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='melodyrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_melodyhistory" ("agent_id", "compatible_extensions", "description", "name", "organization_id", "path", "pgh_created_at", "pgh_label", "pgh_obj_id", "pricing_tier", "project_id", "published_at", "status", "tags") VALUES (OLD."agent_id", OLD."compatible_extensions", OLD."description", OLD."name", OLD."organization_id", OLD."path", NOW(), \'deleted\', OLD."id", OLD."pricing_tier", OLD."project_id", OLD."published_at", OLD."status", OLD."tags"); RETURN NULL;', hash='7a42d73d67e6a375359ce7f9893b4cc8e8f70577', operation='DELETE', pgid='pgtrigger_deleted_delete_6d0da', table='melodies_melody', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='melodycommentrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_melodycommenthistory" ("author_id", "body", "deleted_at", "melody_id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "resolved_at", "resolved_by_id") VALUES (NEW."author_id", NEW."body", NEW."deleted_at", NEW."melody_id", NEW."organization_id", NOW(), \'created\', NEW."id", NEW."resolved_at", NEW."resolved_by_id"); RETURN NULL;', hash='2707f2a21d07267006ee07b80accaa57ec604561', operation='INSERT', pgid='pgtrigger_created_insert_1cdd0', table='melodies_melodycomment', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='melodycommentrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."author_id" IS DISTINCT FROM (NEW."author_id") OR OLD."body" IS DISTINCT FROM (NEW."body") OR OLD."deleted_at" IS DISTINCT FROM (NEW."deleted_at") OR OLD."melody_id" IS DISTINCT FROM (NEW."melody_id") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."resolved_at" IS DISTINCT FROM (NEW."resolved_at") OR OLD."resolved_by_id" IS DISTINCT FROM (NEW."resolved_by_id"))', func='INSERT INTO "audit_melodycommenthistory" ("author_id", "body", "deleted_at", "melody_id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "resolved_at", "resolved_by_id") VALUES (NEW."author_id", NEW."body", NEW."deleted_at", NEW."melody_id", NEW."organization_id", NOW(), \'changed\', NEW."id", NEW."resolved_at", NEW."resolved_by_id"); RETURN NULL;', hash='f45e94ba151dbc74e58517d2fd6fff90783f4218', operation='UPDATE', pgid='pgtrigger_changed_update_d725c', table='melodies_melodycomment', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='melodycommentrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_melodycommenthistory" ("author_id", "body", "deleted_at", "melody_id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "resolved_at", "resolved_by_id") VALUES (OLD."author_id", OLD."body", OLD."deleted_at", OLD."melody_id", OLD."organization_id", NOW(), \'deleted\', OLD."id", OLD."resolved_at", OLD."resolved_by_id"); RETURN NULL;', hash='c841739b7a09d29f2ac08b0a2b7414ced1adfc15', operation='DELETE', pgid='pgtrigger_deleted_delete_f4249', table='melodies_melodycomment', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='budgetrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_budgethistory" ("active", "alert_at", "counts_mock", "limit_tokens", "limit_usd", "name", "on_exceed", "organization_id", "period", "pgh_created_at", "pgh_label", "pgh_obj_id", "scope", "target_id") VALUES (NEW."active", NEW."alert_at", NEW."counts_mock", NEW."limit_tokens", NEW."limit_usd", NEW."name", NEW."on_exceed", NEW."organization_id", NEW."period", NOW(), \'created\', NEW."id", NEW."scope", NEW."target_id"); RETURN NULL;', hash='c3e1d9ae94934e5caa9a985cadd6b35f62d15f5a', operation='INSERT', pgid='pgtrigger_created_insert_5bb4d', table='spending_budget', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='budgetrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."active" IS DISTINCT FROM (NEW."active") OR OLD."alert_at" IS DISTINCT FROM (NEW."alert_at") OR OLD."counts_mock" IS DISTINCT FROM (NEW."counts_mock") OR OLD."limit_tokens" IS DISTINCT FROM (NEW."limit_tokens") OR OLD."limit_usd" IS DISTINCT FROM (NEW."limit_usd") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."on_exceed" IS DISTINCT FROM (NEW."on_exceed") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."period" IS DISTINCT FROM (NEW."period") OR OLD."scope" IS DISTINCT FROM (NEW."scope") OR OLD."target_id" IS DISTINCT FROM (NEW."target_id"))', func='INSERT INTO "audit_budgethistory" ("active", "alert_at", "counts_mock", "limit_tokens", "limit_usd", "name", "on_exceed", "organization_id", "period", "pgh_created_at", "pgh_label", "pgh_obj_id", "scope", "target_id") VALUES (NEW."active", NEW."alert_at", NEW."counts_mock", NEW."limit_tokens", NEW."limit_usd", NEW."name", NEW."on_exceed", NEW."organization_id", NEW."period", NOW(), \'changed\', NEW."id", NEW."scope", NEW."target_id"); RETURN NULL;', hash='e14bdc023b8f0c06e4fdb98724a34f18f33b4394', operation='UPDATE', pgid='pgtrigger_changed_update_2a72a', table='spending_budget', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='budgetrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_budgethistory" ("active", "alert_at", "counts_mock", "limit_tokens", "limit_usd", "name", "on_exceed", "organization_id", "period", "pgh_created_at", "pgh_label", "pgh_obj_id", "scope", "target_id") VALUES (OLD."active", OLD."alert_at", OLD."counts_mock", OLD."limit_tokens", OLD."limit_usd", OLD."name", OLD."on_exceed", OLD."organization_id", OLD."period", NOW(), \'deleted\', OLD."id", OLD."scope", OLD."target_id"); RETURN NULL;', hash='651df59a3b6f5cf69aa6f2971c322162ca9d65cd', operation='DELETE', pgid='pgtrigger_deleted_delete_4317a', table='spending_budget', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='agentrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_agenthistory" ("agent_type", "description", "framework", "metadata", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "resource_limits", "slug", "status", "version") VALUES (NEW."agent_type", NEW."description", NEW."framework", NEW."metadata", NEW."name", NEW."organization_id", NOW(), \'created\', NEW."id", NEW."project_id", NEW."resource_limits", NEW."slug", NEW."status", NEW."version"); RETURN NULL;', hash='fe16bfe04f5c7aedc7e41fd018f44f2b0940a2f3', operation='INSERT', pgid='pgtrigger_created_insert_ad5b2', table='agents_agent', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='agentrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."agent_type" IS DISTINCT FROM (NEW."agent_type") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."framework" IS DISTINCT FROM (NEW."framework") OR OLD."metadata" IS DISTINCT FROM (NEW."metadata") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."resource_limits" IS DISTINCT FROM (NEW."resource_limits") OR OLD."slug" IS DISTINCT FROM (NEW."slug") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."version" IS DISTINCT FROM (NEW."version"))', func='INSERT INTO "audit_agenthistory" ("agent_type", "description", "framework", "metadata", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "resource_limits", "slug", "status", "version") VALUES (NEW."agent_type", NEW."description", NEW."framework", NEW."metadata", NEW."name", NEW."organization_id", NOW(), \'changed\', NEW."id", NEW."project_id", NEW."resource_limits", NEW."slug", NEW."status", NEW."version"); RETURN NULL;', hash='e2662e7ebae6bd490082293a20d4134f94858b6f', operation='UPDATE', pgid='pgtrigger_changed_update_f2d3c', table='agents_agent', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='agentrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_agenthistory" ("agent_type", "description", "framework", "metadata", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "resource_limits", "slug", "status", "version") VALUES (OLD."agent_type", OLD."description", OLD."framework", OLD."metadata", OLD."name", OLD."organization_id", NOW(), \'deleted\', OLD."id", OLD."project_id", OLD."resource_limits", OLD."slug", OLD."status", OLD."version"); RETURN NULL;', hash='5d0568647ae8553e6d961b4f2f8ec82e3186b8a4', operation='DELETE', pgid='pgtrigger_deleted_delete_0d08b', table='agents_agent', when='AFTER')),
        ),
    ])
