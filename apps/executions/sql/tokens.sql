-- Tokens and slots for calls of models: asked for before the call, settled after it.

-- Slots and tokens in every pool of a model, whatever it is called (p_names), for one call that takes at most p_seconds. No
-- row: they are the caller's. `unlimited`: there is no such pool. Else the first pool that has none, why, and after how many seconds to ask again.
-- Tokens are counted in the minute that has just passed. Who needs more than a minute gives waits for a minute without any.
CREATE OR REPLACE FUNCTION ledger_reserve_call(
  p_organization uuid, p_task uuid, p_attempt int, p_names text[], p_tokens bigint, p_seconds double precision,
  p_shared boolean
) RETURNS TABLE (pool text, reason text, seconds double precision) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_pools uuid[] := '{}';
  v_used bigint;
  l record;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  IF NOT EXISTS (SELECT 1 FROM executions_pool o WHERE o.kind = 'model' AND o.name = ANY (p_names)) THEN
    reason := 'unlimited';
    seconds := 0;
    RETURN NEXT;
    RETURN;
  END IF;
  PERFORM set_config('app.scope', 'sweep', true);
  PERFORM ledger_lock_pools(p_organization);
  v_now := clock_timestamp();
  FOR l IN
    SELECT * FROM executions_pool o
    WHERE o.kind = 'model' AND o.name = ANY (p_names) AND (o.organization_id = p_organization OR p_shared AND o.organization_id IS NULL)
    ORDER BY o.id
  LOOP
    v_pools := v_pools || l.id;
    pool := l.name;
    reason := NULL;
    IF NOT l.open THEN
      reason := 'closed';
      seconds := 5;
    ELSIF l.health = 'unhealthy' AND l.recovers_at > v_now THEN
      reason := 'unhealthy';
      seconds := extract(epoch FROM l.recovers_at - v_now);
    ELSIF ledger_taken(l.id) >= l.slots THEN
      reason := 'slots';
      seconds := 1;
    ELSIF l.tokens_per_minute IS NOT NULL THEN
      SELECT coalesce(sum(k.tokens), 0) INTO v_used FROM executions_pooltokens k
      WHERE k.pool_id = l.id AND k.second > v_now - interval '60 s';
      IF v_used > 0 AND v_used + p_tokens > l.tokens_per_minute THEN
        reason := 'tokens';
        seconds := ledger_tokens_free_in(l.id, v_now, v_used + p_tokens - l.tokens_per_minute);
      END IF;
    END IF;
    IF reason IS NOT NULL THEN
      INSERT INTO executions_pitoperation
        (organization_id, execution_id, task_id, operation_type, operation_context, resource_allocations, performed_at)
      SELECT t.organization_id, t.execution_id, t.id, 'pool_allocation', jsonb_build_object(
               'decision', 'deferred', 'reason', ledger_reserve_call.reason, 'pool', l.id, 'kind', 'model', 'name', l.name,
               'slots', l.slots, 'tokens_per_minute', l.tokens_per_minute, 'seconds', ledger_reserve_call.seconds),
             jsonb_build_object('tokens', p_tokens), v_now
      FROM executions_task t WHERE t.id = p_task;
      PERFORM set_config('app.scope', '', true);
      RETURN NEXT;
      RETURN;
    END IF;
  END LOOP;
  INSERT INTO executions_poollease
    (organization_id, execution_id, pool_id, task_id, attempt, slots, granted_at, taken_at, until)
  SELECT t.organization_id, t.execution_id, u.id, t.id, p_attempt, 1, v_now, v_now, v_now + make_interval(secs => p_seconds)
  FROM executions_task t, unnest(v_pools) AS u(id) WHERE t.id = p_task;
  INSERT INTO executions_pooltokens AS k (pool_id, second, tokens)
  SELECT u.id, date_trunc('second', v_now), p_tokens FROM unnest(v_pools) AS u(id)
  ON CONFLICT ON CONSTRAINT pooltokens_second DO UPDATE SET tokens = k.tokens + excluded.tokens;
  -- A worker that dies returns them at once.
  UPDATE executions_task t SET pooled = true WHERE t.id = p_task AND t.status = 'executing' AND NOT t.pooled;
  UPDATE executions_pool o SET state = 'active', state_since = v_now, used_at = v_now
  WHERE o.id = ANY (v_pools) AND o.state <> 'active';
  PERFORM set_config('app.scope', '', true);
END $$;

-- After how many seconds so many tokens of the last minute have passed out of it.
CREATE OR REPLACE FUNCTION ledger_tokens_free_in(p_pool uuid, p_now timestamptz, p_tokens bigint) RETURNS double precision
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN coalesce((
    SELECT extract(epoch FROM min(c.second) + interval '60 s' - p_now) FROM (
      SELECT k.second, sum(k.tokens) OVER (ORDER BY k.second) AS passed FROM executions_pooltokens k
      WHERE k.pool_id = p_pool AND k.second > p_now - interval '60 s') c
    WHERE c.passed >= p_tokens), 60);
END $$;

-- A call is over. p_more tokens than were asked for (less than 0: fewer). p_healthy: the model answered, or did not; NULL says
-- nothing of it. After five calls in a row without an answer a pool rests, for longer each time.
CREATE OR REPLACE FUNCTION ledger_end_call(
  p_organization uuid, p_task uuid, p_names text[], p_more bigint, p_healthy boolean
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_pools uuid[];
  v_now timestamptz := clock_timestamp();
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  WITH returned AS (
    UPDATE executions_poollease s SET returned_at = v_now
    FROM executions_pool o
    WHERE s.task_id = p_task AND s.returned_at IS NULL AND o.id = s.pool_id AND o.kind = 'model' AND o.name = ANY (p_names)
    RETURNING s.pool_id
  )
  SELECT array_agg(DISTINCT r.pool_id) INTO v_pools FROM returned r;
  IF v_pools IS NULL THEN
    RETURN;
  END IF;
  IF p_more <> 0 THEN
    INSERT INTO executions_pooltokens AS k (pool_id, second, tokens)
    SELECT u.id, date_trunc('second', v_now), p_more FROM unnest(v_pools) AS u(id)
    ON CONFLICT ON CONSTRAINT pooltokens_second DO UPDATE SET tokens = k.tokens + excluded.tokens;
  END IF;
  IF p_healthy IS NOT NULL THEN
    UPDATE executions_pool o
    SET failures = CASE WHEN p_healthy THEN 0 ELSE least(o.failures + 1, 30) END,
        health = CASE WHEN p_healthy THEN 'healthy' WHEN o.failures >= 4 THEN 'unhealthy' ELSE 'degraded' END,
        recovers_at = CASE WHEN NOT p_healthy AND o.failures >= 4
                      THEN v_now + make_interval(secs => least(300, 5 * 2 ^ least(o.failures - 4, 6))) END
    WHERE o.id = ANY (v_pools) AND NOT (p_healthy AND o.health = 'healthy' AND o.failures = 0);
  END IF;
END $$;
