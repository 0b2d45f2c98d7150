"""Runs whose time is over can be forgotten: indexes that find what still names some bytes, and the right to delete."""

from pathlib import Path

from django.db import migrations, models

from apps.core.db.policies import WEB, WORKER, tenant_policies
from apps.core.db.together import together

FORGETTING = (Path(__file__).parent.parent / "sql" / "forgetting.sql").read_text()

FORGOTTEN = (
    "executions_pitoperation", "executions_event", "executions_artifact", "executions_signal", "executions_decision",
    "executions_variable", "executions_stripe", "executions_expansion", "executions_frame", "executions_task",
    "executions_conversation", "executions_execution", "executions_blob", "spending_runtotal",
)  # fmt: skip
GRANT = "\n".join(f"GRANT DELETE ON {table} TO {WORKER};" for table in FORGOTTEN)
REVOKE = "\n".join(f"REVOKE DELETE ON {table} FROM {WORKER};" for table in FORGOTTEN)

# What was made of a melody goes with it.
OF_MELODIES = ("executions_plannode", "executions_melodystatistics", "executions_conversation")
(DELETE,) = tenant_policies(web="delete", worker="")
LET_GO = "\n".join(f"{DELETE.create_sql(table)}; GRANT DELETE ON {table} TO {WEB};" for table in OF_MELODIES)
HOLD = "\n".join(f"{DELETE.drop_sql(table)}; REVOKE DELETE ON {table} FROM {WEB};" for table in OF_MELODIES)

# Who is erased is no longer named in what they decided: the one thing that may be changed in a decision, by them.
RENAME = f"""
GRANT UPDATE (person) ON executions_decision TO {WEB};
CREATE POLICY web_own ON executions_decision FOR UPDATE TO {WEB}, CURRENT_USER
  USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
"""
NO_RENAME = f"""
DROP POLICY web_own ON executions_decision;
REVOKE UPDATE (person) ON executions_decision FROM {WEB};
"""


class Migration(migrations.Migration):
    dependencies = [("executions", "0006_measures_pauses_statistics"), ("spending", "0002_tenancy_and_functions")]

    operations = together([
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("output_ref__isnull", False)), fields=["organization", "output_ref"], name="task_output_ref"
            ),
        ),
        migrations.AddIndex(
            model_name="artifact",
            index=models.Index(fields=["organization", "content_hash"], name="artifact_by_address"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("completed_at__isnull", True)), fields=["organization"], name="execution_open"
            ),
        ),
        migrations.RunSQL(GRANT, REVOKE),
        migrations.RunSQL(LET_GO, HOLD),
        migrations.RunSQL(RENAME, NO_RENAME),
        migrations.RunSQL(FORGETTING, migrations.RunSQL.noop),
    ])
