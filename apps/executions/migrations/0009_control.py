"""Control: runs that are retried or run again, tasks whose results were kept, moves of tasks that have ended.

The web writes frames, expansions and stripes from here on: a retry, a skipped step or a result given by a person settles
there and then.
"""

import django.db.models.deletion
from django.db import migrations, models

from apps.core.db.policies import WEB, tenant_policies
from apps.core.db.together import together
from apps.executions.states import TASK_AGAIN, TASK_MOVES, moves

LEGAL = ",".join(moves(TASK_MOVES))
AGAIN = ",".join(moves(TASK_AGAIN))

# A function, because the condition of a trigger is read anew from the catalogue by every statement that may fire it: long
# lists in it would cost more than the move.
GUARD = f"""
CREATE OR REPLACE FUNCTION executions_task_may_move(p_from text, p_to text, p_again boolean) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN p_from || '>' || p_to = ANY ('{{{LEGAL}}}'::text[])
         OR p_again AND p_from || '>' || p_to = ANY ('{{{AGAIN}}}'::text[]);
END $$;
DROP TRIGGER executions_task_moves ON executions_task;
CREATE TRIGGER executions_task_moves BEFORE UPDATE OF status ON executions_task FOR EACH ROW
  WHEN (OLD.status <> NEW.status AND NOT executions_task_may_move(OLD.status, NEW.status, NEW.resets > OLD.resets))
  EXECUTE FUNCTION executions_task_refuse_move();
"""
AS_BEFORE = f"""
DROP TRIGGER executions_task_moves ON executions_task;
CREATE TRIGGER executions_task_moves BEFORE UPDATE OF status ON executions_task FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status
        AND NOT (OLD.status || '>' || NEW.status) = ANY ('{{{LEGAL}}}'::text[]))
  EXECUTE FUNCTION executions_task_refuse_move();
DROP FUNCTION executions_task_may_move(text, text, boolean);
"""

WRITTEN_BY_WEB = {
    "executions_frame": "insert,update",
    "executions_expansion": "insert,update",
    "executions_stripe": "update",
    "executions_artifact": "insert",
    "executions_conversation": "insert",
}


def _opened(table, commands):
    policies = tenant_policies(web=commands, worker="")
    create = "".join(f"{policy.create_sql(table)};\n" for policy in policies)
    drop = "".join(f"{policy.drop_sql(table)};\n" for policy in policies)
    verbs = commands.upper()
    return migrations.RunSQL(
        f"{create}GRANT {verbs} ON {table} TO {WEB};", f"REVOKE {verbs} ON {table} FROM {WEB};\n{drop}"
    )


class Migration(migrations.Migration):
    dependencies = [("executions", "0008_projects")]

    operations = together([
        migrations.AddField(
            model_name="execution",
            name="rerun_of",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="reruns",
                to="executions.execution",
            ),
        ),
        migrations.AddField(
            model_name="execution",
            name="rerun_mode",
            field=models.CharField(
                blank=True,
                choices=[("failed", "failed"), ("downstream", "downstream"), ("from_here", "from_here")],
                db_default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="execution", name="rerun_step", field=models.TextField(blank=True, db_default="")
        ),
        migrations.AddField(model_name="execution", name="trigger_id", field=models.UUIDField(null=True)),
        migrations.AddField(model_name="execution", name="retried_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="execution", name="unsettled", field=models.BooleanField(db_default=False)),
        migrations.AddField(model_name="task", name="resets", field=models.SmallIntegerField(db_default=0)),
        migrations.AddField(model_name="task", name="kept_from", field=models.UUIDField(null=True)),
        migrations.AddField(model_name="expansion", name="at_once", field=models.IntegerField(null=True)),
        migrations.AddField(model_name="expansion", name="reopened", field=models.BooleanField(db_default=False)),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("trigger_id__isnull", False)),
                fields=["trigger_id", "-id"],
                name="execution_by_trigger",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(condition=models.Q(("unsettled", True)), fields=["id"], name="execution_unsettled"),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("rerun_mode__in", ["", "failed", "downstream", "from_here"])),
                name="execution_rerun_mode",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("retry_count__lte", models.F("max_retries"))), name="execution_retries_left"
            ),
        ),
        migrations.RunSQL(GUARD, AS_BEFORE),
        *(_opened(table, commands) for table, commands in WRITTEN_BY_WEB.items()),
    ])
