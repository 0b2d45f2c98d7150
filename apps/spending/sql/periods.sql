-- Who waits for whom, and the periods of budgets.

-- Calls wait for each other here, in the order they came, before they read or change totals of a run or of an organization's
-- budgets. They could wait at the rows themselves; but who waits for a row that changes all the time has to follow it from
-- version to version, and hundreds of them take many times as long.
CREATE OR REPLACE FUNCTION spending_queue(p_owner uuid) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT pg_advisory_xact_lock(hashtextextended(p_owner::text, 7))
$$;

-- For a transaction of its own that changes totals: it goes on without waiting for the disk, so that those behind it do not
-- wait for that either. See services.py for what makes up for it.
CREATE OR REPLACE FUNCTION spending_begin(p_organization uuid, p_alone boolean) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_organization IS NOT NULL THEN
    PERFORM set_config('app.organization_id', p_organization::text, true);
  END IF;
  IF p_alone THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
END $$;

CREATE OR REPLACE FUNCTION spending_period_start(p_period text, p_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE p_period WHEN 'total' THEN '1970-01-01 00:00:00+00'::timestamptz ELSE date_trunc(p_period, p_at, 'UTC') END
$$;

-- What calls since p_start have come to, as a budget counts them. For the first row of a budget that is younger than its
-- period; calls that were under way when it was made are not among them, nor will they be.
CREATE OR REPLACE FUNCTION spending_counted(
  p_organization uuid, p_scope text, p_target uuid, p_mock boolean, p_start timestamptz
) RETURNS TABLE (usd numeric, tokens bigint) LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(u.usd), 0), coalesce(sum(u.tokens), 0)::bigint FROM spending_usage u
  WHERE u.organization_id = p_organization AND u.created_at >= p_start AND u.state IN ('settled', 'lost')
    AND (p_mock OR NOT u.mock)
    AND CASE p_scope WHEN 'project' THEN u.project_id = p_target WHEN 'melody' THEN p_target = ANY (u.melodies) ELSE true END
$$;

-- The row of a budget's current period, made by the first call in it. For callers in the organization's queue.
CREATE OR REPLACE FUNCTION spending_period(b spending_budget, p_at timestamptz) RETURNS spending_budgetperiod
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_start timestamptz := spending_period_start(b.period, p_at);
  q spending_budgetperiod%ROWTYPE;
BEGIN
  SELECT * INTO q FROM spending_budgetperiod WHERE budget_id = b.id AND starts_at = v_start;
  IF NOT FOUND THEN
    INSERT INTO spending_budgetperiod
      (organization_id, budget_id, starts_at, reserved_usd, reserved_tokens, spent_usd, spent_tokens)
    SELECT b.organization_id, b.id, v_start, 0, 0, c.usd, c.tokens
    FROM spending_counted(b.organization_id, b.scope, b.target_id, b.counts_mock, v_start) c
    RETURNING * INTO q;
  END IF;
  RETURN q;
END $$;
