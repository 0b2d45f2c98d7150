"""Who goes next, and who may run how much at once: backlog, shares, window, pools and their leases."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import apps.core.ids
from apps.core.db.operations import AddPolicies, EnablePolicies, EnableTenancy, GrantTo
from apps.core.db.policies import OWNER, WEB, WORKER, Policy
from apps.core.db.together import together
from apps.projects.row_security import in_parent

STAFF = "(SELECT app_is_staff())"
READABLE = f"organization_id IS NULL OR organization_id = ANY((SELECT app_organizations())::uuid[]) OR {STAFF}"
# What a plan allows is nobody's to change who lives by it.
WRITABLE = f"organization_id = ANY((SELECT app_administered_organizations())::uuid[]) AND NOT by_plan OR {STAFF}"
WORKED_ON = "organization_id IS NULL OR organization_id = (SELECT app_organization_id()) OR (SELECT app_is_sweep())"
OF_POOLS = [
    Policy("web_select", "select", (WEB, OWNER), READABLE),
    Policy("web_insert", "insert", (WEB, OWNER), WRITABLE),
    Policy("web_update", "update", (WEB, OWNER), WRITABLE),
    Policy("web_delete", "delete", (WEB, OWNER), WRITABLE),
    Policy("worker_all", "all", (WORKER, OWNER), WORKED_ON),
]

# Rows come and go at its front: what is gone has to be cleared away soon.
STORAGE = """
ALTER TABLE executions_backlog SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
ALTER TABLE executions_share SET (fillfactor = 50, autovacuum_vacuum_threshold = 200);
"""

# A worker counts what an organization has had; who has a share and how large it is, `ledger_enter` says, which is the owner's.
COUNTED = f"GRANT UPDATE (vtime) ON executions_share TO {WORKER}"


class Migration(migrations.Migration):
    dependencies = [("executions", "0011_workers")]

    operations = together([
        migrations.CreateModel(
            name="Backlog",
            fields=[
                ("task_id", models.UUIDField(primary_key=True, serialize=False)),
                ("queue", models.TextField()),
                ("inline", models.BooleanField()),
                ("turn", models.FloatField()),
                ("rank", models.FloatField()),
                ("pool_id", models.UUIDField(null=True)),
                ("entered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Pool",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("model", "Calls of a model"),
                            ("queue", "Steps of a queue"),
                            ("organization", "All steps of an organization"),
                            ("key", "Steps that name it as their limit"),
                        ],
                        max_length=12,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=120)),
                ("slots", models.IntegerField(blank=True, null=True)),
                ("tokens_per_minute", models.BigIntegerField(blank=True, null=True)),
                ("open", models.BooleanField(db_default=True, default=True)),
                ("by_plan", models.BooleanField(db_default=False, default=False, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("unloaded", "Unloaded"),
                            ("loading", "Loading"),
                            ("warming", "Warming"),
                            ("ready", "Ready"),
                            ("active", "Active"),
                            ("cooling", "Cooling"),
                        ],
                        default="unloaded",
                        editable=False,
                        max_length=8,
                    ),
                ),
                (
                    "state_since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "health",
                    models.CharField(
                        choices=[
                            ("healthy", "Healthy"),
                            ("degraded", "Degraded"),
                            ("unhealthy", "Unhealthy"),
                            ("unknown", "Unknown"),
                        ],
                        default="unknown",
                        editable=False,
                        max_length=9,
                    ),
                ),
                ("failures", models.IntegerField(db_default=0, default=0, editable=False)),
                ("recovers_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="PoolLease",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("task_id", models.UUIDField()),
                ("attempt", models.SmallIntegerField()),
                ("slots", models.IntegerField()),
                ("granted_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("taken_at", models.DateTimeField(null=True)),
                ("until", models.DateTimeField(null=True)),
                ("returned_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="PoolTokens",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pool_id", models.UUIDField()),
                ("second", models.DateTimeField()),
                ("tokens", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Share",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("queue", models.TextField()),
                ("owner", models.UUIDField()),
                ("vtime", models.FloatField()),
                ("weight", models.FloatField()),
            ],
        ),
        migrations.CreateModel(
            name="Window",
            fields=[
                ("queue", models.TextField(primary_key=True, serialize=False)),
                ("size", models.IntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="execution",
            name="head_start",
            field=models.FloatField(db_default=0, default=0.0),
        ),
        migrations.AddField(
            model_name="execution",
            name="pooled",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="execution",
            name="priority",
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="execution",
            name="weight",
            field=models.FloatField(db_default=1, default=1.0),
        ),
        migrations.AddField(
            model_name="task",
            name="pooled",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("held__isnull", True), ("status", "dispatched")),
                fields=["queue"],
                name="task_window",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("priority__gte", -10), ("priority__lte", 10)), name="execution_priority"
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gt", 0), ("weight__lte", 8)), name="execution_weight"
            ),
        ),
        migrations.AddField(
            model_name="backlog",
            name="execution",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="%(class)ss",
                to="executions.execution",
            ),
        ),
        migrations.AddField(
            model_name="backlog",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.organization",
            ),
        ),
        migrations.AddField(
            model_name="pool",
            name="organization",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pools",
                to="accounts.organization",
            ),
        ),
        migrations.AddField(
            model_name="poollease",
            name="execution",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="%(class)ss",
                to="executions.execution",
            ),
        ),
        migrations.AddField(
            model_name="poollease",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.organization",
            ),
        ),
        migrations.AddField(
            model_name="poollease",
            name="pool",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="leases",
                to="executions.pool",
            ),
        ),
        migrations.AddConstraint(
            model_name="pooltokens",
            constraint=models.UniqueConstraint(fields=("pool_id", "second"), name="pooltokens_second"),
        ),
        migrations.AddConstraint(
            model_name="share",
            constraint=models.UniqueConstraint(fields=("queue", "owner"), name="share_of_organization"),
        ),
        migrations.AddConstraint(
            model_name="share",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gt", 0), ("weight__lte", 8)), name="share_weight"
            ),
        ),
        migrations.AddConstraint(
            model_name="window",
            constraint=models.CheckConstraint(condition=models.Q(("size__gte", 1)), name="window_size"),
        ),
        migrations.AddIndex(
            model_name="backlog",
            index=models.Index(
                condition=models.Q(("pool_id__isnull", True)),
                fields=["queue", "organization", "turn"],
                name="backlog_turn",
            ),
        ),
        migrations.AddIndex(
            model_name="backlog",
            index=models.Index(fields=["execution", "queue", "-rank", "turn"], name="backlog_of_run"),
        ),
        migrations.AddIndex(
            model_name="backlog",
            index=models.Index(
                condition=models.Q(("pool_id__isnull", False)), fields=["pool_id", "turn"], name="backlog_blocked"
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.UniqueConstraint(
                fields=("organization", "kind", "name", "by_plan"), name="pool_name", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["model", "queue", "organization", "key"])), name="pool_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["unloaded", "loading", "warming", "ready", "active", "cooling"])),
                name="pool_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(("health__in", ["healthy", "degraded", "unhealthy", "unknown"])), name="pool_health"
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(("slots__isnull", True), ("slots__gte", 1), _connector="OR"), name="pool_slots"
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("tokens_per_minute__isnull", True),
                    models.Q(("kind", "model"), ("tokens_per_minute__gte", 1)),
                    _connector="OR",
                ),
                name="pool_tokens",
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("kind", "organization"), _negated=True), ("name", ""), _connector="OR"),
                name="pool_of_organization",
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind", "organization"), models.Q(("name", ""), _negated=True), _connector="OR"),
                name="pool_has_name",
            ),
        ),
        migrations.AddIndex(
            model_name="poollease",
            index=models.Index(
                condition=models.Q(("returned_at__isnull", True)), fields=["pool"], name="poollease_open"
            ),
        ),
        migrations.AddIndex(
            model_name="poollease",
            index=models.Index(fields=["task_id"], name="poollease_of_task"),
        ),
        migrations.AddIndex(
            model_name="poollease",
            index=models.Index(fields=["pool", "-id"], name="poollease_history"),
        ),
        migrations.AddConstraint(
            model_name="poollease",
            constraint=models.CheckConstraint(condition=models.Q(("slots__gte", 1)), name="poollease_slots"),
        ),
        migrations.AddConstraint(
            model_name="poollease",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("returned_at__isnull", True), ("returned_at__gte", models.F("granted_at")), _connector="OR"
                ),
                name="poollease_order",
            ),
        ),
        EnableTenancy("executions_backlog", web="select,insert,update,delete", worker="select,insert,update,delete"),
        EnableTenancy("executions_poollease", web="select", worker="select,insert,update"),
        AddPolicies(
            "executions_backlog", in_parent("executions_backlog", "execution_id", "executions_execution", writes=())
        ),
        AddPolicies(
            "executions_poollease", in_parent("executions_poollease", "execution_id", "executions_execution", writes=())
        ),
        EnablePolicies(
            "executions_pool", OF_POOLS, web="select,insert,update,delete", worker="select,insert,update,delete"
        ),
        GrantTo("executions_share", web="", worker="select,delete"),
        migrations.RunSQL(COUNTED, migrations.RunSQL.noop),
        GrantTo("executions_window", web="", worker="select,insert,update"),
        GrantTo("executions_pooltokens", web="", worker="select,insert,update,delete"),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ])
