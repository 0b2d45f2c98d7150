-- Sweeping: what is lost, due, or was never sent.

-- One task comes to its end outside a worker: a timer that is due, or a worker lost too often. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_conclude(p_task uuid, p_status text, p_error jsonb, p_resend double precision)
RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  p executions_plannode%ROWTYPE;
BEGIN
  UPDATE executions_task
  SET status = p_status, error = p_error, lease = NULL, due_at = NULL, wait = NULL, completed_at = clock_timestamp()
  WHERE id = p_task AND status IN ('executing', 'waiting', 'dispatched') RETURNING * INTO t;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  SELECT * INTO p FROM executions_plannode WHERE version_id = t.version_id AND node = t.node;
  IF t.phase > 0 THEN
    PERFORM ledger_cancel_below(t.id, jsonb_build_object('code', 'not_needed', 'message',
      'The step around it ended before.'));
  END IF;
  PERFORM ledger_event(t.organization_id, t.execution_id, t.id,
                       CASE p_status WHEN 'failed' THEN 'error_occurred' ELSE 'task_' || p_status END,
                       jsonb_build_object('name', t.name, 'kind', t.kind) || coalesce(p_error, '{}'));
  IF p_status = 'failed' AND NOT p.tolerates AND NOT p.handled THEN
    PERFORM ledger_fail(t.execution_id, t.frame_id, t.name, p_error);
  END IF;
  RETURN ledger_settle(t.organization_id, t.execution_id, t.version_id, ARRAY[t.seq - t.node], ARRAY[t.node],
                       ARRAY[ledger_outcome_code(p_status, p.tolerates)], ARRAY[t.frame_id], ARRAY[p.ends],
                       p_resend)
         || CASE WHEN t.gate IS NULL AND t.phase = 0 THEN '{}' ELSE ledger_ungate(t.execution_id, p_resend) END;
END $$;

-- A worker is lost: give its task back, or fail it when that happened too often. p_worker limits it to a claim of that
-- worker (NULL: any). Returns released tasks, the given-back one among them.
CREATE OR REPLACE FUNCTION ledger_lost(
  p_task uuid, p_reason text, p_max_attempts int, p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
BEGIN
  SELECT * INTO t FROM executions_task WHERE id = p_task AND status = 'executing' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  -- Attempts that failed and were tried again have lost no worker.
  IF t.attempt - t.retries >= p_max_attempts THEN
    RETURN ledger_conclude(p_task, 'failed', jsonb_build_object('code', 'worker_lost', 'message',
      'The worker was lost in each of ' || t.attempt - t.retries || ' attempts; the last was on ' || coalesce(t.worker, '?') || '.'),
      p_resend);
  END IF;
  -- The claim of a collection (phase 1) counts no attempt, so that losing it has to.
  UPDATE executions_task
  SET status = 'dispatched', attempt = t.attempt + (t.phase > 0)::int, lease = NULL, dispatched_at = clock_timestamp(),
      due_at = clock_timestamp() + make_interval(secs => p_resend)
  WHERE id = p_task;
  PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_lost',
                       jsonb_build_object('name', t.name, 'attempt', t.attempt, 'worker', t.worker,
                                          'reason', p_reason));
  RETURN ARRAY[p_task];
END $$;

-- Give back or fail what a lost worker was running. Called by the worker's parent process, so it needs no sweep.
CREATE OR REPLACE FUNCTION ledger_report_lost(
  p_organization uuid, p_carrier text, p_reason text, p_max_attempts int, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := '{}';
  v_task uuid;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  FOR v_task IN
    SELECT t.id FROM executions_task t
    WHERE t.due_at IS NOT NULL AND t.status = 'executing' AND t.worker = p_carrier
    ORDER BY t.id
  LOOP
    v_released := v_released || ledger_lost(v_task, p_reason, p_max_attempts, p_resend);
  END LOOP;
  RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(v_released)) l;
END $$;

