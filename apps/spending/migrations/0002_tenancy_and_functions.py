"""Row-level security for budgets and what is spent, and the functions of sql/.

Admins write budgets over the web, workers write what is spent; nobody deletes a call.
"""

from pathlib import Path

from django.db import migrations

from apps.core.db.operations import EnablePolicies, EnableTenancy
from apps.core.db.policies import administered_policies

FOLDER = Path(__file__).parent.parent / "sql"
FUNCTIONS = "\n".join((FOLDER / f"{part}.sql").read_text() for part in ("periods", "reserve", "settle"))
NO_FUNCTIONS = """
DROP FUNCTION spending_close_lost(int);
DROP FUNCTION spending_settle(uuid, uuid, jsonb, boolean);
DROP FUNCTION spending_move(spending_usage, text, numeric, bigint, jsonb);
DROP FUNCTION spending_reserve(uuid, jsonb, boolean);
DROP FUNCTION spending_over_budget(spending_budget, spending_budgetperiod, numeric, bigint);
DROP FUNCTION spending_over_run(spending_runtotal, jsonb);
DROP FUNCTION spending_refusal(text, text, uuid, text, numeric, numeric, numeric, text);
DROP FUNCTION spending_period(spending_budget, timestamptz);
DROP FUNCTION spending_counted(uuid, text, uuid, boolean, timestamptz);
DROP FUNCTION spending_period_start(text, timestamptz);
DROP FUNCTION spending_begin(uuid, boolean);
DROP FUNCTION spending_queue(uuid);
"""

# These rows change with every call: leave room for the changes on their page.
STORAGE = """
ALTER TABLE spending_budgetperiod SET (fillfactor = 20);
ALTER TABLE spending_runtotal SET (fillfactor = 50);
ALTER TABLE spending_usage SET (fillfactor = 80);
"""


class Migration(migrations.Migration):
    dependencies = [("spending", "0001_initial"), ("accounts", "0001_initial")]

    operations = [
        EnablePolicies("spending_budget", administered_policies(worker="select"), worker="select"),
        EnablePolicies(
            "spending_budgetperiod",
            administered_policies(web="select,delete", worker="select,insert,update"),
            web="select,delete",
            worker="select,insert,update",
        ),
        EnableTenancy("spending_runtotal", web="select", worker="select,insert,update"),
        EnableTenancy("spending_usage", web="select", worker="select,insert,update"),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
    ]
