-- When a step is likely to begin: its longest way from now, by what its predecessors took in earlier runs.

-- How long nodes of a task's own list of steps took, in seconds (half of the times it was no longer), and in how many
-- of at most five ends: of earlier iterations of the same loop, else of earlier runs of the same version.
CREATE OR REPLACE FUNCTION ledger_pace(t executions_task, x executions_execution, p_nodes int[])
RETURNS TABLE (node int, seconds double precision, runs int) LANGUAGE plpgsql STABLE ROWS 20 AS $$
DECLARE
  v_ids uuid[];
  v_shifts int[];
BEGIN
  IF t.frame_id IS NULL THEN
    SELECT array_agg(r.id), array_agg(0) INTO v_ids, v_shifts FROM (
      SELECT e.id FROM (
        SELECT w.id, w.version_id, w.status FROM executions_execution w
        WHERE w.melody_id = x.melody_id AND w.completed_at IS NOT NULL ORDER BY w.completed_at DESC LIMIT 50) e
      WHERE e.version_id = x.version_id AND e.status = 'completed' LIMIT 5) r;
  ELSE
    SELECT array_agg(t.execution_id), array_agg(r.first - own.first + t.seq - t.node) INTO v_ids, v_shifts
    FROM executions_frame own, LATERAL (
      SELECT f.first FROM executions_frame f JOIN executions_expansion e ON e.task_id = f.parent_task_id
      WHERE f.parent_task_id = t.parent_id AND f.status = 'completed' AND f.body = own.body AND f.index < e.next
      ORDER BY f.index DESC LIMIT 5) r
    WHERE own.id = t.frame_id;
  END IF;
  RETURN QUERY
    SELECT n.node, percentile_cont(0.5) WITHIN GROUP (ORDER BY o.took), count(*)::int
    FROM unnest(v_ids, v_shifts) AS r(execution, shift)
    CROSS JOIN unnest(p_nodes) AS n(node)
    CROSS JOIN LATERAL (
      SELECT extract(epoch FROM k.completed_at - k.started_at)::double precision AS took FROM executions_task k
      WHERE k.id = ledger_task_id(r.execution, r.shift + n.node) AND k.status = 'completed' AND k.started_at IS NOT NULL
      OFFSET 0) o
    GROUP BY n.node;
END $$;

CREATE OR REPLACE FUNCTION ledger_prediction(
  p_at timestamptz, p_confidence text, p_because text, p_measured int, p_estimated int
) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('at', p_at, 'confidence', p_confidence, 'because', p_because,
                            'measured_steps', p_measured, 'estimated_steps', p_estimated)
$$;

-- What nobody can know when asked now.
CREATE OR REPLACE FUNCTION ledger_unknowable(p_because text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT ledger_prediction(NULL, NULL, p_because, 0, 0)
$$;

-- When the iteration a task is in begins, by how fast those before it ended; now when it has begun, NULL when none has ended.
CREATE OR REPLACE FUNCTION ledger_turn(t executions_task) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r record;
BEGIN
  SELECT f.status, f.index - e.next + 1 AS ahead, e.next - e.round_first - (e.remaining - (e.total - e.next)) AS ended,
         clock_timestamp() - k.started_at AS passed
  INTO r
  FROM executions_frame f
  JOIN executions_expansion e ON e.task_id = f.parent_task_id
  JOIN executions_task k ON k.id = f.parent_task_id
  WHERE f.id = t.frame_id;
  IF r.status IS DISTINCT FROM 'pending' THEN
    RETURN clock_timestamp();
  END IF;
  RETURN clock_timestamp() + r.passed / nullif(r.ended, 0) * greatest(r.ahead, 1);
END $$;

-- As a step that is far down a large plan has begun in earlier runs, counted from the beginning of the run.
CREATE OR REPLACE FUNCTION ledger_predict_far(t executions_task, x executions_execution) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r record;
BEGIN
  IF t.frame_id IS NOT NULL OR x.started_at IS NULL THEN
    RETURN ledger_unknowable('too_far');
  END IF;
  SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM k.started_at - e.started_at)) AS seconds,
         count(*)::int AS runs
  INTO r
  FROM (SELECT w.id, w.started_at FROM (
          SELECT v.id, v.version_id, v.status, v.started_at FROM executions_execution v
          WHERE v.melody_id = x.melody_id AND v.completed_at IS NOT NULL ORDER BY v.completed_at DESC LIMIT 50) w
        WHERE w.version_id = x.version_id AND w.status = 'completed' LIMIT 5) e
  CROSS JOIN LATERAL (
    SELECT * FROM executions_task o WHERE o.id = ledger_task_id(e.id, t.node) AND o.started_at IS NOT NULL OFFSET 0) k;
  IF r.runs = 0 THEN
    RETURN ledger_unknowable('too_far');
  END IF;
  RETURN ledger_prediction(
    greatest(clock_timestamp(), x.started_at + make_interval(secs => r.seconds + x.paused_seconds)),
    CASE WHEN r.runs >= 3 THEN 'medium' ELSE 'low' END, NULL, r.runs, 0);
END $$;

-- When a predecessor is likely to end, as seconds since 1970; NULL when nobody can know. p_start: when it can begin.
CREATE OR REPLACE FUNCTION ledger_likely_end(
  p_status text, p_wait text, p_started timestamptz, p_due timestamptz, p_start double precision, p_seconds double precision
) RETURNS double precision LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN p_status IN ('pending', 'dispatched') THEN p_start + p_seconds
    WHEN p_status = 'executing' OR p_wait = 'frames'
      THEN greatest(extract(epoch FROM clock_timestamp()), extract(epoch FROM p_started) + p_seconds)
    WHEN p_wait = 'timer' THEN extract(epoch FROM p_due)
    WHEN p_wait = 'retry' THEN extract(epoch FROM p_due) + p_seconds
  END::double precision
