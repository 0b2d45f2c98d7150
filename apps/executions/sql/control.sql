-- Control: runs that go on after a failure, runs made from earlier ones, steps a person decides about.

CREATE OR REPLACE FUNCTION ledger_seq(p_task uuid) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ('x' || right(p_task::text, 8))::bit(32)::int
$$;

-- What can be done now in a run, or in frames of it, whose counters are as in the beginning: entry steps are released, and
-- the steps that were kept let go what follows them, as if they had just ended. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_take_up(p_execution uuid, p_frames uuid[], p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_tasks uuid[];
  v_released uuid[];
  r record;
BEGIN
  -- NULL: the run's own steps, and those of all frames that have begun.
  v_tasks := ARRAY(
    SELECT t.id FROM executions_task t LEFT JOIN executions_frame f ON f.id = t.frame_id
    WHERE p_frames IS NULL AND t.id BETWEEN ledger_task_id(p_execution, 0) AND (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND (t.frame_id IS NULL OR f.status = 'running')
    UNION ALL
    SELECT ledger_task_id(p_execution, s.seq)
    FROM executions_frame f, generate_series(f.first, f.first + f.size - 1) AS s(seq) WHERE f.id = ANY (p_frames));
  WITH entries AS (
    UPDATE executions_task t
    SET status = 'dispatched', dispatched_at = clock_timestamp(),
        due_at = clock_timestamp() + make_interval(secs => p_resend)
    FROM unnest(v_tasks) AS w(id)
    WHERE t.id = w.id AND t.status = 'pending' AND t.total = 0 RETURNING t.id
  )
  SELECT coalesce(array_agg(e.id), '{}') INTO v_released FROM entries e;
  FOR r IN
    SELECT t.organization_id, t.version_id, array_agg(t.seq - t.node ORDER BY t.id) AS shifts,
           array_agg(t.node ORDER BY t.id) AS nodes,
           array_agg(ledger_outcome_code(t.status, p.tolerates) ORDER BY t.id) AS codes,
           array_agg(t.frame_id ORDER BY t.id) AS frames, array_agg(false) AS ends
    FROM unnest(v_tasks) AS w(id)
    CROSS JOIN LATERAL (SELECT * FROM executions_task k WHERE k.id = w.id OFFSET 0) t
    CROSS JOIN LATERAL (
      SELECT q.tolerates, q.successors FROM executions_plannode q
      WHERE q.version_id = t.version_id AND q.node = t.node OFFSET 0) p
    WHERE t.status IN ('completed', 'failed', 'skipped', 'cancelled') AND EXISTS (
      SELECT FROM unnest(p.successors) AS n(node)
      CROSS JOIN LATERAL (
        SELECT k.status FROM executions_task k
        WHERE k.id = ledger_task_id(p_execution, t.seq - t.node + n.node) OFFSET 0) s
      WHERE s.status = 'pending')
    GROUP BY t.organization_id, t.version_id
  LOOP
    v_released := v_released || ledger_settle(r.organization_id, p_execution, r.version_id, r.shifts, r.nodes, r.codes,
                                              r.frames, r.ends, p_resend);
  END LOOP;
  RETURN v_released;
END $$;

-- Bring frames, expansions and stripes to where redo.py wants them, for a run whose rows are its own.
-- p_frames: [[id, status]], p_expansions: [[seq, total, next, remaining, base, round_first, reopened]].
CREATE OR REPLACE FUNCTION ledger_reopen(p_execution uuid, p_frames jsonb, p_expansions jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE executions_frame f SET status = w.value ->> 1, error = NULL
  FROM jsonb_array_elements(p_frames) w
  WHERE f.id = (w.value ->> 0)::uuid AND w.value ->> 1 IN ('pending', 'running');
  UPDATE executions_expansion e
  SET total = (w.value ->> 1)::int, next = (w.value ->> 2)::int, remaining = (w.value ->> 3)::int,
      base = (w.value ->> 4)::int, round_first = (w.value ->> 5)::int, reopened = (w.value ->> 6)::boolean
  FROM jsonb_array_elements(p_expansions) w
  WHERE e.task_id = ledger_task_id(p_execution, (w.value ->> 0)::int);
  -- Rounds that are counted in stripes: only what is done again ends once more.
  UPDATE executions_stripe s SET open = c.open, size = c.open
  FROM (
    SELECT f.parent_task_id, f.stripe, count(*) FILTER (WHERE f.status IN ('pending', 'running'))::int AS open
    FROM jsonb_array_elements(p_expansions) w
    JOIN executions_frame f ON f.parent_task_id = ledger_task_id(p_execution, (w.value ->> 0)::int)
    WHERE f.stripe IS NOT NULL GROUP BY f.parent_task_id, f.stripe) c
  WHERE s.task_id = c.parent_task_id AND s.stripe = c.stripe;
  -- So are wide joins, from the beginning.
  UPDATE executions_stripe s SET open = s.size, met = 0, neutral = 0, hard = 0
  FROM executions_task t
  WHERE t.id BETWEEN ledger_task_id(p_execution, 0) AND (left(p_execution::text, 28) || 'ffffffff')::uuid
    AND t.status = 'pending' AND s.task_id = t.id AND s.stripe < 16;
END $$;

-- The run begins, or goes on: what is to be sent. Composite steps whose frames have all ended collect; a run in which
-- nothing is left to do ends.
CREATE OR REPLACE FUNCTION ledger_set_off(p_organization uuid, p_execution uuid, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
               node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := ledger_take_up(p_execution, NULL, p_resend);
BEGIN
  WITH woken AS (
    UPDATE executions_task t
    SET status = 'dispatched', phase = e.phase, wait = NULL, due_at = clock_timestamp() + make_interval(secs => p_resend)
    FROM executions_expansion e
    WHERE e.task_id = t.id AND e.remaining = 0 AND t.status = 'waiting' AND t.wait = 'frames'
      AND t.id BETWEEN ledger_task_id(p_execution, 0) AND (left(p_execution::text, 28) || 'ffffffff')::uuid
    RETURNING t.id
  )
  SELECT v_released || coalesce(array_agg(w.id), '{}') INTO v_released FROM woken w;
  IF cardinality(v_released) = 0 AND ledger_is_over(p_execution) THEN
    v_released := ledger_end_pending(p_organization, p_execution, p_resend);
  END IF;
  RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(v_released)) l;
END $$;

-- A run that no worker has begun ends: it has to have been running for that. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_end_pending(p_organization uuid, p_execution uuid, p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE executions_execution SET status = 'running', started_at = clock_timestamp()
  WHERE id = p_execution AND status = 'pending';
  IF FOUND THEN
    PERFORM ledger_event(p_organization, p_execution, NULL, 'execution_started', '{}');
  END IF;
  RETURN ledger_end_run(p_organization, p_execution, p_resend);
END $$;

-- A run that failed or ran out of time goes on. p_how says digit by digit what becomes of each task (redo.py), p_most how many
-- steps its document allows (or NULL). The caller holds the run's row and has asked whether it may. What it released.
CREATE OR REPLACE FUNCTION ledger_retry(
  p_execution uuid, p_how text, p_frames jsonb, p_expansions jsonb, p_deadline timestamptz, p_most int, p_told jsonb,
  p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
                 node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_how bytea := convert_to(p_how, 'UTF8');
  v_now timestamptz := clock_timestamp();
  x executions_execution%ROWTYPE;
BEGIN
  UPDATE executions_execution
  SET status = 'queued', retry_count = retry_count + 1, retried_at = v_now, failures = 0, error_code = '', error_message = '',
      started_at = NULL, completed_at = NULL, paused_at = NULL, resumed_at = NULL, paused_seconds = 0, deadline_at = p_deadline,
      resource_usage = '{}', performance_metrics = '{}', unsettled = false, pooled = ledger_is_pooled(organization_id),
      -- What begins anew has the steps it had before once more.
      max_tasks = greatest(max_tasks, p_most + length(translate(p_how, '0123', '')))
  WHERE id = p_execution AND status IN ('failed', 'timeout') AND retry_count < max_retries RETURNING * INTO x;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE executions_execution SET status = 'pending', status_message = ledger_message('pending', NULL, NULL)
  WHERE id = p_execution;
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_retried',
                       jsonb_build_object('retry', x.retry_count) || p_told);
  INSERT INTO executions_event (organization_id, execution_id, task_id, position, event_type, payload, occurred_at)
  SELECT t.organization_id, t.execution_id, t.id, pg_current_xact_id()::text::bigint, 'task_reset',
         jsonb_build_object('name', t.name, 'was', t.status), v_now
  FROM executions_task t
  WHERE t.id BETWEEN ledger_task_id(p_execution, 0) AND (left(p_execution::text, 28) || 'ffffffff')::uuid
    AND t.kind NOT IN ('join', 'compensation') AND t.status <> 'pending' AND get_byte(v_how, t.seq) IN (49, 50)
  ORDER BY t.id;
  UPDATE executions_task t
  SET status = CASE get_byte(v_how, t.seq) WHEN 50 THEN 'waiting' ELSE 'pending' END, resets = t.resets + 1,
      wait = CASE get_byte(v_how, t.seq) WHEN 50 THEN 'frames' END, phase = CASE get_byte(v_how, t.seq) WHEN 50 THEN 1 ELSE 0 END,
      started_at = CASE get_byte(v_how, t.seq) WHEN 50 THEN v_now END, open = t.total, met = 0, neutral = 0, hard = 0,
      retries = 0, losses = 0, sends = 0, lease = NULL, worker = NULL, due_at = NULL, held = NULL, wait_key = NULL, carry = NULL,
      output = NULL, output_ref = NULL, error = NULL, cpu_ms = NULL, memory_kb = NULL, dispatched_at = NULL, begun_at = NULL,
      completed_at = NULL, kept_from = NULL
  WHERE t.id BETWEEN ledger_task_id(p_execution, 0) AND (left(p_execution::text, 28) || 'ffffffff')::uuid
    AND get_byte(v_how, t.seq) IN (49, 50);
  PERFORM ledger_reopen(p_execution, p_frames, p_expansions);
  RETURN QUERY SELECT l.* FROM ledger_set_off(x.organization_id, p_execution, p_resend) l;
END $$;

-- A person ends a step that no worker has just now: skipped, or completed with a result they give. What it released.
-- `outcome` is done, or why not: the status the task has, or that its run has.
CREATE OR REPLACE FUNCTION ledger_override(
  p_task uuid, p_status text, p_output jsonb, p_by text, p_reason text, p_resend double precision
) RETURNS TABLE (outcome text, task_id uuid, owner uuid, name text, kind text, queue text, inline boolean,
                 rank double precision, shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  p executions_plannode%ROWTYPE;
  v_run text;
  v_told jsonb;
  v_released uuid[];
BEGIN
  -- The run's row comes before those of tasks.
  PERFORM ledger_fray(k.execution_id) FROM executions_task k WHERE k.id = p_task AND k.status = 'pending';
  SELECT * INTO t FROM executions_task k WHERE k.id = p_task FOR UPDATE;
  SELECT x.status INTO v_run FROM executions_execution x WHERE x.id = t.execution_id;
  IF t.status NOT IN ('pending', 'dispatched', 'waiting') OR v_run NOT IN ('pending', 'running', 'paused') THEN
    outcome := CASE WHEN v_run IN ('pending', 'running', 'paused') THEN t.status ELSE 'run ' || v_run END;
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE executions_task k
  SET status = p_status, output = p_output, output_ref = NULL, open = 0, lease = NULL, due_at = NULL, held = NULL, wait = NULL,
      carry = NULL, completed_at = clock_timestamp(), error = CASE p_status WHEN 'skipped' THEN jsonb_build_object(
        'code', 'skipped_by_person', 'message', left('Skipped by ' || p_by || coalesce(': ' || nullif(p_reason, ''), '.'), 1000)) END
  WHERE k.id = p_task;
  PERFORM ledger_cancel_below(t.id, jsonb_build_object('code', 'not_needed', 'message', 'The step around it ended before.'));
  v_told := jsonb_build_object('name', t.name, 'by', p_by, 'reason', p_reason, 'was', t.status);
  IF p_status = 'completed' THEN
    PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_result_set', v_told);
    PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_completed', v_told);
  ELSE
    PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_skipped', v_told);
  END IF;
  SELECT * INTO p FROM executions_plannode q WHERE q.version_id = t.version_id AND q.node = t.node;
  v_released := ledger_settle(t.organization_id, t.execution_id, t.version_id, ARRAY[t.seq - t.node], ARRAY[t.node],
                              ARRAY[ledger_outcome_code(p_status, p.tolerates)], ARRAY[t.frame_id], ARRAY[p.ends], p_resend)
                || CASE WHEN t.gate IS NULL AND t.started_at IS NULL THEN '{}' ELSE ledger_ungate(t.execution_id, p_resend) END;
  IF v_run = 'pending' AND cardinality(v_released) = 0 AND ledger_is_over(t.execution_id) THEN
    v_released := ledger_end_pending(t.organization_id, t.execution_id, p_resend);
  END IF;
  outcome := 'done';
  RETURN NEXT;
  RETURN QUERY SELECT NULL::text, l.* FROM ledger_released(ledger_hold(v_released)) l;
END $$;
