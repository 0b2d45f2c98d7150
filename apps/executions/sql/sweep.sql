-- Sweeping: what is lost, due, or was never sent.

-- One task comes to its end outside a worker: a timer that is due, or a worker lost too often. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_conclude(p_task uuid, p_status text, p_error jsonb, p_resend double precision)
RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  p executions_plannode%ROWTYPE;
BEGIN
  UPDATE executions_task
  SET status = p_status, error = p_error, lease = NULL, due_at = NULL, held = NULL, wait = NULL,
      completed_at = clock_timestamp()
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
  -- Of a run in which nothing has begun yet, this is the beginning.
  UPDATE executions_execution
  SET status = 'running', started_at = clock_timestamp(), status_message = ledger_message('running', NULL, NULL)
  WHERE id = t.execution_id AND status = 'pending';
  IF FOUND THEN
    PERFORM ledger_event(t.organization_id, t.execution_id, NULL, 'execution_started', '{}');
  END IF;
  IF p_status = 'failed' AND NOT p.tolerates AND NOT p.handled THEN
    PERFORM ledger_fail(t.execution_id, t.frame_id, t.name, p_error);
  END IF;
  RETURN ledger_settle(t.organization_id, t.execution_id, t.version_id, ARRAY[t.seq - t.node], ARRAY[t.node],
                       ARRAY[ledger_outcome_code(p_status, p.tolerates)], ARRAY[t.frame_id], ARRAY[p.ends],
                       p_resend)
         || CASE WHEN t.gate IS NULL AND t.phase = 0 THEN '{}' ELSE ledger_ungate(t.execution_id, p_resend) END;
END $$;

-- A worker is lost: give its task back, or fail it when that happened too often. The first time it is run again at once;
-- after that it waits, longer each time, so that a step which kills its workers does not take one after the other.
-- Returns released tasks, the given-back one among them.
CREATE OR REPLACE FUNCTION ledger_lost(
  p_task uuid, p_reason text, p_max_losses int, p_delay double precision, p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  v_until timestamptz;
BEGIN
  SELECT * INTO t FROM executions_task WHERE id = p_task AND status = 'executing' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  IF p_reason = 'lease_expired' THEN
    PERFORM nextval('executions_lease_expiries');
  END IF;
  t.losses := t.losses + 1;
  UPDATE executions_task SET losses = t.losses WHERE id = p_task;
  IF t.losses >= p_max_losses AND t.phase < 3 THEN
    RETURN ledger_break(p_task, jsonb_build_object('code', 'worker_lost', 'message', 'The worker was lost in each of '
      || t.losses || ' attempts; the last was on ' || coalesce(t.worker, '?') || '.'), p_resend);
  ELSIF t.losses >= 2 * p_max_losses THEN
    -- Not even what becomes of the failure could be decided.
    RETURN ledger_conclude(p_task, 'failed', coalesce(t.error, jsonb_build_object('code', 'timeout', 'message',
      'The step took longer than its timeout.')), p_resend);
  END IF;
  IF t.losses > 1 AND p_delay > 0 THEN
    v_until := clock_timestamp() + make_interval(secs => least(p_delay * 2 ^ (t.losses - 2), 60));
  END IF;
  -- The claim of a collection (phase 1) counts no attempt, so that losing it has to.
  UPDATE executions_task
  SET status = CASE WHEN v_until IS NULL THEN 'dispatched' ELSE 'waiting' END,
      wait = CASE WHEN v_until IS NOT NULL THEN 'loss' END, attempt = t.attempt + (t.phase > 0)::int, lease = NULL,
      dispatched_at = CASE WHEN v_until IS NULL THEN clock_timestamp() END,
      due_at = coalesce(v_until, clock_timestamp() + make_interval(secs => p_resend))
  WHERE id = p_task;
  PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_lost', jsonb_strip_nulls(jsonb_build_object(
    'name', t.name, 'attempt', t.attempt, 'worker', t.worker, 'reason', p_reason, 'losses', t.losses, 'until', v_until)));
  RETURN CASE WHEN v_until IS NULL THEN ARRAY[p_task]
              WHEN t.gate IS NULL THEN '{}' ELSE ledger_ungate(t.execution_id, p_resend) END;
END $$;

