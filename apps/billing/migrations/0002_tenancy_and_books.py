"""Row-level security, references that stay within their organization, books that balance, tiers that follow."""

from dataclasses import replace

from django.db import migrations

from apps.core.db.operations import EnablePolicies, GrantTo
from apps.core.db.policies import OWNER, WEB, Policy, administered_policies

WRITTEN = "select,insert,update"
APPENDED = "select,insert"
STAFF = "(SELECT app_is_staff())"


def admins_only(*, web, worker):
    """As `administered_policies`, and over the web only admins and owners read."""
    reading = f'"organization_id" = ANY((SELECT app_administered_organizations())::uuid[]) OR {STAFF}'
    return [
        replace(policy, using=reading) if policy.command == "select" else policy
        for policy in administered_policies(web=web, worker=worker)
    ]


# (table, column, referred table)
REFERENCES = [
    ("billing_invoice", "subscription_id", "billing_subscription"),
    ("billing_payment", "invoice_id", "billing_invoice"),
    ("billing_ledgerentry", "invoice_id", "billing_invoice"),
    ("billing_ledgerentry", "payment_id", "billing_payment"),
    ("billing_ledgerposting", "entry_id", "billing_ledgerentry"),
    ("billing_ledgerposting", "account_id", "billing_ledgeraccount"),
]
ADD_REFERENCES = "\n".join(
    f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_own FOREIGN KEY (organization_id, {column})"
    f" REFERENCES {referred} (organization_id, id) DEFERRABLE INITIALLY DEFERRED;"
    for table, column, referred in REFERENCES
)
DROP_REFERENCES = "\n".join(
    f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_own;" for table, column, _ in REFERENCES
)

# Deferred: an entry and its postings are written one after another, and must agree when the transaction commits. By then
# nobody may be acting any more, so the function sees as staff does.
CREATE_BOOKS = """
CREATE FUNCTION billing_entry_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_entry uuid := (to_jsonb(NEW) ->> CASE TG_TABLE_NAME WHEN 'billing_ledgerentry' THEN 'id' ELSE 'entry_id' END)::uuid;
  v_staff text := coalesce(current_setting('app.staff', true), '');
  v_sum numeric;
  v_count bigint;
  v_currencies bigint;
BEGIN
  PERFORM set_config('app.staff', 'on', true);
  SELECT sum(p.amount), count(*), count(DISTINCT a.currency) INTO v_sum, v_count, v_currencies
  FROM billing_ledgerposting p JOIN billing_ledgeraccount a ON a.id = p.account_id WHERE p.entry_id = v_entry;
  PERFORM set_config('app.staff', v_staff, true);
  IF v_count < 2 OR v_sum <> 0 OR v_currencies <> 1 THEN
    RAISE EXCEPTION 'Entry % does not balance: % postings in % currencies sum to %.', v_entry, v_count, v_currencies, v_sum
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION billing_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'What is booked in % is neither changed nor deleted; book the opposite instead.', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;

CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON billing_ledgerentry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_entry_balances();
CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON billing_ledgerposting
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_entry_balances();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON billing_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION billing_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON billing_ledgerposting
  FOR EACH ROW EXECUTE FUNCTION billing_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON billing_ledgeraccount
  FOR EACH ROW EXECUTE FUNCTION billing_append_only();
"""
DROP_BOOKS = """
DROP TRIGGER append_only ON billing_ledgeraccount;
DROP TRIGGER append_only ON billing_ledgerposting;
DROP TRIGGER append_only ON billing_ledgerentry;
DROP TRIGGER posting_balances ON billing_ledgerposting;
DROP TRIGGER entry_balances ON billing_ledgerentry;
DROP FUNCTION billing_append_only();
DROP FUNCTION billing_entry_balances();
"""

