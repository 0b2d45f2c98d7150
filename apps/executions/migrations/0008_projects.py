"""Runs of a melody in a restricted project are hidden from whom the project is hidden from, with all they left behind."""

from django.db import migrations

from apps.core.db.operations import AddPolicies
from apps.projects.row_security import in_parent

OF_RUNS = (
    "artifact", "decision", "event", "expansion", "frame", "pitoperation", "signal", "stripe", "task", "variable",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("executions", "0007_retention"), ("melodies", "0007_templates_comments")]

    operations = [
        AddPolicies(
            "executions_execution",
            in_parent("executions_execution", "melody_id", "melodies_melody", writes=("insert", "update")),
        ),
        *(
            AddPolicies(
                f"executions_{table}",
                in_parent(f"executions_{table}", "execution_id", "executions_execution", writes=()),
            )
            for table in OF_RUNS
        ),
        AddPolicies(
            "executions_plannode",
            in_parent("executions_plannode", "version_id", "melodies_melodyversion", writes=()),
        ),
        AddPolicies(
            "executions_melodystatistics",
            in_parent("executions_melodystatistics", "melody_id", "melodies_melody", writes=()),
        ),
    ]