-- A waiting task's time has come. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_due(p_task uuid, p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
BEGIN
  SELECT * INTO t FROM executions_task k WHERE k.id = p_task AND k.status = 'waiting' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN '{}';
  ELSIF t.wait = 'timer' THEN
    RETURN ledger_conclude(p_task, 'completed', NULL, p_resend);
  ELSIF t.wait IN ('approval', 'signal') THEN
    RETURN ledger_wake(p_task, coalesce((t.carry ->> 'on_due')::int, 1), jsonb_build_object(
      'timed_out', true, 'decisions', ledger_decisions(t.id, t.attempt)), p_resend);
  ELSIF t.wait = 'frames' THEN
    PERFORM ledger_cancel_below(p_task, jsonb_build_object('code', 'timeout', 'message',
      'The step around it took longer than its timeout.'));
  END IF;
  UPDATE executions_task k
  SET status = 'dispatched', phase = CASE t.wait WHEN 'frames' THEN 3 ELSE k.phase END, wait = NULL,
      dispatched_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => p_resend)
  WHERE k.id = p_task;
  RETURN ARRAY[p_task] || CASE t.wait WHEN 'frames' THEN ledger_ungate(t.execution_id, p_resend) ELSE '{}' END;
END $$;

-- Sweep: rows whose time has come. Leases that ended, timers that are due, tasks of runs that are over.
-- Returns what it released.
CREATE OR REPLACE FUNCTION ledger_sweep(p_limit int, p_max_attempts int, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := '{}';
  r record;
BEGIN
  FOR r IN
    SELECT t.id, t.status, x.status IN ('pending', 'running', 'paused') AS alive
    FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
    WHERE t.due_at < clock_timestamp()
      AND (t.status IN ('executing', 'waiting')
           OR t.status = 'dispatched' AND x.status NOT IN ('pending', 'running', 'paused'))
    ORDER BY t.due_at LIMIT p_limit
    FOR UPDATE OF t SKIP LOCKED
  LOOP
    IF NOT r.alive THEN
      UPDATE executions_task
      SET status = 'cancelled', lease = NULL, due_at = NULL, held = NULL, wait = NULL, completed_at = clock_timestamp(),
          error = jsonb_build_object('code', 'execution_over', 'message', 'The execution was over before this step.')
      WHERE id = r.id;
    ELSIF r.status = 'waiting' THEN
      v_released := v_released || ledger_due(r.id, p_resend);
    ELSE
      v_released := v_released || ledger_lost(r.id, 'lease_expired', p_max_attempts, p_resend);
    END IF;
  END LOOP;
  PERFORM ledger_time_out(e.id) FROM (
    SELECT x.id FROM executions_execution x
    WHERE x.deadline_at < clock_timestamp() AND x.completed_at IS NULL
      AND x.status IN ('pending', 'running')
    LIMIT p_limit FOR UPDATE SKIP LOCKED) e;
  RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(v_released)) l;
END $$;

-- Released tasks of one queue that nobody claimed in time: to be sent once more, ever more seldom.
CREATE OR REPLACE FUNCTION ledger_unsent(p_queue text, p_room int, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ids uuid[];
BEGIN
  WITH due AS (
    SELECT t.id FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
    WHERE t.due_at < clock_timestamp() AND t.status = 'dispatched' AND t.queue = p_queue
      AND x.status IN ('pending', 'running')
    ORDER BY t.due_at LIMIT p_room
    FOR UPDATE OF t SKIP LOCKED
  ), marked AS (
    UPDATE executions_task t
    SET held = NULL, sends = least(t.sends + 1, 3), due_at = clock_timestamp() + make_interval(secs => p_resend * 2 ^ t.sends)
    FROM due WHERE t.id = due.id RETURNING t.id
  )
  SELECT array_agg(id) INTO v_ids FROM marked;
  RETURN QUERY SELECT l.* FROM ledger_released(coalesce(v_ids, '{}')) l;
END $$;
