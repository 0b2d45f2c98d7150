-- Runs: beginning and cancelling.

-- Begin a run: its tasks are inserted from the plan, the entry steps released.
CREATE OR REPLACE FUNCTION ledger_start(p_execution uuid, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
               node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution%ROWTYPE;
  v_count int;
BEGIN
  UPDATE executions_execution SET status = 'pending', status_message = ledger_message('pending', NULL, NULL)
  WHERE id = p_execution AND status = 'queued' RETURNING * INTO x;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  INSERT INTO executions_task (id, organization_id, execution_id, version_id, seq, node, name, kind, queue, status,
                               open, total, need, wants, scopes, gate, dispatched_at, due_at)
  SELECT ledger_task_id(p_execution, p.node), x.organization_id, p_execution, x.version_id, p.node, p.node, p.name,
         p.kind, p.queue, CASE WHEN p.open = 0 THEN 'dispatched' ELSE 'pending' END, p.open, p.open, p.need, p.wants,
         '{0}', coalesce(p.exclusive, CASE WHEN x.max_parallel IS NOT NULL AND p.bodies = '[]' THEN '*' END),
         CASE WHEN p.open = 0 THEN clock_timestamp() END,
         CASE WHEN p.open = 0 THEN clock_timestamp() + make_interval(secs => p_resend) END
  FROM executions_plannode p
  WHERE p.version_id = x.version_id AND p.parent IS NULL
  ORDER BY p.node;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  INSERT INTO executions_stripe (organization_id, execution_id, task_id, stripe, size, open)
  SELECT x.organization_id, p_execution, ledger_task_id(p_execution, p.node), s.place - 1, s.size, s.size
  FROM executions_plannode p
  CROSS JOIN LATERAL unnest(p.stripes) WITH ORDINALITY AS s(size, place)
  WHERE p.version_id = x.version_id AND p.parent IS NULL AND p.stripes <> '{}' AND s.size > 0;
  UPDATE executions_execution
  SET next_seq = v_count, compensation = (
    SELECT p.node FROM executions_plannode p
    WHERE p.version_id = x.version_id AND p.node = v_count - 1 AND p.kind = 'compensation')
  WHERE id = p_execution;
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_created',
                       jsonb_build_object('tasks', v_count - (
                         SELECT count(*) FROM executions_plannode p
                         WHERE p.version_id = x.version_id AND p.parent IS NULL AND p.kind IN ('join', 'compensation'))));
  RETURN QUERY
    SELECT l.* FROM ledger_released(ledger_hold(ARRAY(
      SELECT ledger_task_id(p_execution, p.node) FROM executions_plannode p
      WHERE p.version_id = x.version_id AND p.parent IS NULL AND p.open = 0))) l;
END $$;

CREATE OR REPLACE FUNCTION ledger_cancel_tasks(p_execution uuid, p_error jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int;
BEGIN
  UPDATE executions_task t
  SET status = 'cancelled', completed_at = clock_timestamp(), lease = NULL, due_at = NULL, held = NULL, wait = NULL,
      error = p_error
  WHERE t.id IN (
    SELECT o.id FROM executions_task o
    WHERE o.id >= ledger_task_id(p_execution, 0) AND o.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND o.status IN ('pending', 'dispatched', 'executing', 'waiting')
    FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- Cancel a run. Tasks another transaction holds just now are left to their claim, their worker's next sign of life, or
-- the sweep, which all see that the run is not running any more.
CREATE OR REPLACE FUNCTION ledger_cancel(p_execution uuid, p_reason text) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution%ROWTYPE;
  v_count int;
BEGIN
  UPDATE executions_execution
  SET status = 'cancelled', status_message = p_reason, completed_at = clock_timestamp(),
      paused_seconds = paused_seconds
        + CASE status WHEN 'paused' THEN extract(epoch FROM clock_timestamp() - paused_at) ELSE 0 END
  WHERE id = p_execution AND status IN ('queued', 'pending', 'running', 'paused') RETURNING * INTO x;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  v_count := ledger_cancel_tasks(p_execution, jsonb_build_object('code', 'execution_cancelled', 'message',
    'The execution was cancelled.'));
  PERFORM ledger_record_measures(p_execution);
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_cancelled',
                       jsonb_build_object('reason', p_reason, 'tasks', v_count));
  RETURN v_count;
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
        || round(extract(epoch FROM deadline_at - created_at)::numeric - paused_seconds::numeric) || ' s it may take.'
  WHERE id = p_execution AND status = 'running' RETURNING * INTO x;
  IF FOUND THEN
    PERFORM ledger_cancel_tasks(p_execution, jsonb_build_object('code', 'execution_timeout', 'message',
      'The run took longer than it may.'));
    PERFORM ledger_record_measures(p_execution);
    PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_timeout', '{}');
  END IF;
END $$;
