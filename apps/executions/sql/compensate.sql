-- Compensating: what completed steps have left is undone, the last one first, when the run has failed.

-- The claimed compensation task goes on as one frame for each completed step that has something to undo. No row and
-- p_count 0: there is nothing.
CREATE OR REPLACE FUNCTION ledger_compensate(
  p_organization uuid, p_task uuid, p_lease uuid, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  v_frames jsonb;
  v_size int;
  v_base int;
  x executions_execution%ROWTYPE;
  v_released uuid[];
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  SELECT * INTO t FROM executions_task k WHERE k.id = p_task AND k.status = 'executing' AND k.lease = p_lease FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Frames of a compensation before the last retry stay as history.
  v_base := coalesce((SELECT e.total FROM executions_expansion e WHERE e.task_id = p_task), 0);
  SELECT jsonb_agg(jsonb_build_object(
           'id', a.frame, 'index', v_base + a.place - 1, 'body', a.body, 'first', a.shape -> 'first', 'size', a.shape -> 'size',
           'label', a.name, 'version', a.version_id, 'scopes', to_jsonb(a.scopes),
           'lineage', to_jsonb(coalesce(a.lineage, '{}') || a.frame), 'home', a.home,
           'ancestors', to_jsonb(a.ancestors), 'depth', coalesce(a.depth, 0), 'loop', a.loop) ORDER BY a.place),
         sum((a.shape ->> 'size')::int)
  INTO v_frames, v_size
  FROM (
    SELECT k.name, k.version_id, k.scopes, f.lineage, f.home, f.ancestors, f.depth, f.loop, b.shape,
           (b.place - 1)::int AS body, gen_random_uuid() AS frame,
           row_number() OVER (ORDER BY k.completed_at DESC, k.id DESC) AS place
    FROM executions_task k
    JOIN executions_plannode p ON p.version_id = k.version_id AND p.node = k.node AND p.compensates
    CROSS JOIN LATERAL jsonb_array_elements(p.bodies) WITH ORDINALITY AS b(shape, place)
    LEFT JOIN executions_frame f ON f.id = k.frame_id
    WHERE k.id >= ledger_task_id(t.execution_id, 0) AND k.id <= (left(t.execution_id::text, 28) || 'ffffffff')::uuid
      AND k.status = 'completed' AND b.shape ->> 'field' = 'compensate' AND (b.shape ->> 'size')::int > 0
  ) a;
  IF v_frames IS NULL THEN
    RETURN;
  END IF;
  UPDATE executions_task k SET status = 'waiting', wait = 'frames', lease = NULL, due_at = NULL WHERE k.id = p_task;
  UPDATE executions_execution e SET next_seq = next_seq + v_size WHERE e.id = t.execution_id RETURNING * INTO x;
  PERFORM ledger_event(p_organization, t.execution_id, t.id, 'compensation_started',
                       jsonb_build_object('steps', jsonb_array_length(v_frames)));
  -- In a statement of its own: ledger_released sees what was there when its statement began.
  v_released := ledger_place(t, x, v_frames, x.next_seq - v_size, v_base, 1, false, false, 1, p_resend);
  RETURN QUERY SELECT l.*, NULL::jsonb FROM ledger_released(v_released) l;
END $$;
