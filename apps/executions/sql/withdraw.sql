-- Withdrawing: tasks that are not wanted any more, with everything below them.

-- Cancel the frames of a task that have not ended, and all their tasks, however deep.
CREATE OR REPLACE FUNCTION ledger_cancel_below(p_task uuid, p_error jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_tasks uuid[];
  r record;
BEGIN
  WITH frames AS (
    UPDATE executions_frame f SET status = 'cancelled'
    WHERE f.parent_task_id = p_task AND f.status IN ('pending', 'running') RETURNING f.execution_id, f.first, f.size
  )
  SELECT array_agg(ledger_task_id(f.execution_id, s.seq)) INTO v_tasks
  FROM frames f, generate_series(f.first, f.first + f.size - 1) AS s(seq);
  FOR r IN
    UPDATE executions_task t
    SET status = 'cancelled', completed_at = clock_timestamp(), lease = NULL, due_at = NULL, held = NULL, wait = NULL,
        error = p_error
    WHERE t.id = ANY (v_tasks)
      AND t.status IN ('pending', 'dispatched', 'executing', 'waiting')
    RETURNING t.id, t.organization_id, t.execution_id, t.name, t.kind, t.started_at
  LOOP
    IF r.started_at IS NOT NULL AND r.kind <> 'join' THEN
      PERFORM ledger_event(r.organization_id, r.execution_id, r.id, 'task_cancelled',
                           jsonb_build_object('name', r.name, 'reason', p_error ->> 'code'));
      PERFORM ledger_cancel_below(r.id, p_error);
    END IF;
  END LOOP;
END $$;

-- A step is decided about before all that leads to it has ended. A body is over only when nothing in it runs any more, but
-- nothing that ends it waits for those any longer: from here on the run, and its frames, end where nothing is open.
CREATE OR REPLACE FUNCTION ledger_fray(p_execution uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE executions_execution SET unsettled = true WHERE id = p_execution AND NOT unsettled;
END $$;

-- Whether that is so. Then the run's row is held: of two steps that end at the same time one sees that the other has.
CREATE OR REPLACE FUNCTION ledger_is_frayed(p_execution uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM executions_execution x WHERE x.id = p_execution AND x.unsettled FOR NO KEY UPDATE;
  RETURN FOUND;
END $$;

-- Of these frames, those in which nothing is open.
CREATE OR REPLACE FUNCTION ledger_closed(p_frames uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN ARRAY(
    SELECT f.id FROM executions_frame f
    WHERE f.id = ANY (p_frames) AND NOT EXISTS (
      SELECT FROM executions_task t
      WHERE t.id BETWEEN ledger_task_id(f.execution_id, f.first) AND ledger_task_id(f.execution_id, f.first + f.size - 1)
        AND t.status IN ('pending', 'dispatched', 'executing', 'waiting'))
    ORDER BY f.id);
END $$;

-- A step has ended that nothing waits for, in a frayed run: what was only waiting for it ends. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_end_frayed(p_organization uuid, p_execution uuid, p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := ledger_end_frames(ARRAY(
    SELECT f.id FROM executions_frame f
    WHERE f.parent_task_id BETWEEN ledger_task_id(p_execution, 0) AND (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND f.status = 'running'), p_resend);
BEGIN
  IF cardinality(v_released) = 0 AND ledger_is_over(p_execution) THEN
    RETURN ledger_end_run(p_organization, p_execution, p_resend);
  END IF;
  RETURN v_released;
END $$;

-- Cancel one task that has not ended, and what it let go. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_withdraw(p_task uuid, p_error jsonb, p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  v_ends boolean;
BEGIN
  UPDATE executions_task
  SET status = 'cancelled', completed_at = clock_timestamp(), lease = NULL, due_at = NULL, held = NULL, wait = NULL,
      error = p_error
  WHERE id = p_task AND status IN ('pending', 'dispatched', 'executing', 'waiting') RETURNING * INTO t;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  IF t.open > 0 THEN
    PERFORM ledger_fray(t.execution_id);
  END IF;
  PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_cancelled',
                       jsonb_build_object('name', t.name, 'reason', p_error ->> 'code'));
  PERFORM ledger_cancel_below(t.id, p_error);
  SELECT p.ends INTO v_ends FROM executions_plannode p WHERE p.version_id = t.version_id AND p.node = t.node;
  RETURN ledger_settle(t.organization_id, t.execution_id, t.version_id, ARRAY[t.seq - t.node], ARRAY[t.node],
                       ARRAY[ledger_outcome_code('cancelled', false)], ARRAY[t.frame_id], ARRAY[v_ends], p_resend)
         || CASE WHEN t.started_at IS NULL THEN '{}' ELSE ledger_ungate(t.execution_id, p_resend) END;
END $$;

-- Tasks of the caller's list of steps are withdrawn (p_cancel, sequence numbers), or, if composite, end with what they
-- have (p_complete). Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_withdraw_steps(
  p_execution uuid, p_step text, p_cancel int[], p_complete int[], p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_error jsonb := jsonb_build_object('code', 'withdrawn', 'message', 'Cancelled by the step ' || quote_literal(p_step) || '.');
  v_released uuid[] := '{}';
  v_seq int;
  v_phase smallint;
  v_task uuid;
BEGIN
  FOREACH v_seq IN ARRAY coalesce(p_complete, '{}') LOOP
    v_task := ledger_task_id(p_execution, v_seq);
    -- Also one that collects just now: its claim, or the next one, finds in `carry` that it is to end.
    UPDATE executions_task t SET carry = jsonb_build_object('ending', true)
    WHERE t.id = v_task AND (t.status = 'waiting' AND t.wait = 'frames' OR t.status IN ('dispatched', 'executing')
                             AND t.phase > 0 AND EXISTS (SELECT 1 FROM executions_expansion e WHERE e.task_id = v_task));
    IF FOUND THEN
      PERFORM ledger_cancel_below(v_task, v_error);
      UPDATE executions_expansion SET next = total, remaining = 0 WHERE task_id = v_task RETURNING phase INTO v_phase;
      UPDATE executions_task SET status = 'dispatched', phase = v_phase, wait = NULL,
          due_at = clock_timestamp() + make_interval(secs => p_resend)
      WHERE id = v_task AND status = 'waiting';
      v_released := v_released || CASE WHEN FOUND THEN ARRAY[v_task] ELSE '{}' END;
    ELSE
      v_released := v_released || ledger_withdraw(v_task, v_error, p_resend);
    END IF;
  END LOOP;
  FOREACH v_seq IN ARRAY coalesce(p_cancel, '{}') LOOP
    v_released := v_released || ledger_withdraw(ledger_task_id(p_execution, v_seq), v_error, p_resend);
  END LOOP;
  RETURN v_released;
END $$;

-- As above, for a join that starts before all its predecessors have ended, while it is still the caller's.
CREATE OR REPLACE FUNCTION ledger_withdraw_rest(
  p_organization uuid, p_task uuid, p_lease uuid, p_cancel int[], p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t record;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  SELECT k.execution_id, k.name INTO t FROM executions_task k
  WHERE k.id = p_task AND k.status = 'executing' AND k.lease = p_lease;
  IF FOUND THEN
    RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(
      ledger_withdraw_steps(t.execution_id, t.name, p_cancel, NULL, p_resend))) l;
  END IF;
END $$;

-- A step has ended the run, or the isolated frame it is in, as p_status: whatever else has not ended there is cancelled.
-- Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_stop(
  p_execution uuid, p_frame uuid, p_step text, p_status text, p_error jsonb, p_message text,
  p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_error jsonb := jsonb_build_object('code', 'ended', 'message', 'The step ' || quote_literal(p_step) || ' ended the run.');
  v_home uuid;
  v_organization uuid;
  r record;
BEGIN
  SELECT f.home INTO v_home FROM executions_frame f WHERE f.id = p_frame;
  IF p_status = 'failed' THEN
    PERFORM ledger_fail(p_execution, v_home, p_step, p_error);
  END IF;
  IF v_home IS NOT NULL THEN
    SELECT f.first, f.size, f.organization_id INTO r FROM executions_frame f WHERE f.id = v_home;
    FOR r IN
      UPDATE executions_task t
      SET status = 'cancelled', completed_at = clock_timestamp(), lease = NULL, due_at = NULL, held = NULL, wait = NULL,
          error = v_error
      WHERE t.id >= ledger_task_id(p_execution, r.first)
        AND t.id <= ledger_task_id(p_execution, r.first + r.size - 1)
        AND t.status IN ('pending', 'dispatched', 'executing', 'waiting')
      RETURNING t.id
    LOOP
      PERFORM ledger_cancel_below(r.id, v_error);
    END LOOP;
    RETURN ledger_end_frames(ARRAY[v_home], p_resend);
  END IF;
  SELECT x.organization_id, x.compensation INTO r FROM executions_execution x
  WHERE x.id = p_execution AND x.status IN ('running', 'paused') FOR UPDATE;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  v_organization := r.organization_id;
  -- A step that ends the run ends it also while it is paused.
  PERFORM ledger_end_pause(p_execution);
  UPDATE executions_frame f SET status = 'cancelled'
  WHERE f.status IN ('pending', 'running') AND f.parent_task_id = ANY (ARRAY(
    SELECT t.id FROM executions_task t
    WHERE t.id >= ledger_task_id(p_execution, 0) AND t.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND t.status = 'waiting'));
  UPDATE executions_task t
  SET status = 'cancelled', completed_at = clock_timestamp(), lease = NULL, due_at = NULL, held = NULL, wait = NULL,
      error = v_error
  WHERE t.id >= ledger_task_id(p_execution, 0) AND t.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
    AND t.status IN ('pending', 'dispatched', 'executing', 'waiting')
    -- One that waits undoes things just now: the caller is among them.
    AND (r.compensation IS NULL OR t.seq <> r.compensation OR t.status = 'waiting');
  UPDATE executions_execution
  SET status_message = coalesce(nullif(p_message, ''), v_error ->> 'message') WHERE id = p_execution;
  IF p_status = 'cancelled' THEN
    UPDATE executions_execution SET status = 'cancelled', completed_at = clock_timestamp() WHERE id = p_execution;
    PERFORM ledger_record_measures(p_execution);
    PERFORM ledger_event(v_organization, p_execution, NULL, 'execution_cancelled', v_error);
    RETURN '{}';
  END IF;
  RETURN ledger_end_run(v_organization, p_execution, p_resend);
END $$;
