-- Frames: the child tasks of composite steps.

-- Begin frames of a composite task: their entry steps are released.
CREATE OR REPLACE FUNCTION ledger_begin_frames(p_parent uuid, p_from int, p_until int, p_resend double precision)
RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[];
BEGIN
  WITH begun AS (
    UPDATE executions_frame f SET status = 'running'
    WHERE f.parent_task_id = p_parent AND f.index >= p_from AND f.index < p_until AND f.status = 'pending'
    RETURNING f.execution_id, f.first, f.size
  ), released AS (
    UPDATE executions_task t
    SET status = 'dispatched', dispatched_at = clock_timestamp(),
        due_at = clock_timestamp() + make_interval(secs => p_resend)
    FROM begun b, generate_series(b.first, b.first + b.size - 1) AS s(seq)
    WHERE t.id = ledger_task_id(b.execution_id, s.seq) AND t.open = 0 AND t.status = 'pending'
    RETURNING t.id
  )
  SELECT array_agg(id) INTO v_released FROM released;
  RETURN coalesce(v_released, '{}');
END $$;

-- A frame has ended: count it off, begin the next one, or wake the composite task to collect the results.
-- Returns the released tasks.
CREATE OR REPLACE FUNCTION ledger_end_frame(p_frame uuid, p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  f executions_frame%ROWTYPE;
  x executions_expansion%ROWTYPE;
  v_held int;
  v_released uuid[] := '{}';
BEGIN
  UPDATE executions_frame SET status = CASE WHEN error IS NULL THEN 'completed' ELSE 'failed' END
  WHERE id = p_frame AND status = 'running' RETURNING * INTO f;
  IF NOT FOUND THEN
    RETURN v_released;
  END IF;
  SELECT * INTO x FROM executions_expansion WHERE task_id = f.parent_task_id FOR UPDATE;
  IF f.status = 'failed' AND x.stop_on_failure AND x.next < x.total THEN
    v_held := x.total - x.next;
    UPDATE executions_frame SET status = 'cancelled'
    WHERE parent_task_id = f.parent_task_id AND status = 'pending';
    UPDATE executions_task t SET status = 'cancelled', completed_at = clock_timestamp(),
        error = jsonb_build_object('code', 'held_back', 'message', 'An earlier iteration failed.')
    FROM executions_frame h, generate_series(h.first, h.first + h.size - 1) AS s(seq)
    WHERE h.parent_task_id = f.parent_task_id AND h.status = 'cancelled'
      AND t.id = ledger_task_id(h.execution_id, s.seq) AND t.status = 'pending';
    UPDATE executions_expansion SET next = total, remaining = remaining - 1 - v_held
    WHERE task_id = x.task_id RETURNING * INTO x;
  ELSIF x.next < x.total THEN
    v_released := ledger_begin_frames(x.task_id, x.next, x.next + 1, p_resend);
    UPDATE executions_expansion SET next = next + 1, remaining = remaining - 1
    WHERE task_id = x.task_id RETURNING * INTO x;
  ELSE
    UPDATE executions_expansion SET remaining = remaining - 1 WHERE task_id = x.task_id RETURNING * INTO x;
  END IF;
  IF x.remaining = 0 THEN
    UPDATE executions_task SET status = 'dispatched', phase = 1,
        due_at = clock_timestamp() + make_interval(secs => p_resend)
    WHERE id = x.task_id AND status = 'waiting';
    IF FOUND THEN
      v_released := v_released || x.task_id;
    END IF;
  END IF;
  RETURN v_released;
END $$;

-- A composite step goes on as child tasks: frames, their tasks, and the first p_limit frames begun.
-- p_frames: [{body, loop}]. Nothing happens when the claim is not the caller's any more.
CREATE OR REPLACE FUNCTION ledger_expand(
  p_organization uuid, p_task uuid, p_lease uuid, p_frames jsonb, p_limit int, p_stop boolean,
  p_keep int, p_keep_queue text, p_worker text, p_lease_seconds double precision, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
                 node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  v_bodies jsonb;
  v_lineage uuid[];
  v_total int := jsonb_array_length(p_frames);
  v_size int;
  v_first int;
  v_released uuid[];
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  UPDATE executions_task SET status = 'waiting', lease = NULL, due_at = NULL
  WHERE id = p_task AND status = 'executing' AND lease = p_lease RETURNING * INTO t;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT p.bodies INTO v_bodies FROM executions_plannode p WHERE p.version_id = t.version_id AND p.node = t.node;
  SELECT coalesce(f.lineage, '{}') INTO v_lineage FROM executions_frame f WHERE f.id = t.frame_id;
  SELECT sum((v_bodies -> (f.value ->> 'body')::int ->> 'size')::int) INTO v_size FROM jsonb_array_elements(p_frames) f;
  UPDATE executions_execution SET next_seq = next_seq + v_size WHERE id = t.execution_id
  RETURNING next_seq - v_size INTO v_first;
  WITH wanted AS (
    SELECT gen_random_uuid() AS id, (f.ordinality - 1)::int AS index, (f.value ->> 'body')::int AS body,
           f.value -> 'loop' AS loop, v_bodies -> (f.value ->> 'body')::int AS shape
    FROM jsonb_array_elements(p_frames) WITH ORDINALITY f
  ), placed AS (
    SELECT w.*, (w.shape ->> 'size')::int AS size, (w.shape ->> 'first')::int AS origin,
           v_first + (sum((w.shape ->> 'size')::int) OVER (ORDER BY w.index) - (w.shape ->> 'size')::int)::int AS first
    FROM wanted w
  ), made AS (
    INSERT INTO executions_frame (id, organization_id, execution_id, parent_task_id, index, body, label, first, size,
                                  lineage, loop, status)
    SELECT p.id, p_organization, t.execution_id, t.id, p.index, p.body, p.shape ->> 'label', p.first, p.size,
           coalesce(v_lineage, '{}') || p.id, p.loop, 'pending'
    FROM placed p
  )
  INSERT INTO executions_task (id, organization_id, execution_id, version_id, seq, node, name, kind, queue, status,
                               open, total, need, wants, frame_id, parent_id, scopes)
  SELECT ledger_task_id(t.execution_id, p.first + n.node - p.origin), p_organization, t.execution_id, t.version_id,
         p.first + n.node - p.origin, n.node, n.name, n.kind, n.queue, 'pending', n.open, n.open, n.need, n.wants,
         p.id, t.id, t.scopes || (p.first - p.origin)
  FROM placed p
  JOIN executions_plannode n
    ON n.version_id = t.version_id AND n.node >= p.origin AND n.node < p.origin + p.size;
  INSERT INTO executions_stripe (organization_id, execution_id, task_id, stripe, size, open)
  SELECT p_organization, t.execution_id, ledger_task_id(t.execution_id, f.first + n.node - b.origin), s.place - 1,
         s.size, s.size
  FROM executions_frame f
  CROSS JOIN LATERAL (SELECT (v_bodies -> f.body ->> 'first')::int AS origin) b
  JOIN executions_plannode n
    ON n.version_id = t.version_id AND n.node >= b.origin AND n.node < b.origin + f.size AND n.stripes <> '{}'
  CROSS JOIN LATERAL unnest(n.stripes) WITH ORDINALITY AS s(size, place)
  WHERE f.parent_task_id = t.id AND s.size > 0;
  INSERT INTO executions_expansion (task_id, organization_id, execution_id, total, next, remaining, stop_on_failure)
  VALUES (t.id, p_organization, t.execution_id, v_total, least(p_limit, v_total), v_total, p_stop);
  PERFORM ledger_event(p_organization, t.execution_id, t.id, 'task_expanded',
                       jsonb_build_object('name', t.name, 'frames', v_total, 'tasks', v_size));
  v_released := ledger_begin_frames(t.id, 0, least(p_limit, v_total), p_resend);
  RETURN QUERY SELECT * FROM ledger_hand_over(v_released, p_keep, p_keep_queue, p_worker, p_lease_seconds);
END $$;

-- How a composite task's frames ended, with the results of their steps, for its collection.
CREATE OR REPLACE FUNCTION ledger_frames(p_organization uuid, p_task uuid)
RETURNS TABLE (index int, body int, label text, status text, loop jsonb, error jsonb, results jsonb)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  RETURN QUERY
    SELECT f.index, f.body::int, f.label, f.status, f.loop, f.error,
           (SELECT jsonb_object_agg(t.name, jsonb_build_object('output', t.output, 'ref', t.output_ref,
                                                              'status', t.status))
            FROM generate_series(f.first, f.first + f.size - 1) AS s(seq)
            JOIN executions_task t ON t.id = ledger_task_id(f.execution_id, s.seq) AND t.kind <> 'end')
    FROM executions_frame f WHERE f.parent_task_id = p_task ORDER BY f.index;
END $$;
