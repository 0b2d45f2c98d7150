-- Runs: cancelling.

-- Cancel what has not ended of a run that is over: frames and tasks. How many tasks.
--
-- Rows that another transaction holds are passed over: whoever holds one may want the run's row next, so waiting for them
-- could deadlock. `unsettled` then says that the run has to be gone over again, by the caller after its commit and by the
-- sweep. Nothing new comes up meanwhile: claims and expansions look at the run's row.
CREATE OR REPLACE FUNCTION ledger_cancel_tasks(p_execution uuid, p_error jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_first uuid := ledger_task_id(p_execution, 0);
  v_last uuid := (left(p_execution::text, 28) || 'ffffffff')::uuid;
  v_count int;
  v_left boolean;
BEGIN
  UPDATE executions_frame f SET status = 'cancelled'
  WHERE f.id = ANY (ARRAY(
    SELECT o.id FROM executions_frame o
    WHERE o.parent_task_id BETWEEN v_first AND v_last AND o.status IN ('pending', 'running')
    ORDER BY o.id FOR UPDATE SKIP LOCKED));
  UPDATE executions_task t
  SET status = 'cancelled', completed_at = clock_timestamp(), lease = NULL, due_at = NULL, held = NULL, wait = NULL,
      error = p_error
  WHERE t.id = ANY (ARRAY(
    SELECT o.id FROM executions_task o
    WHERE o.id BETWEEN v_first AND v_last AND o.status IN ('pending', 'dispatched', 'executing', 'waiting')
    ORDER BY o.id FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_count = ROW_COUNT;
  v_left := EXISTS (
      SELECT FROM executions_task o
      WHERE o.id BETWEEN v_first AND v_last AND o.status IN ('pending', 'dispatched', 'executing', 'waiting'))
    OR EXISTS (
      SELECT FROM executions_frame o
      WHERE o.parent_task_id BETWEEN v_first AND v_last AND o.status IN ('pending', 'running'));
  UPDATE executions_execution SET unsettled = v_left WHERE id = p_execution AND unsettled <> v_left;
  RETURN v_count;
END $$;

-- Go over runs again that ended while others held some of their tasks; all of them, or one. How many runs.
CREATE OR REPLACE FUNCTION ledger_settle_ended(p_execution uuid, p_limit int) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_run uuid;
  v_count int := 0;
BEGIN
  FOR v_run IN
    SELECT x.id FROM executions_execution x
    WHERE x.unsettled AND (p_execution IS NULL OR x.id = p_execution) AND x.completed_at IS NOT NULL
    ORDER BY x.id LIMIT p_limit FOR UPDATE SKIP LOCKED
  LOOP
    PERFORM ledger_cancel_tasks(v_run, jsonb_build_object('code', 'execution_over', 'message',
      'The execution was over before this step.'));
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END $$;

-- Cancel a run, with p_cascade also the runs that were started for it and have not ended. Which runs were cancelled, the
-- given one first, and how many tasks of each; no row when it had ended already.
CREATE OR REPLACE FUNCTION ledger_cancel(p_execution uuid, p_reason text, p_cascade boolean DEFAULT true)
RETURNS TABLE (execution_id uuid, tasks int) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution%ROWTYPE;
  v_child uuid;
  v_staff text := coalesce(current_setting('app.staff', true), '');
BEGIN
  UPDATE executions_execution
  SET status = 'cancelled', status_message = p_reason, completed_at = clock_timestamp(),
      paused_seconds = paused_seconds
        + CASE status WHEN 'paused' THEN extract(epoch FROM clock_timestamp() - paused_at) ELSE 0 END
  WHERE id = p_execution AND status IN ('queued', 'pending', 'running', 'paused') RETURNING * INTO x;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  execution_id := p_execution;
  tasks := ledger_cancel_tasks(p_execution, jsonb_build_object('code', 'execution_cancelled', 'message',
    'The execution was cancelled.'));
  PERFORM ledger_backlog_leave(p_execution);
  PERFORM ledger_record_measures(p_execution);
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_cancelled',
                       jsonb_build_object('reason', p_reason, 'tasks', tasks));
  RETURN NEXT;
  IF p_cascade THEN
    -- Also those in projects that are hidden from whoever cancels this one: what they were started for is gone.
    PERFORM set_config('app.staff', 'on', true);
    FOR v_child IN
      SELECT c.id FROM executions_execution c
      WHERE c.parent_execution_id = p_execution AND c.organization_id = x.organization_id AND c.completed_at IS NULL
      ORDER BY c.id
    LOOP
      RETURN QUERY SELECT c.execution_id, c.tasks
                   FROM ledger_cancel(v_child, 'The execution it was started for was cancelled.', true) c;
    END LOOP;
    PERFORM set_config('app.staff', v_staff, true);
  END IF;
END $$;

-- A run has taken longer than it may.
CREATE OR REPLACE FUNCTION ledger_time_out(p_execution uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution%ROWTYPE;
BEGIN
  UPDATE executions_execution SET status = 'running' WHERE id = p_execution AND status = 'pending';
  UPDATE executions_execution
  SET status = 'timeout', status_message = 'Out of time.', completed_at = clock_timestamp(), error_code = 'execution_timeout',
      error_message = 'The run took longer than the '
        || round(extract(epoch FROM deadline_at - coalesce(retried_at, created_at))::numeric - paused_seconds::numeric) || ' s it may take.'
  WHERE id = p_execution AND status = 'running' RETURNING * INTO x;
  IF FOUND THEN
    PERFORM ledger_cancel_tasks(p_execution, jsonb_build_object('code', 'execution_timeout', 'message',
      'The run took longer than it may.'));
    PERFORM ledger_record_measures(p_execution);
    PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_timeout', '{}');
  END IF;
END $$;
