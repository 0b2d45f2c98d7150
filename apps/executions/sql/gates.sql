-- Gates: how many tasks of a run may execute at once, all of it (max_parallel) or those that exclude each other.

-- Which of these released tasks may pass now. The others are held; `ledger_ungate` lets them try again when one that
-- stands in their way has ended. The lock lasts until the claim is committed, so that no two pass where one may.
CREATE OR REPLACE FUNCTION ledger_open_gates(p_tasks uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_open uuid[] := '{}';
  v_inside int;
  r record;
BEGIN
  FOR r IN
    SELECT t.id, t.execution_id, t.gate, x.max_parallel
    FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
    WHERE t.id = ANY (p_tasks) AND t.status = 'dispatched' AND t.gate IS NOT NULL AND t.phase = 0
    ORDER BY t.id
  LOOP
    PERFORM pg_advisory_xact_lock(1398361683, hashtext(r.execution_id::text));
    SELECT count(*) INTO v_inside FROM executions_task o
    WHERE o.id >= ledger_task_id(r.execution_id, 0) AND o.id <= (left(r.execution_id::text, 28) || 'ffffffff')::uuid
      AND o.gate IS NOT NULL AND o.status = 'executing' AND o.phase = 0;
    IF v_inside + cardinality(v_open) < coalesce(r.max_parallel, 2147483647)
       AND (r.gate = '*' OR NOT EXISTS (
         SELECT 1 FROM executions_task o
         WHERE o.id >= ledger_task_id(r.execution_id, 0)
           AND o.id <= (left(r.execution_id::text, 28) || 'ffffffff')::uuid
           AND o.gate = r.gate AND o.id <> r.id
           AND (o.status IN ('executing', 'waiting') OR o.status = 'dispatched' AND o.phase > 0 OR o.id = ANY (v_open))))
    THEN
      v_open := v_open || r.id;
    ELSE
      UPDATE executions_task SET held = 'gate' WHERE id = r.id AND status = 'dispatched';
    END IF;
  END LOOP;
  RETURN v_open;
END $$;

-- A task that had passed a gate has ended: those held there are released to try again.
CREATE OR REPLACE FUNCTION ledger_ungate(p_execution uuid, p_resend double precision) RETURNS uuid[]
LANGUAGE sql VOLATILE AS $$
  WITH freed AS (
    UPDATE executions_task t SET held = NULL, due_at = clock_timestamp() + make_interval(secs => p_resend)
    WHERE t.id IN (
      SELECT o.id FROM executions_task o WHERE o.execution_id = p_execution AND o.held = 'gate'
      ORDER BY o.id LIMIT 16 FOR UPDATE SKIP LOCKED)
    RETURNING t.id
  )
  SELECT coalesce(array_agg(id), '{}') FROM freed
$$;
