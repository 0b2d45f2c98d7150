"""Who is inside a gate is counted at every claim that passes one: not over all tasks of the run."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0004_ledger_of_rounds")]

    operations = [
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                fields=["execution", "gate"],
                name="task_inside_gate",
                condition=models.Q(gate__isnull=False)
                & (models.Q(status__in=["executing", "waiting"]) | models.Q(status="dispatched", phase__gt=0)),
            ),
        ),
    ]
