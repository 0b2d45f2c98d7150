-- Reserving: a call takes the most it may cost from its run and from every budget it belongs to, or nothing from any.
--
-- Everybody waits in one order: for rows of calls (spending_usage), for runs, for organizations. Nobody waits for a call's row
-- while holding up a run or an organization, so that no two can wait for each other.

-- A limit that a call does not fit into, as the caller is told.
CREATE OR REPLACE FUNCTION spending_refusal(
  p_name text, p_scope text, p_budget uuid, p_measure text, p_limit numeric, p_used numeric, p_wanted numeric,
  p_action text
) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object(
    'name', p_name, 'scope', p_scope, 'budget_id', p_budget, 'measure', p_measure, 'limit', p_limit::text,
    'used', p_used::text, 'wanted', p_wanted::text, 'action', p_action)
$$;

-- Which of a run's own limits the call exceeds; r is the run's row.
CREATE OR REPLACE FUNCTION spending_over_run(r spending_runtotal, p_call jsonb) RETURNS jsonb[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  l record;
  v_used numeric;
  v_wanted numeric;
  v_over jsonb[] := '{}';
BEGIN
  FOR l IN
    SELECT * FROM jsonb_to_recordset(p_call -> 'limits') AS (name text, measure text, amount numeric, action text)
  LOOP
    v_wanted := CASE l.measure WHEN 'tokens' THEN (p_call ->> 'tokens')::numeric WHEN 'calls' THEN 1
                ELSE (p_call ->> 'usd')::numeric END;
    v_used := CASE l.measure
      WHEN 'tokens' THEN r.spent_tokens + r.reserved_tokens
      WHEN 'calls' THEN r.calls
      WHEN 'usd' THEN r.spent_usd + r.reserved_usd
      ELSE (SELECT coalesce(sum(u.usd), 0) FROM spending_usage u
            WHERE u.execution_id = r.execution_id AND u.task_id = (p_call ->> 'task')::uuid)
    END;
    IF v_used + v_wanted > l.amount THEN
      v_over := v_over || spending_refusal(l.name, 'run', NULL, l.measure, l.amount, v_used, v_wanted, l.action);
    END IF;
  END LOOP;
  RETURN v_over;
END $$;

-- NULL, or the limit of an active budget that the call exceeds; q is the period's row.
CREATE OR REPLACE FUNCTION spending_over_budget(b spending_budget, q spending_budgetperiod, p_usd numeric, p_tokens bigint)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN NOT b.active THEN NULL
    WHEN q.spent_usd + q.reserved_usd + p_usd > b.limit_usd THEN
      spending_refusal(b.name, b.scope, b.id, 'usd', b.limit_usd, q.spent_usd + q.reserved_usd, p_usd, b.on_exceed)
    WHEN q.spent_tokens + q.reserved_tokens + p_tokens > b.limit_tokens THEN
      spending_refusal(b.name, b.scope, b.id, 'tokens', b.limit_tokens, q.spent_tokens + q.reserved_tokens, p_tokens,
                       b.on_exceed)
  END
$$;

-- p_call: id, project, melody, melodies, execution, task, attempt, provider, model, mock, override, tokens, usd, seconds,
-- alert_usd, limits [{name, measure, amount, action}]. p_alone:
-- nothing else is in this transaction. Answers {"refused": …} (nothing is reserved then) or {"alerts": […]}.
CREATE OR REPLACE FUNCTION spending_reserve(p_organization uuid, p_call jsonb, p_alone boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_execution uuid := p_call ->> 'execution';
  v_usd numeric := p_call ->> 'usd';
  v_tokens bigint := p_call ->> 'tokens';
  v_mock boolean := p_call ->> 'mock';
  v_melodies uuid[] := ARRAY(SELECT jsonb_array_elements_text(p_call -> 'melodies'));
  v_periods bigint[] := '{}';
  v_over jsonb[];
  v_refused jsonb;
  v_continued jsonb;
  v_alerts jsonb := '[]';
  r spending_runtotal%ROWTYPE;
  b spending_budget%ROWTYPE;
  q spending_budgetperiod%ROWTYPE;
BEGIN
  PERFORM spending_begin(p_organization, p_alone);
  PERFORM spending_queue(v_execution);
  INSERT INTO spending_runtotal
    (execution_id, organization_id, calls, reserved_usd, reserved_tokens, spent_usd, spent_tokens)
  VALUES (v_execution, p_organization, 0, 0, 0, 0, 0) ON CONFLICT (execution_id) DO NOTHING;
  SELECT * INTO STRICT r FROM spending_runtotal WHERE execution_id = v_execution;
  v_over := spending_over_run(r, p_call);
  FOR b IN
    SELECT * FROM spending_budget
    WHERE organization_id = p_organization AND (counts_mock OR NOT v_mock)
      AND (scope = 'organization' OR scope = 'project' AND target_id = (p_call ->> 'project')::uuid
           OR scope = 'melody' AND target_id = ANY (v_melodies))
    ORDER BY id
  LOOP
    IF v_periods = '{}' THEN
      PERFORM spending_queue(p_organization);
    END IF;
    q := spending_period(b, v_now);
    v_periods := v_periods || q.id;
    v_over := array_append(v_over, spending_over_budget(b, q, v_usd, v_tokens));
  END LOOP;
  SELECT o INTO v_refused FROM unnest(v_over) o
  WHERE o ->> 'action' IN ('stop', 'cheaper') OR o ->> 'action' = 'pause' AND NOT (p_call ->> 'override')::boolean
  ORDER BY array_position(ARRAY['stop', 'pause', 'cheaper'], o ->> 'action') LIMIT 1;
  IF v_refused IS NOT NULL THEN
    RETURN jsonb_build_object('refused', v_refused);
  END IF;
  SELECT o INTO v_continued FROM unnest(v_over) o WHERE o ->> 'action' = 'continue' LIMIT 1;
  IF v_continued IS NOT NULL AND r.warned_at IS NULL THEN
    v_alerts := jsonb_build_array(jsonb_build_object(
      'name', v_continued -> 'name', 'scope', 'run', 'budget_id', NULL, 'limit_usd', v_continued -> 'limit',
      'spent_usd', r.spent_usd::text, 'percent', NULL));
    r.warned_at := v_now;
  END IF;
  UPDATE spending_runtotal
  SET calls = calls + 1, reserved_usd = reserved_usd + v_usd, reserved_tokens = reserved_tokens + v_tokens,
      alert_usd = (p_call ->> 'alert_usd')::numeric, warned_at = r.warned_at
  WHERE execution_id = v_execution;
  UPDATE spending_budgetperiod
  SET reserved_usd = reserved_usd + v_usd, reserved_tokens = reserved_tokens + v_tokens WHERE id = ANY (v_periods);
  INSERT INTO spending_usage
    (id, organization_id, project_id, melody_id, melodies, execution_id, task_id, attempt, provider, model, mock, override,
     state, reserved_usd, reserved_tokens, usd, tokens, input_tokens, output_tokens, cache_read_tokens,
     cache_write_tokens, periods, created_at, expires_at)
  VALUES
    ((p_call ->> 'id')::uuid, p_organization, (p_call ->> 'project')::uuid, (p_call ->> 'melody')::uuid, v_melodies,
     v_execution, (p_call ->> 'task')::uuid, (p_call ->> 'attempt')::int, p_call ->> 'provider', p_call ->> 'model', v_mock,
     (p_call ->> 'override')::boolean, 'reserved', v_usd, v_tokens, v_usd, v_tokens, 0, 0, 0, 0, v_periods, v_now,
     v_now + make_interval(secs => (p_call ->> 'seconds')::double precision));
  RETURN jsonb_build_object('alerts', v_alerts);
END $$;
