-- Settling: a reservation becomes what the call came to, nothing, or (when its worker died) what was reserved.

-- One call's row u, locked, moves to its new state; totals of its run and of its budgets' periods follow. Returns alerts:
-- each budget once per period, each run once, told to a caller that settles (nobody reads those of the sweep).
CREATE OR REPLACE FUNCTION spending_move(
  u spending_usage, p_state text, p_usd numeric, p_tokens bigint, p_outcome jsonb
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  -- A lost call was spent at its estimate already.
  v_freed_usd numeric := CASE u.state WHEN 'reserved' THEN u.usd ELSE 0 END;
  v_freed_tokens bigint := CASE u.state WHEN 'reserved' THEN u.tokens ELSE 0 END;
  v_usd numeric := p_usd - CASE u.state WHEN 'reserved' THEN 0 ELSE u.usd END;
  v_tokens bigint := p_tokens - CASE u.state WHEN 'reserved' THEN 0 ELSE u.tokens END;
  v_alerts jsonb := '[]';
  v_alerted boolean;
  v_period bigint;
  t spending_runtotal%ROWTYPE;
  r record;
BEGIN
  PERFORM spending_queue(u.execution_id);
  IF u.periods <> '{}' THEN
    PERFORM spending_queue(u.organization_id);
  END IF;
  SELECT * INTO t FROM spending_runtotal WHERE execution_id = u.execution_id;
  v_alerted := p_state = 'settled' AND t.alerted_at IS NULL AND coalesce(t.spent_usd + v_usd >= t.alert_usd, false);
  UPDATE spending_runtotal
  SET reserved_usd = reserved_usd - v_freed_usd, reserved_tokens = reserved_tokens - v_freed_tokens,
      spent_usd = spent_usd + v_usd, spent_tokens = spent_tokens + v_tokens, calls = calls - (p_state = 'released')::int,
      alerted_at = CASE WHEN v_alerted THEN clock_timestamp() ELSE alerted_at END
  WHERE execution_id = u.execution_id;
  IF v_alerted THEN
    v_alerts := v_alerts || jsonb_build_object(
      'name', 'threshold_usd', 'scope', 'run', 'budget_id', NULL, 'limit_usd', t.alert_usd::text,
      'spent_usd', (t.spent_usd + v_usd)::text, 'percent', NULL);
  END IF;
  FOREACH v_period IN ARRAY u.periods LOOP
    UPDATE spending_budgetperiod q
    SET reserved_usd = q.reserved_usd - v_freed_usd, reserved_tokens = q.reserved_tokens - v_freed_tokens,
        spent_usd = q.spent_usd + v_usd, spent_tokens = q.spent_tokens + v_tokens
    WHERE q.id = v_period;
    UPDATE spending_budgetperiod q SET alerted_at = clock_timestamp() FROM spending_budget b
    WHERE p_state = 'settled' AND q.id = v_period AND b.id = q.budget_id AND q.alerted_at IS NULL
      AND (q.spent_usd * 100 >= b.limit_usd * b.alert_at OR q.spent_tokens * 100 >= b.limit_tokens * b.alert_at)
    RETURNING b.id, b.name, b.scope, b.limit_usd, b.alert_at, q.spent_usd INTO r;
    IF FOUND THEN
      v_alerts := v_alerts || jsonb_build_object(
        'name', r.name, 'scope', r.scope, 'budget_id', r.id, 'limit_usd', r.limit_usd::text,
        'spent_usd', r.spent_usd::text, 'percent', r.alert_at);
    END IF;
  END LOOP;
  UPDATE spending_usage
  SET state = p_state, usd = p_usd, tokens = p_tokens, settled_at = clock_timestamp(),
      model = coalesce(p_outcome ->> 'model', model),
      input_tokens = coalesce((p_outcome ->> 'input_tokens')::bigint, 0),
      output_tokens = coalesce((p_outcome ->> 'output_tokens')::bigint, 0),
      cache_read_tokens = coalesce((p_outcome ->> 'cache_read_tokens')::bigint, 0),
      cache_write_tokens = coalesce((p_outcome ->> 'cache_write_tokens')::bigint, 0)
  WHERE id = u.id;
  RETURN v_alerts;
END $$;

-- p_outcome: state (settled or released); for settled usd, model and the four kinds of tokens. p_organization NULL: the
-- transaction has said already for whom it works.
CREATE OR REPLACE FUNCTION spending_settle(p_organization uuid, p_id uuid, p_outcome jsonb, p_alone boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  u spending_usage%ROWTYPE;
BEGIN
  PERFORM spending_begin(p_organization, p_alone);
  SELECT * INTO u FROM spending_usage WHERE id = p_id FOR UPDATE;
  IF NOT FOUND OR u.state NOT IN ('reserved', 'lost') THEN
    RETURN jsonb_build_object('changed', false, 'alerts', '[]'::jsonb);
  END IF;
  RETURN jsonb_build_object('changed', true, 'alerts', spending_move(
    u, p_outcome ->> 'state', coalesce((p_outcome ->> 'usd')::numeric, 0),
    coalesce((p_outcome ->> 'input_tokens')::bigint + (p_outcome ->> 'output_tokens')::bigint
             + (p_outcome ->> 'cache_read_tokens')::bigint + (p_outcome ->> 'cache_write_tokens')::bigint, 0),
    p_outcome));
END $$;

-- Reservations whose call must be over by now. Waits for all it needs in the common order first.
CREATE OR REPLACE FUNCTION spending_close_lost(p_limit int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_calls spending_usage[];
  u spending_usage%ROWTYPE;
BEGIN
  SELECT coalesce(array_agg(due), '{}') INTO v_calls FROM (
    SELECT * FROM spending_usage WHERE state = 'reserved' AND expires_at < clock_timestamp()
    ORDER BY expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED) due;
  PERFORM spending_queue(id) FROM (SELECT DISTINCT execution_id AS id FROM unnest(v_calls) ORDER BY 1) runs;
  PERFORM spending_queue(id) FROM (SELECT DISTINCT organization_id AS id FROM unnest(v_calls) ORDER BY 1) owners;
  FOREACH u IN ARRAY v_calls LOOP
    PERFORM spending_move(u, 'lost', u.usd, u.tokens, '{}');
  END LOOP;
  RETURN cardinality(v_calls);
END $$;
