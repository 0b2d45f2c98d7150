"""The history of triggers: written by triggers only, as those of 0003, and seen by whoever 0004 says."""

import apps.audit.triggers
import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models


from apps.core.db.operations import EnablePolicies
from apps.core.db.policies import OWNER, WEB, Policy

HISTORY = "audit_triggerhistory"
ADMINISTERED = "ANY((SELECT app_administered_organizations())::uuid[])"
SEEN = f"EXISTS (SELECT FROM triggers_trigger seen WHERE seen.id = {HISTORY}.pgh_obj_id)"
POLICIES = [
    Policy(
        "web_select", "select", (WEB, OWNER), f"{SEEN} OR organization_id = {ADMINISTERED} OR (SELECT app_is_staff())"
    ),
    Policy("by_trigger", "insert", (OWNER,), "(SELECT pg_trigger_depth()) > 0"),
]
KEEP = f"""
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON {HISTORY} FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON {HISTORY} FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
"""
NO_KEEP = f"DROP TRIGGER audit_keep ON {HISTORY};\nDROP TRIGGER audit_keep_all ON {HISTORY};\n"


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0004_history_policies'),
        ('triggers', '0002_tenancy_and_chains'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='TriggerRow',
            fields=[
            ],
            options={
                'proxy': True,
                'default_permissions': (),
                'indexes': [],
                'constraints': [],
            },
            bases=('triggers.trigger',),
        ),
        migrations.CreateModel(
            name='TriggerHistory',
            fields=[
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('pgh_request_id', models.CharField(db_default=models.Func(function='app_request_id', output_field=models.CharField()), max_length=64)),
                ('organization', models.UUIDField(db_column='organization_id', null=True)),
                ('melody', models.UUIDField(db_column='melody_id', null=True)),
                ('version', models.BigIntegerField(null=True)),
                ('kind', models.TextField(null=True)),
                ('name', models.TextField(null=True)),
                ('description', models.TextField(null=True)),
                ('state', models.TextField(null=True)),
                ('state_reason', models.TextField(null=True)),
                ('owner', models.UUIDField(db_column='owner_id', null=True)),
                ('input', models.JSONField(null=True)),
                ('mapping', models.JSONField(null=True)),
                ('filter', models.TextField(null=True)),
                ('priority', models.BigIntegerField(null=True)),
                ('cron', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None)),
                ('timezone', models.TextField(null=True)),
                ('starts_at', models.DateTimeField(null=True)),
                ('ends_at', models.DateTimeField(null=True)),
                ('jitter_seconds', models.BigIntegerField(null=True)),
                ('misfire_policy', models.TextField(null=True)),
                ('misfire_grace_seconds', models.BigIntegerField(null=True)),
                ('misfire_limit', models.BigIntegerField(null=True)),
                ('overlap', models.TextField(null=True)),
                ('concurrency_key', models.TextField(null=True)),
                ('debounce_seconds', models.FloatField(null=True)),
                ('queue_limit', models.BigIntegerField(null=True)),
                ('event_name', models.TextField(null=True)),
                ('source_melody', models.UUIDField(db_column='source_melody_id', null=True)),
                ('source_statuses', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None)),
                ('max_depth', models.BigIntegerField(null=True)),
                ('pgh_actor', models.ForeignKey(db_constraint=False, db_default=models.Func(function='app_user_id', output_field=models.UUIDField()), db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='audit.triggerrow')),
            ],
            options={
                'verbose_name': 'history of trigger',
                'verbose_name_plural': 'history of triggers',
                'ordering': ['-pgh_id'],
                'abstract': False,
                'default_permissions': ('view',),
            },
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='triggerrow',
            trigger=pgtrigger.compiler.Trigger(name='created_insert', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_triggerhistory" ("concurrency_key", "cron", "debounce_seconds", "description", "ends_at", "event_name", "filter", "input", "jitter_seconds", "kind", "mapping", "max_depth", "melody_id", "misfire_grace_seconds", "misfire_limit", "misfire_policy", "name", "organization_id", "overlap", "owner_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "queue_limit", "source_melody_id", "source_statuses", "starts_at", "state", "state_reason", "timezone", "version") VALUES (NEW."concurrency_key", NEW."cron", NEW."debounce_seconds", NEW."description", NEW."ends_at", NEW."event_name", NEW."filter", NEW."input", NEW."jitter_seconds", NEW."kind", NEW."mapping", NEW."max_depth", NEW."melody_id", NEW."misfire_grace_seconds", NEW."misfire_limit", NEW."misfire_policy", NEW."name", NEW."organization_id", NEW."overlap", NEW."owner_id", NOW(), \'created\', NEW."id", NEW."priority", NEW."queue_limit", NEW."source_melody_id", NEW."source_statuses", NEW."starts_at", NEW."state", NEW."state_reason", NEW."timezone", NEW."version"); RETURN NULL;', hash='bb007935c0d4bdaba4b595925dd4dcec5355ad65', operation='INSERT', pgid='pgtrigger_created_insert_23eef', table='triggers_trigger', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='triggerrow',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=apps.audit.triggers.HistorySql(condition='WHEN (OLD."concurrency_key" IS DISTINCT FROM (NEW."concurrency_key") OR OLD."cron" IS DISTINCT FROM (NEW."cron") OR OLD."debounce_seconds" IS DISTINCT FROM (NEW."debounce_seconds") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."ends_at" IS DISTINCT FROM (NEW."ends_at") OR OLD."event_name" IS DISTINCT FROM (NEW."event_name") OR OLD."filter" IS DISTINCT FROM (NEW."filter") OR OLD."input" IS DISTINCT FROM (NEW."input") OR OLD."jitter_seconds" IS DISTINCT FROM (NEW."jitter_seconds") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."mapping" IS DISTINCT FROM (NEW."mapping") OR OLD."max_depth" IS DISTINCT FROM (NEW."max_depth") OR OLD."melody_id" IS DISTINCT FROM (NEW."melody_id") OR OLD."misfire_grace_seconds" IS DISTINCT FROM (NEW."misfire_grace_seconds") OR OLD."misfire_limit" IS DISTINCT FROM (NEW."misfire_limit") OR OLD."misfire_policy" IS DISTINCT FROM (NEW."misfire_policy") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."overlap" IS DISTINCT FROM (NEW."overlap") OR OLD."owner_id" IS DISTINCT FROM (NEW."owner_id") OR OLD."priority" IS DISTINCT FROM (NEW."priority") OR OLD."queue_limit" IS DISTINCT FROM (NEW."queue_limit") OR OLD."source_melody_id" IS DISTINCT FROM (NEW."source_melody_id") OR OLD."source_statuses" IS DISTINCT FROM (NEW."source_statuses") OR OLD."starts_at" IS DISTINCT FROM (NEW."starts_at") OR OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."state_reason" IS DISTINCT FROM (NEW."state_reason") OR OLD."timezone" IS DISTINCT FROM (NEW."timezone") OR OLD."version" IS DISTINCT FROM (NEW."version"))', func='INSERT INTO "audit_triggerhistory" ("concurrency_key", "cron", "debounce_seconds", "description", "ends_at", "event_name", "filter", "input", "jitter_seconds", "kind", "mapping", "max_depth", "melody_id", "misfire_grace_seconds", "misfire_limit", "misfire_policy", "name", "organization_id", "overlap", "owner_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "queue_limit", "source_melody_id", "source_statuses", "starts_at", "state", "state_reason", "timezone", "version") VALUES (NEW."concurrency_key", NEW."cron", NEW."debounce_seconds", NEW."description", NEW."ends_at", NEW."event_name", NEW."filter", NEW."input", NEW."jitter_seconds", NEW."kind", NEW."mapping", NEW."max_depth", NEW."melody_id", NEW."misfire_grace_seconds", NEW."misfire_limit", NEW."misfire_policy", NEW."name", NEW."organization_id", NEW."overlap", NEW."owner_id", NOW(), \'changed\', NEW."id", NEW."priority", NEW."queue_limit", NEW."source_melody_id", NEW."source_statuses", NEW."starts_at", NEW."state", NEW."state_reason", NEW."timezone", NEW."version"); RETURN NULL;', hash='1f51fc632c3fef7e0fe2304eaed74ab5d00e2fd5', operation='UPDATE', pgid='pgtrigger_changed_update_d60ed', table='triggers_trigger', when='AFTER')),
        ),
        apps.audit.triggers.AddHistoryTrigger(
            model_name='triggerrow',
            trigger=pgtrigger.compiler.Trigger(name='deleted_delete', sql=apps.audit.triggers.HistorySql(func='INSERT INTO "audit_triggerhistory" ("concurrency_key", "cron", "debounce_seconds", "description", "ends_at", "event_name", "filter", "input", "jitter_seconds", "kind", "mapping", "max_depth", "melody_id", "misfire_grace_seconds", "misfire_limit", "misfire_policy", "name", "organization_id", "overlap", "owner_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "queue_limit", "source_melody_id", "source_statuses", "starts_at", "state", "state_reason", "timezone", "version") VALUES (OLD."concurrency_key", OLD."cron", OLD."debounce_seconds", OLD."description", OLD."ends_at", OLD."event_name", OLD."filter", OLD."input", OLD."jitter_seconds", OLD."kind", OLD."mapping", OLD."max_depth", OLD."melody_id", OLD."misfire_grace_seconds", OLD."misfire_limit", OLD."misfire_policy", OLD."name", OLD."organization_id", OLD."overlap", OLD."owner_id", NOW(), \'deleted\', OLD."id", OLD."priority", OLD."queue_limit", OLD."source_melody_id", OLD."source_statuses", OLD."starts_at", OLD."state", OLD."state_reason", OLD."timezone", OLD."version"); RETURN NULL;', hash='217c9004066ea37842952d36b090804497219dee', operation='DELETE', pgid='pgtrigger_deleted_delete_46624', table='triggers_trigger', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='triggerhistory',
            index=models.Index(fields=['pgh_obj', '-pgh_id'], name='history_of_trigger'),
        ),
        EnablePolicies(HISTORY, POLICIES, web="select", worker=""),
        migrations.RunSQL(KEEP, NO_KEEP),
    ]
