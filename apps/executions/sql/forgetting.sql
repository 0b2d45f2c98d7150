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

-- Delete a run that has ended; the addresses of bytes nobody may name any more. NULL when it has not ended.
CREATE OR REPLACE FUNCTION ledger_forget(p_execution uuid) RETURNS text[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_first uuid := ledger_task_id(p_execution, 0);
  v_last uuid := (left(p_execution::text, 28) || 'ffffffff')::uuid;
  v_addresses text[];
BEGIN
  PERFORM 1 FROM executions_execution
  WHERE id = p_execution AND status IN ('completed', 'failed', 'cancelled', 'timeout') FOR UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  v_addresses := ARRAY(
    SELECT a.content_hash FROM executions_artifact a WHERE a.execution_id = p_execution
    UNION
    SELECT t.output_ref FROM executions_task t WHERE t.id BETWEEN v_first AND v_last AND t.output_ref IS NOT NULL);
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
  DELETE FROM executions_execution WHERE id = p_execution;
  RETURN v_addresses;
END $$;

-- Which of these addresses nothing names any more: their blobs are deleted, their bytes may go.
CREATE OR REPLACE FUNCTION ledger_forget_blobs(p_organization uuid, p_addresses text[]) RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
  DELETE FROM executions_blob b
  WHERE b.organization_id = p_organization AND b.sha256 = ANY (p_addresses)
    AND NOT EXISTS (
      SELECT FROM executions_artifact a WHERE a.organization_id = b.organization_id AND a.content_hash = b.sha256)
    AND NOT EXISTS (
      SELECT FROM executions_task t WHERE t.organization_id = b.organization_id AND t.output_ref = b.sha256)
    AND NOT EXISTS (
      SELECT FROM executions_cachedresult c WHERE c.organization_id = b.organization_id AND c.output_ref = b.sha256)
  RETURNING b.sha256
$$;
