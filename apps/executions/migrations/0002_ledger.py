"""The ledger's tables in the database: row-level security and the legal moves. Its functions come with 0004.

Grants are narrow: events and pit operations can be added, not changed; the plan is written once, by the web.
"""

from django.db import migrations

from apps.core.db.operations import EnableTenancy
from apps.executions.states import EXECUTION_MOVES, TASK_MOVES, ExecutionStatus, TaskStatus, moves

def guard(table, statuses, table_of_moves):
    """A move that is not in the table is refused; the check itself costs no function call."""
    legal = ",".join(moves(table_of_moves))
    known = ", ".join(f"'{status}'" for status in statuses)
    return f"""
    ALTER TABLE {table} ADD CONSTRAINT {table}_status CHECK (status IN ({known}));
    CREATE FUNCTION {table}_refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'illegal move of {table} %: % to %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation';
    END $$;
    CREATE TRIGGER {table}_moves BEFORE UPDATE OF status ON {table} FOR EACH ROW
      WHEN (OLD.status IS DISTINCT FROM NEW.status
            AND NOT (OLD.status || '>' || NEW.status) = ANY ('{{{legal}}}'::text[]))
      EXECUTE FUNCTION {table}_refuse_move();
    """


def unguard(table):
    return f"""
    DROP TRIGGER {table}_moves ON {table};
    DROP FUNCTION {table}_refuse_move();
    ALTER TABLE {table} DROP CONSTRAINT {table}_status;
    """


# Rows of tasks change a few times and are then history: leave room for the changes on their page, clean up early.
STORAGE = """
ALTER TABLE executions_task SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02,
                                 autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE executions_stripe SET (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [("executions", "0001_initial"), ("melodies", "0002_tenancy_and_immutable_versions")]

    operations = [
        EnableTenancy("executions_plannode", web="select,insert", worker="select"),
        EnableTenancy("executions_execution", web="select,insert,update", worker="select,update"),
        EnableTenancy("executions_task", web="select,insert,update", worker="select,insert,update"),
        EnableTenancy("executions_frame", web="select", worker="select,insert,update"),
        EnableTenancy("executions_expansion", web="select", worker="select,insert,update"),
        EnableTenancy("executions_stripe", web="select,insert", worker="select,insert,update"),
        EnableTenancy("executions_variable", web="select,insert", worker="select,insert,update"),
        EnableTenancy("executions_event", web="select,insert", worker="select,insert"),
        EnableTenancy("executions_blob", web="select", worker="select,insert"),
        EnableTenancy("executions_artifact", web="select", worker="select,insert"),
        EnableTenancy("executions_pitoperation", web="select", worker="select,insert"),
        migrations.RunSQL(
            guard("executions_execution", ExecutionStatus, EXECUTION_MOVES), unguard("executions_execution")
        ),
        migrations.RunSQL(guard("executions_task", TaskStatus, TASK_MOVES), unguard("executions_task")),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
