-- Forgetting: runs whose time is over go, with everything they left behind.

-- Runs of an organization that ended before a moment, oldest first. Ids begin with the time of creation: p_newest is the
-- highest id a run can have that was created before that moment, so that only old rows are looked at.
CREATE OR REPLACE FUNCTION ledger_expired(p_organization uuid, p_before timestamptz, p_newest uuid, p_limit int)
RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT x.id FROM executions_execution x
  WHERE x.organization_id = p_organization AND x.id <= p_newest AND x.completed_at < p_before
    AND x.status IN ('completed', 'failed', 'cancelled', 'timeout')
  ORDER BY x.id LIMIT p_limit
$$;

-- Delete a run that has ended; false when it has not. The bytes it named are looked at a while from now.
CREATE OR REPLACE FUNCTION ledger_forget(p_execution uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_first uuid := ledger_task_id(p_execution, 0);
  v_last uuid := (left(p_execution::text, 28) || 'ffffffff')::uuid;
  v_organization uuid;
BEGIN
  SELECT organization_id INTO v_organization FROM executions_execution
  WHERE id = p_execution AND status IN ('completed', 'failed', 'cancelled', 'timeout') FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM ledger_suspect_blobs(v_organization, ARRAY(
    SELECT a.content_hash FROM executions_artifact a WHERE a.execution_id = p_execution
    UNION
    SELECT t.output_ref FROM executions_task t WHERE t.id BETWEEN v_first AND v_last AND t.output_ref IS NOT NULL));
  DELETE FROM executions_pitoperation WHERE execution_id = p_execution;
  DELETE FROM executions_event WHERE execution_id = p_execution;
  DELETE FROM executions_artifact WHERE execution_id = p_execution;
  DELETE FROM executions_signal WHERE execution_id = p_execution;
  DELETE FROM executions_decision WHERE task_id BETWEEN v_first AND v_last;
  DELETE FROM executions_variable WHERE execution_id = p_execution;
  DELETE FROM executions_stripe WHERE task_id BETWEEN v_first AND v_last;
  DELETE FROM executions_expansion WHERE task_id BETWEEN v_first AND v_last;
  DELETE FROM executions_frame WHERE parent_task_id BETWEEN v_first AND v_last;
  DELETE FROM executions_task WHERE id BETWEEN v_first AND v_last;
  DELETE FROM executions_conversation c USING executions_execution x
  WHERE x.id = p_execution AND c.organization_id = x.organization_id AND c.scope = x.id;
  DELETE FROM spending_runtotal WHERE execution_id = p_execution;
  -- Nothing of the run is left to say that its melody has one less.
  UPDATE executions_melodystatistics s SET stale = true
  FROM executions_execution x WHERE x.id = p_execution AND s.melody_id = x.melody_id AND NOT s.stale;
  UPDATE executions_execution SET parent_execution_id = NULL WHERE parent_execution_id = p_execution;
  UPDATE executions_execution SET rerun_of_id = NULL WHERE rerun_of_id = p_execution;
  DELETE FROM executions_execution WHERE id = p_execution;
  RETURN true;
END $$;
