"""How often a task's worker was lost, and the limits of its time as moments in its row."""

from django.db import migrations, models

from apps.core.db.together import together


class Migration(migrations.Migration):
    dependencies = [("executions", "0009_control")]

    operations = together([
        migrations.AddField("task", "losses", models.SmallIntegerField(db_default=0)),
        migrations.AddField("task", "limits", models.JSONField(null=True)),
        migrations.AddField("task", "limit_at", models.DateTimeField(null=True)),
        migrations.AddField("task", "total_at", models.DateTimeField(null=True)),
        migrations.AddField("task", "beat_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "task",
            models.Index(fields=["limit_at"], name="task_limit", condition=models.Q(limit_at__isnull=False)),
        ),
        # sql/timeouts.sql makes the trigger: backwards it has to go before its columns.
        migrations.RunSQL(migrations.RunSQL.noop, "DROP TRIGGER IF EXISTS executions_task_limits ON executions_task"),
    ])