$$;

-- A pending task: the longest way through all that has not ended before it.
CREATE OR REPLACE FUNCTION ledger_predict_pending(t executions_task, x executions_execution) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_up jsonb;
  v_begin timestamptz := ledger_turn(t);
  v_latest jsonb := '{}';
  v_earliest jsonb := '{}';
  v_end double precision;
  v_measured int := 0;
  v_estimated int := 0;
  v_runs int := 5;
  u record;
BEGIN
  IF v_begin IS NULL THEN
    RETURN ledger_unknowable('unmeasured');
  END IF;
  SELECT jsonb_agg(to_jsonb(w)) INTO v_up FROM ledger_upstream(t, 100, 1500, true) w;
  IF jsonb_array_length(v_up) >= 100 OR v_up @? '$[*] ? (@.node == null)' THEN
    RETURN ledger_predict_far(t, x);
  END IF;
  FOR u IN
    SELECT w.*, m.runs,
           coalesce(m.seconds, w.rank - coalesce((
             SELECT max(q.rank) FROM executions_plannode q
             WHERE q.version_id = t.version_id AND q.node = ANY (w.successors)), 0)) AS seconds
    FROM jsonb_to_recordset(v_up) AS w(node int, status text, wait text, started_at timestamptz, due_at timestamptz,
                                       rank double precision, need int, total int, successors int[])
    LEFT JOIN ledger_pace(t, x, ARRAY(SELECT (g.value ->> 'node')::int FROM jsonb_array_elements(v_up) g)) m USING (node)
    ORDER BY w.node
  LOOP
    v_end := ledger_likely_end(u.status, u.wait, u.started_at, u.due_at, coalesce(
      (CASE WHEN u.need < u.total THEN v_earliest ELSE v_latest END ->> u.node::text)::double precision,
      extract(epoch FROM v_begin)::double precision), u.seconds);
    IF v_end IS NULL THEN
      RETURN ledger_unknowable(u.wait);
    END IF;
    v_measured := v_measured + (u.runs IS NOT NULL)::int;
    v_estimated := v_estimated + (u.runs IS NULL AND u.wait IS DISTINCT FROM 'timer')::int;
    v_runs := least(v_runs, coalesce(u.runs, v_runs));
    SELECT v_latest || jsonb_object_agg(s, greatest((v_latest ->> s::text)::double precision, v_end)),
           v_earliest || jsonb_object_agg(s, least((v_earliest ->> s::text)::double precision, v_end))
    INTO v_latest, v_earliest FROM unnest(u.successors) s;
  END LOOP;
  v_end := (CASE WHEN t.need < t.total THEN v_earliest ELSE v_latest END ->> t.node::text)::double precision;
  RETURN ledger_prediction(
    coalesce(to_timestamp(v_end), v_begin),
    CASE WHEN v_estimated > 0 OR x.max_parallel IS NOT NULL THEN 'low' WHEN v_runs >= 3 THEN 'high' ELSE 'medium' END,
    NULL, v_measured, v_estimated);
END $$;

-- A released task: what is before it in its queue, over the slots there are.
CREATE OR REPLACE FUNCTION ledger_predict_dispatched(t executions_task, x executions_execution) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_slots int := ledger_workers(t.queue);
  v_blockers jsonb := ledger_blockers(t.id);
  v_ahead int;
  m record;
BEGIN
  IF coalesce(v_slots, 0) = 0 THEN
    RETURN ledger_unknowable('no_worker');
  ELSIF v_blockers @? '$[*] ? (@.code == "gate" || @.code == "limit")' THEN
    RETURN ledger_unknowable(v_blockers -> 0 ->> 'code');
  END IF;
  v_ahead := ledger_ahead(t, 1000);
  IF v_ahead < v_slots THEN
    RETURN ledger_prediction(clock_timestamp(), 'medium', NULL, 0, 0);
  END IF;
  SELECT * INTO m FROM ledger_pace(t, x, ARRAY[t.node]);
  IF m.seconds IS NULL THEN
    RETURN ledger_unknowable('unmeasured');
  END IF;
  RETURN ledger_prediction(clock_timestamp() + make_interval(secs => m.seconds * v_ahead / v_slots), 'low', NULL, 1, 0);
END $$;

-- When a task is likely to begin, or to go on after a failure: {at, confidence, because, measured_steps, estimated_steps}.
-- NULL for what has begun; `at` NULL with `because` where it depends on what nobody can know.
CREATE OR REPLACE FUNCTION ledger_predict(t executions_task, x executions_execution) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF x.status NOT IN ('queued', 'pending', 'running', 'paused') OR t.status NOT IN ('pending', 'dispatched', 'waiting')
     OR t.status = 'waiting' AND t.wait <> 'retry' OR t.status = 'dispatched' AND t.phase > 0 THEN
    RETURN NULL;
  ELSIF x.status = 'paused' THEN
    RETURN ledger_unknowable('paused');
  ELSIF t.kind = 'compensation' AND t.status = 'pending' THEN
    RETURN ledger_unknowable('compensation');
  ELSIF t.status = 'waiting' THEN
    RETURN ledger_prediction(greatest(t.due_at, clock_timestamp()), 'high', NULL, 0, 0);
  ELSIF t.status = 'dispatched' THEN
    RETURN ledger_predict_dispatched(t, x);
  END IF;
  RETURN ledger_predict_pending(t, x);
END $$;