-- Give back or fail what a lost worker was running. Called by the worker's parent process, so it needs no sweep.
CREATE OR REPLACE FUNCTION ledger_report_lost(
  p_organization uuid, p_carrier text, p_reason text, p_max_losses int, p_delay double precision, p_resend double precision
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
    v_released := v_released || ledger_lost(v_task, p_reason, p_max_losses, p_delay, p_resend);
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

-- Runs in which the time of something has come, with the tasks: leases that ended, timers and limits that are due, tasks of
-- runs that are over. Nothing is locked here; ledger_sweep_run looks again. `gated`: some pass gates.
-- (The moment is a variable: an index can be asked for one, not for clock_timestamp().)
CREATE OR REPLACE FUNCTION ledger_due_runs(p_limit int) RETURNS TABLE (execution uuid, tasks uuid[], gated boolean)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    SELECT f.execution_id, array_agg(DISTINCT f.id) FILTER (WHERE f.id IS NOT NULL), bool_or(f.gate IS NOT NULL)
    FROM (
      (SELECT t.execution_id, t.id, t.gate, t.due_at AS at
       FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
       WHERE t.due_at < v_now
         AND (t.status IN ('executing', 'waiting')
              OR t.status = 'dispatched' AND x.status NOT IN ('pending', 'running', 'paused'))
       ORDER BY t.due_at LIMIT p_limit)
      UNION ALL
      (SELECT t.execution_id, t.id, t.gate, t.limit_at FROM executions_task t
       WHERE t.limit_at < v_now ORDER BY t.limit_at LIMIT p_limit)
      UNION ALL
      (SELECT x.id, NULL, NULL, x.deadline_at FROM executions_execution x
       WHERE x.deadline_at < v_now AND x.completed_at IS NULL AND x.status IN ('pending', 'running')
       ORDER BY x.deadline_at LIMIT p_limit)
    ) f
    GROUP BY f.execution_id ORDER BY min(f.at);
END $$;

-- What is to be done about one task whose time may have come; the caller holds it. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_sweep_task(
  t executions_task, p_run text, p_max_losses int, p_delay double precision, p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_error jsonb;
BEGIN
  IF p_run NOT IN ('pending', 'running', 'paused') THEN
    UPDATE executions_task
    SET status = 'cancelled', lease = NULL, due_at = NULL, held = NULL, wait = NULL, completed_at = clock_timestamp(),
        error = jsonb_build_object('code', 'execution_over', 'message', 'The execution was over before this step.')
    WHERE id = t.id;
    RETURN '{}';
  ELSIF t.status = 'waiting' AND t.due_at < least(v_now, t.limit_at) THEN
    RETURN ledger_due(t.id, p_resend);
  ELSIF t.limit_at < v_now AND t.status = 'dispatched' AND p_run = 'paused' THEN
    -- Its clock stands still; ledger_lengthen sets it going again.
    UPDATE executions_task SET limit_at = NULL WHERE id = t.id;
    RETURN '{}';
  ELSIF t.limit_at < v_now THEN
    v_error := ledger_passed(t);
    IF v_error IS NOT NULL THEN
      RETURN ledger_break(t.id, v_error, p_resend);
    END IF;
    -- The moments are reckoned anew; of those that wait for a decision (phase 3) nobody came.
    UPDATE executions_task SET status = t.status WHERE id = t.id;
    RETURN CASE WHEN t.phase = 3 AND t.status = 'dispatched' THEN ARRAY[t.id] ELSE '{}' END;
  ELSIF t.status = 'executing' AND t.due_at < v_now THEN
    RETURN ledger_lost(t.id, 'lease_expired', p_max_losses, p_delay, p_resend);
  END IF;
  RETURN '{}';
END $$;

-- Sweep one run: p_tasks are those ledger_due_runs has found. Returns what it released; `undecided` are those that have
-- failed, and of which somebody has to decide what becomes of them.
--
-- One transaction for one run, and one sweep at a time in it: two sweeps have no lock in common to wait for. What others
-- hold just now is left for the next pass. Tasks that pass gates come one by one, or the lock of the run's gates would be
-- held while a further row is waited for.
CREATE OR REPLACE FUNCTION ledger_sweep_run(
  p_execution uuid, p_tasks uuid[], p_max_losses int, p_delay double precision, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb, undecided boolean)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_run text;
  v_released uuid[] := '{}';
  v_undecided uuid[];
  v_task uuid;
  t executions_task%ROWTYPE;
BEGIN
  IF NOT pg_try_advisory_xact_lock(1398361684, hashtext(p_execution::text)) THEN
    RETURN;
  END IF;
  PERFORM 1 FROM executions_execution x
  WHERE x.id = p_execution AND x.deadline_at < clock_timestamp() AND x.completed_at IS NULL
    AND x.status IN ('pending', 'running')
  FOR UPDATE SKIP LOCKED;
  IF FOUND THEN
    PERFORM ledger_time_out(p_execution);
    RETURN;
  END IF;
  FOREACH v_task IN ARRAY coalesce(p_tasks, '{}') LOOP
    SELECT * INTO t FROM executions_task k
    WHERE k.id = v_task AND (k.due_at < clock_timestamp() OR k.limit_at < clock_timestamp()) FOR UPDATE SKIP LOCKED;
    CONTINUE WHEN NOT FOUND;
    SELECT x.status INTO v_run FROM executions_execution x WHERE x.id = p_execution;
    v_released := v_released || ledger_sweep_task(t, v_run, p_max_losses, p_delay, p_resend);
  END LOOP;
  IF cardinality(v_released) = 0 THEN
    RETURN;
  END IF;
  v_undecided := ARRAY(
    SELECT k.id FROM executions_task k
    WHERE k.id = ANY (v_released) AND k.status = 'dispatched' AND k.phase = 3 AND k.error IS NOT NULL);
  RETURN QUERY
    SELECT l.*, false FROM ledger_released(ledger_hold(
      ARRAY(SELECT DISTINCT u FROM unnest(v_released) u WHERE NOT u = ANY (v_undecided)))) l
    UNION ALL
    SELECT l.*, true FROM ledger_released(v_undecided) l;
END $$;

-- Released tasks of one queue that nobody claimed in time: to be sent once more, ever more seldom.
CREATE OR REPLACE FUNCTION ledger_unsent(p_queue text, p_room int, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_ids uuid[];
BEGIN
  WITH due AS (
    SELECT t.id FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
    WHERE t.due_at < v_now AND t.status = 'dispatched' AND t.queue = p_queue
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
