"""Workers tell of themselves; steps say which queue they are for and what their worker must have."""

import django.contrib.postgres.fields
from django.db import migrations, models

import apps.core.ids
from apps.core.db.operations import GrantTo
from apps.core.db.together import together


def names() -> django.contrib.postgres.fields.ArrayField:
    return django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)


class Migration(migrations.Migration):
    dependencies = [("executions", "0010_timeouts")]

    operations = together([
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("id", models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.TextField(unique=True)),
                ("host", models.TextField()),
                ("pid", models.IntegerField()),
                ("pool", models.TextField()),
                ("slots", models.IntegerField()),
                ("stuck", models.IntegerField(default=0)),
                ("queues", names()),
                ("routes", names()),
                ("capabilities", names()),
                ("version", models.TextField()),
                (
                    "state",
                    models.TextField(
                        choices=[("online", "Online"), ("draining", "Draining"), ("gone", "Gone")], default="online"
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("draining_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["online", "draining", "gone"])), name="worker_state"
                    ),
                    models.CheckConstraint(condition=models.Q(("slots__gt", 0), ("stuck__gte", 0)), name="worker_slots"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Route",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("base", models.TextField()),
                ("requires", names()),
                ("used_at", models.DateTimeField()),
            ],
            options={"ordering": ["name"]},
        ),
        GrantTo("executions_worker", web="select", worker="select,insert,update,delete"),
        GrantTo("executions_route", web="select,insert,update", worker="select,insert,update,delete"),
        migrations.AddField(
            "plannode",
            "requires",
            django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None),
        ),
        migrations.AddIndex(
            "plannode",
            models.Index(
                condition=models.Q(("requires__isnull", False)), fields=["version"], name="plan_node_particular"
            ),
        ),
    ])