# The tier of an organization with a live subscription is that of its plan, whoever writes what: the first trigger carries
# it over, the second keeps anything else out.
CREATE_TIERS = """
CREATE FUNCTION billing_live_tier(p_organization uuid) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_staff text := coalesce(current_setting('app.staff', true), '');
  v_tier text;
BEGIN
  PERFORM set_config('app.staff', 'on', true);
  SELECT p.tier INTO v_tier FROM billing_subscription s JOIN billing_plan p ON p.id = s.plan_id
  WHERE s.organization_id = p_organization AND s.status IN ('active', 'past_due');
  PERFORM set_config('app.staff', v_staff, true);
  RETURN v_tier;
END $$;

CREATE FUNCTION billing_carry_tier() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_staff text := coalesce(current_setting('app.staff', true), '');
  v_row billing_subscription := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  IF NOT (v_row.status IN ('active', 'past_due') OR TG_OP <> 'INSERT' AND OLD.status IN ('active', 'past_due')) THEN
    RETURN NULL;
  END IF;
  PERFORM set_config('app.staff', 'on', true);
  UPDATE accounts_organization
  SET subscription_tier = coalesce(billing_live_tier(v_row.organization_id), v_row.fallback_tier)
  WHERE id = v_row.organization_id;
  PERFORM set_config('app.staff', v_staff, true);
  RETURN NULL;
END $$;

CREATE FUNCTION billing_keep_tier() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  NEW.subscription_tier := coalesce(billing_live_tier(NEW.id), NEW.subscription_tier);
  RETURN NEW;
END $$;

CREATE FUNCTION billing_plan_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.tier, OLD.billing_period, OLD.currency) IS DISTINCT FROM (NEW.tier, NEW.billing_period, NEW.currency) THEN
    RAISE EXCEPTION 'Tier, rhythm and currency of a plan stay as they are; make another plan.'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER carry_tier AFTER INSERT OR DELETE OR UPDATE OF status, plan_id, organization_id ON billing_subscription
  FOR EACH ROW EXECUTE FUNCTION billing_carry_tier();
CREATE TRIGGER keep_tier BEFORE UPDATE OF subscription_tier ON accounts_organization
  FOR EACH ROW EXECUTE FUNCTION billing_keep_tier();
CREATE TRIGGER plan_stays BEFORE UPDATE ON billing_plan FOR EACH ROW EXECUTE FUNCTION billing_plan_stays();
"""
DROP_TIERS = """
DROP TRIGGER plan_stays ON billing_plan;
DROP TRIGGER keep_tier ON accounts_organization;
DROP TRIGGER carry_tier ON billing_subscription;
DROP FUNCTION billing_plan_stays();
DROP FUNCTION billing_keep_tier();
DROP FUNCTION billing_carry_tier();
DROP FUNCTION billing_live_tier(uuid);
"""

# Functions that see more than their caller look for tables in this schema only, and nobody but triggers calls them.
CLOSE_FUNCTIONS = """
DO $do$
DECLARE
  made text;
BEGIN
  FOREACH made IN ARRAY ARRAY[
    'billing_entry_balances()', 'billing_live_tier(uuid)', 'billing_carry_tier()', 'billing_keep_tier()'
  ] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', made, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
  END LOOP;
END
$do$;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("accounts", "0001_initial")]

    operations = [
        GrantTo("billing_plan", worker="select"),
        EnablePolicies(
            "billing_webhookevent", [Policy("staff_all", "all", (WEB, OWNER), STAFF)], web=WRITTEN, worker=""
        ),
        EnablePolicies(
            "billing_billingcustomer", admins_only(web=APPENDED, worker=""), web=APPENDED, worker=""
        ),
        EnablePolicies(
            "billing_subscription",
            administered_policies(web=WRITTEN, worker="select,update"),
            web=WRITTEN,
            worker="select,update",
        ),
        EnablePolicies("billing_invoice", admins_only(web=WRITTEN, worker=WRITTEN), web=WRITTEN, worker=WRITTEN),
        EnablePolicies("billing_payment", admins_only(web=WRITTEN, worker=""), web=WRITTEN, worker=""),
        *(
            EnablePolicies(table, admins_only(web=APPENDED, worker=APPENDED), web=APPENDED, worker=APPENDED)
            for table in ("billing_ledgeraccount", "billing_ledgerentry", "billing_ledgerposting")
        ),
        migrations.RunSQL(ADD_REFERENCES, DROP_REFERENCES),
        migrations.RunSQL(CREATE_BOOKS, DROP_BOOKS),
        migrations.RunSQL(CREATE_TIERS, DROP_TIERS),
        migrations.RunSQL(CLOSE_FUNCTIONS, migrations.RunSQL.noop),
    ]
