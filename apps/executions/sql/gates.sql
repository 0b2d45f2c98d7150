-- Gates: how many tasks of a run may execute at once, all of it (max_parallel) or those that exclude each other.
--
-- A gate is `*` or names, unit-separated: a composite step that says `exclusive` has the names inside it in its gate as well,
-- so it takes all of them before it begins and no two can wait for each other. What is inside it passes them.

-- How many tasks of a run that pass gates execute just now.
CREATE OR REPLACE FUNCTION ledger_inside(p_execution uuid) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (SELECT count(*) FROM executions_task o
          WHERE o.execution_id = p_execution AND o.gate IS NOT NULL AND o.status = 'executing' AND o.phase = 0);
END $$;

-- The composite tasks around a task: what is inside a step that has passed a gate has passed it as well.
CREATE OR REPLACE FUNCTION ledger_around(p_task uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 4 AS $$
  WITH RECURSIVE around AS (
    SELECT t.parent_id AS id FROM executions_task t WHERE t.id = p_task
    UNION ALL
    SELECT t.parent_id FROM around a JOIN executions_task t ON t.id = a.id
  )
  SELECT id FROM around WHERE id IS NOT NULL
$$;

-- Which of these released tasks may pass now. The others are held; `ledger_ungate` lets them try again when one that
-- stands in their way has ended. The lock lasts until the claim is committed, so that no two pass where one may.
CREATE OR REPLACE FUNCTION ledger_open_gates(p_tasks uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_open uuid[] := '{}';
  v_gates text[] := '{}';
  r record;
BEGIN
  FOR r IN
    SELECT t.id, t.organization_id, t.execution_id, t.gate, t.held, x.max_parallel
    FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
    WHERE t.id = ANY (p_tasks) AND t.status = 'dispatched' AND t.gate IS NOT NULL AND t.phase = 0
    ORDER BY t.id
  LOOP
    PERFORM pg_advisory_xact_lock(1398361683, hashtext(r.execution_id::text));
    IF (r.max_parallel IS NULL OR ledger_inside(r.execution_id) + cardinality(v_open) < r.max_parallel)
       AND (r.gate = '*' OR NOT (
         string_to_array(r.gate, chr(31)) && v_gates OR EXISTS (
           SELECT 1 FROM executions_task o
           WHERE o.execution_id = r.execution_id AND o.gate <> '*' AND o.id <> r.id
             AND string_to_array(o.gate, chr(31)) && string_to_array(r.gate, chr(31))
             AND (o.status IN ('executing', 'waiting') OR o.status = 'dispatched' AND o.phase > 0)
             AND NOT o.id IN (SELECT ledger_around(r.id)))))
    THEN
      v_gates := v_gates || string_to_array(r.gate, chr(31));
      v_open := v_open || r.id;
    ELSE
      UPDATE executions_task t SET held = 'gate', due_at = coalesce(t.due_at, clock_timestamp() + interval '10 s')
      WHERE t.id = r.id AND t.status = 'dispatched';
      IF r.held IS NULL THEN
        INSERT INTO executions_pitoperation
          (organization_id, execution_id, task_id, operation_type, operation_context, resource_allocations, performed_at)
        VALUES (r.organization_id, r.execution_id, r.id, 'arbitration', jsonb_build_object(
                  'decision', 'deferred', 'reason', CASE r.gate WHEN '*' THEN 'max_parallel_steps' ELSE 'exclusive' END,
                  'names', string_to_array(nullif(r.gate, '*'), chr(31))), '{}', clock_timestamp());
      END IF;
    END IF;
  END LOOP;
  RETURN v_open;
END $$;

-- A task that had passed a gate has ended: those held there are released to try again.
--
-- The lock: whoever is being turned away just now is waited for, or it would be held and nobody would call it. Of those
-- that exclude each other the first is let try; of the others as many as there is room for.
CREATE OR REPLACE FUNCTION ledger_ungate(p_execution uuid, p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_freed uuid[];
BEGIN
  -- Who works on many runs in one transaction must not wait for one while holding another. Whoever has the lock lets the
  -- others try, or they are sent again when they are due.
  IF NOT app_is_sweep() THEN
    PERFORM pg_advisory_xact_lock(1398361683, hashtext(p_execution::text));
  ELSIF NOT pg_try_advisory_xact_lock(1398361683, hashtext(p_execution::text)) THEN
    UPDATE executions_task t SET due_at = clock_timestamp() + interval '1 s'
    WHERE t.id = ANY (ARRAY(SELECT o.id FROM executions_task o WHERE o.execution_id = p_execution AND o.held = 'gate'
                   FOR UPDATE SKIP LOCKED));
    RETURN '{}';
  END IF;
  WITH turned_away AS (
    SELECT o.id, o.gate, row_number() OVER (PARTITION BY o.gate ORDER BY o.id) AS place
    FROM executions_task o WHERE o.execution_id = p_execution AND o.held = 'gate'
  ), freed AS (
    UPDATE executions_task t SET held = NULL, due_at = clock_timestamp() + make_interval(secs => p_resend)
    WHERE t.id = ANY (ARRAY(
      SELECT o.id FROM executions_task o
      WHERE o.id = ANY (ARRAY(
          SELECT a.id FROM turned_away a
          WHERE a.place <= CASE WHEN a.gate = '*' THEN (
            SELECT greatest(x.max_parallel - ledger_inside(x.id), 1) FROM executions_execution x WHERE x.id = p_execution)
            ELSE 1 END))
      FOR UPDATE SKIP LOCKED))
    RETURNING t.id
  )
  SELECT coalesce(array_agg(id), '{}') INTO v_freed FROM freed;
  RETURN v_freed;
END $$;
