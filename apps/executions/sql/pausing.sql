-- Pausing: nothing new is claimed, what runs comes to its end, timers and approvals go on; resuming lets go what is ready.

-- 'paused', or why not: the status the run has.
CREATE OR REPLACE FUNCTION ledger_pause(p_execution uuid, p_message text, p_by text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution%ROWTYPE;
BEGIN
  SELECT * INTO x FROM executions_execution WHERE id = p_execution FOR UPDATE;
  IF x.status NOT IN ('pending', 'running') THEN
    RETURN x.status;
  END IF;
  IF x.status = 'pending' THEN
    UPDATE executions_execution SET status = 'running', started_at = clock_timestamp() WHERE id = p_execution;
    PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_started', '{}');
  END IF;
  UPDATE executions_execution
  SET status = 'paused', paused_at = clock_timestamp(), status_message = p_message WHERE id = p_execution;
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_paused',
                       jsonb_strip_nulls(jsonb_build_object('reason', p_message, 'by', p_by)));
  PERFORM ledger_backlog_leave(p_execution);
  RETURN 'paused';
END $$;

-- A pause is over: what is left of the run's time goes on. For those who hold its row.
CREATE OR REPLACE FUNCTION ledger_end_pause(p_execution uuid) RETURNS void
LANGUAGE sql VOLATILE AS $$
  UPDATE executions_execution e
  SET status = 'running', resumed_at = clock_timestamp(), deadline_at = e.deadline_at + (clock_timestamp() - e.paused_at),
      paused_seconds = e.paused_seconds + extract(epoch FROM clock_timestamp() - e.paused_at)
  WHERE e.id = p_execution AND e.status = 'paused'
$$;

-- What is to be sent now. A run whose last step ended meanwhile ends here. The clock of its deadline has stood still.
-- One row with a status and no task says that the run is not paused.
CREATE OR REPLACE FUNCTION ledger_resume(p_execution uuid, p_resend double precision)
RETURNS TABLE (status text, task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution%ROWTYPE;
  v_ready uuid[];
BEGIN
  SELECT * INTO x FROM executions_execution e WHERE e.id = p_execution FOR UPDATE;
  IF x.status <> 'paused' THEN
    status := x.status;
    RETURN NEXT;
    RETURN;
  END IF;
  PERFORM ledger_end_pause(p_execution);
  PERFORM ledger_lengthen(p_execution, x.paused_at);
  UPDATE executions_execution e SET status_message = ledger_message('running', NULL, NULL) WHERE e.id = p_execution;
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_resumed', '{}');
  -- What somebody else holds is being withdrawn, by whoever may want the run's row next; else the sweep sends it.
  v_ready := ARRAY(
    SELECT t.id FROM executions_task t
    WHERE t.id >= ledger_task_id(p_execution, 0) AND t.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND t.status = 'dispatched' AND t.held IS DISTINCT FROM 'gate'
    ORDER BY t.id FOR UPDATE SKIP LOCKED);
  UPDATE executions_task t
  SET held = NULL, sends = 0, due_at = clock_timestamp() + make_interval(secs => p_resend) WHERE t.id = ANY (v_ready);
  v_ready := v_ready || ledger_ungate(p_execution, p_resend);
  IF cardinality(v_ready) = 0 AND ledger_is_over(p_execution) THEN
    v_ready := ledger_end_run(x.organization_id, p_execution, p_resend);
  END IF;
  RETURN QUERY SELECT 'running', l.* FROM ledger_released(ledger_hold(v_ready)) l;
END $$;

-- No step of the document itself is left to end: only what would undo them.
CREATE OR REPLACE FUNCTION ledger_is_over(p_execution uuid) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN NOT EXISTS (
    SELECT FROM executions_task t
    WHERE t.id >= ledger_task_id(p_execution, 0) AND t.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND t.status IN ('pending', 'dispatched', 'executing', 'waiting')
      AND (t.kind <> 'compensation' OR t.status <> 'pending'));
END $$;
