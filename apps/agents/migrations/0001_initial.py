import apps.core.ids
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from apps.core.db.together import together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0003_tokens'),
        ('accounts', '__first__'),
        ('projects', '0003_configuration_access'),
    ]

    operations = together([
        migrations.CreateModel(
            name='Agent',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255)),
                ('slug', models.SlugField(max_length=120)),
                ('description', models.TextField(blank=True)),
                ('framework', models.CharField(choices=[('langgraph', 'LangGraph'), ('agno', 'Agno'), ('crewai', 'CrewAI'), ('n8n', 'n8n')], max_length=50)),
                ('agent_type', models.CharField(choices=[('visual', 'Visual'), ('code', 'Code')], max_length=20)),
                ('status', models.CharField(choices=[('draft', 'draft'), ('active', 'active'), ('inactive', 'inactive'), ('error', 'error')], default='draft', max_length=20)),
                ('version', models.CharField(default='1.0.0', max_length=20)),
                ('deployed_at', models.DateTimeField(blank=True, null=True)),
                ('container_id', models.CharField(blank=True, max_length=255)),
                ('resource_limits', models.JSONField(blank=True, default=dict)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='agents', to='accounts.organization')),
                ('project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='agents', to='projects.project')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['organization', '-id'], name='agent_by_organization'), models.Index(fields=['organization', 'framework', '-id'], name='agent_by_framework'), models.Index(fields=['organization', 'status', '-id'], name='agent_by_status')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'slug'), name='agent_slug'), models.UniqueConstraint(fields=('organization', 'id'), name='agent_of_organization'), models.CheckConstraint(condition=models.Q(('framework__in', ['langgraph', 'agno', 'crewai', 'n8n'])), name='agent_framework'), models.CheckConstraint(condition=models.Q(('agent_type__in', ['visual', 'code'])), name='agent_type'), models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'active', 'inactive', 'error'])), name='agent_status'), models.CheckConstraint(condition=models.Q(('version__regex', '^(0|[1-9][0-9]{0,4})\\.(0|[1-9][0-9]{0,4})\\.(0|[1-9][0-9]{0,4})$')), name='agent_version_form'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='agent_name_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='AgentVersion',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('major', models.PositiveIntegerField()),
                ('minor', models.PositiveIntegerField()),
                ('patch', models.PositiveIntegerField()),
                ('config', models.JSONField(default=dict)),
                ('source', models.TextField(blank=True)),
                ('sha256', models.CharField(max_length=64)),
                ('change_summary', models.CharField(blank=True, max_length=1000)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('archived_at', models.DateTimeField(blank=True, null=True)),
                ('archive', models.BinaryField(blank=True, null=True)),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='agents.agent')),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'ordering': ['-major', '-minor', '-patch'],
                'constraints': [models.UniqueConstraint(fields=('agent', 'major', 'minor', 'patch'), name='agent_version_once'), models.UniqueConstraint(fields=('organization', 'id'), name='agent_version_of_organization'), models.CheckConstraint(condition=models.Q(models.Q(('archive__isnull', True), ('archived_at__isnull', True)), models.Q(('archive__isnull', False), ('archived_at__isnull', False)), _connector='OR'), name='agent_version_archived_whole')],
            },
        ),
        migrations.CreateModel(
            name='AgentVersionUse',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('execution_id', models.UUIDField()),
                ('used_at', models.DateTimeField()),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uses', to='agents.agentversion')),
            ],
            options={
                'indexes': [models.Index(fields=['execution_id'], name='agent_version_use_by_run')],
                'constraints': [models.UniqueConstraint(fields=('version', 'execution_id'), name='agent_version_use_once')],
            },
        ),
        migrations.CreateModel(
            name='ContainerResources',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('subscription_tier', models.CharField(choices=[('basic', 'basic'), ('pro', 'pro'), ('enterprise', 'enterprise')], max_length=20)),
                ('cpu_limit', models.PositiveIntegerField()),
                ('memory_limit_mb', models.PositiveIntegerField()),
                ('network_isolation', models.CharField(choices=[('shared', 'shared'), ('isolated', 'isolated')], max_length=20)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agent', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='resources', to='agents.agent')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'verbose_name': 'container resources',
                'verbose_name_plural': 'container resources',
                'constraints': [models.CheckConstraint(condition=models.Q(('subscription_tier__in', ['basic', 'pro', 'enterprise'])), name='container_resources_tier'), models.CheckConstraint(condition=models.Q(('network_isolation__in', ['shared', 'isolated'])), name='container_resources_isolation'), models.CheckConstraint(condition=models.Q(models.Q(('cpu_limit', 1), ('memory_limit_mb', 2048), ('subscription_tier', 'basic')), models.Q(('cpu_limit', 4), ('memory_limit_mb', 8192), ('subscription_tier', 'pro')), models.Q(('cpu_limit', 16), ('memory_limit_mb', 32768), ('subscription_tier', 'enterprise')), _connector='OR'), name='check_resource_limits'), models.CheckConstraint(condition=models.Q(models.Q(('network_isolation', 'isolated'), ('subscription_tier', 'enterprise')), models.Q(('network_isolation', 'shared'), ('subscription_tier__in', ['basic', 'pro'])), _connector='OR'), name='check_network_isolation')],
            },
        ),
        migrations.CreateModel(
            name='Deployment',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('runtime', models.CharField(default='local', max_length=40)),
                ('desired', models.CharField(choices=[('running', 'Running'), ('stopped', 'Stopped')], default='running', max_length=10)),
                ('restart_requested', models.BooleanField(default=False)),
                ('status', models.CharField(choices=[('pending', 'pending'), ('starting', 'starting'), ('running', 'running'), ('stopping', 'stopping'), ('stopped', 'stopped'), ('failed', 'failed'), ('crashed', 'crashed')], default='pending', max_length=10)),
                ('container_id', models.CharField(blank=True, max_length=255)),
                ('address', models.CharField(blank=True, max_length=255)),
                ('health', models.CharField(choices=[('unknown', 'Unknown'), ('healthy', 'Healthy'), ('unhealthy', 'Unhealthy')], default='unknown', max_length=10)),
                ('health_checked_at', models.DateTimeField(blank=True, null=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('stopped_at', models.DateTimeField(blank=True, null=True)),
                ('restart_count', models.PositiveIntegerField(default=0)),
                ('failures_in_a_row', models.PositiveIntegerField(default=0)),
                ('next_start_at', models.DateTimeField(blank=True, null=True)),
                ('error_message', models.TextField(blank=True)),
                ('logs', models.TextField(blank=True)),
                ('runner', models.CharField(blank=True, max_length=120)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deployments', to='agents.agent')),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='deployments', to='agents.agentversion')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['agent', '-id'], name='deployment_by_agent'), models.Index(condition=models.Q(('desired', 'running'), models.Q(('status__in', ['stopped', 'failed']), _negated=True), _connector='OR'), fields=['status', 'id'], name='deployment_to_reconcile')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('desired', 'running')), fields=('agent',), name='deployment_one_wanted_per_agent'), models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'starting', 'running', 'stopping', 'stopped', 'failed', 'crashed'])), name='deployment_status'), models.CheckConstraint(condition=models.Q(('desired__in', ['running', 'stopped'])), name='deployment_desired'), models.CheckConstraint(condition=models.Q(('health__in', ['unknown', 'healthy', 'unhealthy'])), name='deployment_health')],
            },
        ),
        migrations.CreateModel(
            name='MarketplaceIntegration',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('marketplace_name', models.CharField(default='hyphrki', max_length=50)),
                ('marketplace_agent_id', models.CharField(blank=True, max_length=255)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('published', 'Published'), ('unpublished', 'Unpublished'), ('error', 'Error')], default='pending', max_length=20)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('unpublished_at', models.DateTimeField(blank=True, null=True)),
                ('usage_metrics', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agent', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='integration', to='agents.agent')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', 'status'], name='integration_by_status')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'published', 'unpublished', 'error'])), name='integration_status'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'published'), _negated=True), ('published_at__isnull', False), _connector='OR'), name='integration_published_when'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'unpublished'), _negated=True), ('unpublished_at__isnull', False), _connector='OR'), name='integration_unpublished_when')],
            },
        ),
    ])
