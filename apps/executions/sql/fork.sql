-- Forking: a new run that keeps results of an earlier one.

-- What becomes of an id of the earlier run that is neither the run's nor a task's: the same for every look.
CREATE OR REPLACE FUNCTION ledger_fork_id(p_execution uuid, p_old uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT md5(p_execution::text || p_old::text)::uuid
$$;

-- Where a task of the earlier run is in the new one: steps of the document itself by their number, what is in frames behind
-- them. p_new: by the old node number, the new one; NULL: all are as they were.
CREATE OR REPLACE FUNCTION ledger_fork_seq(p_seq int, p_size int, p_new int[], p_shift int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_seq >= p_size THEN p_seq + p_shift WHEN p_new IS NULL THEN p_seq ELSE p_new[p_seq + 1] END
$$;

-- The frames that are taken over, in their new places; every one with the offsets of those around it.
CREATE OR REPLACE FUNCTION ledger_fork_frames(
  x executions_execution, p_old uuid, p_frames jsonb, p_size int, p_new int[], p_shift int
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO executions_frame (id, organization_id, execution_id, parent_task_id, index, body, label, first, size, stripe,
                                lineage, home, version_id, ancestors, depth, loop, inputs, status, error)
  SELECT ledger_fork_id(x.id, f.id), x.organization_id, x.id,
         ledger_task_id(x.id, ledger_fork_seq(ledger_seq(f.parent_task_id), p_size, p_new, p_shift)), f.index, f.body, f.label,
         f.first + p_shift, f.size, f.stripe,
         ARRAY(SELECT ledger_fork_id(x.id, l.id) FROM unnest(f.lineage) WITH ORDINALITY AS l(id, place) ORDER BY l.place),
         CASE WHEN f.home IS NOT NULL THEN ledger_fork_id(x.id, f.home) END, f.version_id, f.ancestors, f.depth, f.loop,
         f.inputs, w.value ->> 1, CASE WHEN w.value ->> 1 IN ('pending', 'running') THEN NULL ELSE f.error END
  FROM jsonb_array_elements(p_frames) w
  CROSS JOIN LATERAL (SELECT * FROM executions_frame o WHERE o.id = (w.value ->> 0)::uuid OFFSET 0) f;
  INSERT INTO executions_variable (organization_id, execution_id, scope, name, value)
  SELECT x.organization_id, x.id, ledger_fork_id(x.id, v.scope), v.name, v.value
  FROM executions_variable v
  WHERE v.execution_id = p_old AND v.scope = ANY (ARRAY(SELECT (w.value ->> 0)::uuid FROM jsonb_array_elements(p_frames) w));
END $$;

-- The tasks in frames that were taken over (by ledger_fork_frames). Their offsets are those of the frames around them:
-- outermost first, each the sequence number less the node number.
CREATE OR REPLACE FUNCTION ledger_fork_inner(
  x executions_execution, p_old uuid, p_version uuid, p_how bytea, p_frames jsonb, p_size int, p_new int[], p_shift int
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  WITH RECURSIVE taken AS MATERIALIZED (
    SELECT f.id, ledger_seq(f.parent_task_id) AS parent, f.first, f.size, f.version_id,
           k.node + (f.first - k.seq) AS node, k.version_id AS plan
    FROM jsonb_array_elements(p_frames) w
    CROSS JOIN LATERAL (SELECT * FROM executions_frame o WHERE o.id = (w.value ->> 0)::uuid OFFSET 0) f
    CROSS JOIN LATERAL (
      SELECT o.node, o.seq, o.version_id FROM executions_task o WHERE o.id = ledger_task_id(p_old, f.first) OFFSET 0) k
  ), placed AS MATERIALIZED (
    SELECT t.*, t.first + p_shift - CASE WHEN t.plan = p_version AND p_new IS NOT NULL THEN p_new[t.node + 1] ELSE t.node END
                AS place
    FROM taken t
  ), framed AS (
    SELECT p.id, p.first, p.size, CASE WHEN p.version_id IS NULL THEN ARRAY[0] ELSE '{}'::int[] END || p.place AS scopes
    FROM placed p WHERE p.parent < p_size
    UNION ALL
    SELECT p.id, p.first, p.size, CASE WHEN p.version_id IS NULL THEN o.scopes ELSE '{}'::int[] END || p.place
    FROM framed o JOIN placed p ON p.parent >= o.first AND p.parent < o.first + o.size
  )
  INSERT INTO executions_task (id, organization_id, execution_id, version_id, seq, node, name, kind, queue, status, phase, attempt,
                               open, total, need, wants, frame_id, parent_id, scopes, gate, limits, kept_from, wait, output,
                               output_ref, error, started_at, completed_at)
  SELECT ledger_task_id(x.id, s.seq + p_shift), x.organization_id, x.id,
         CASE WHEN s.version_id = p_version THEN x.version_id ELSE s.version_id END, s.seq + p_shift, n.node, s.name, s.kind,
         n.queue, c.status, CASE WHEN c.how = 50 THEN 1 WHEN c.kept THEN s.phase ELSE 0 END,
         CASE WHEN c.how = 50 THEN 1 ELSE 0 END, n.open, n.open, n.need, n.wants, ledger_fork_id(x.id, f.id),
         ledger_task_id(x.id, ledger_fork_seq(ledger_seq(s.parent_id), p_size, p_new, p_shift)), f.scopes, s.gate,
         n.options -> 'limits', CASE WHEN c.kept OR c.how = 51 THEN coalesce(s.kept_from, s.id) END,
         CASE WHEN c.how = 50 THEN 'frames' END, CASE WHEN c.kept OR c.how = 51 THEN s.output END,
         CASE WHEN c.kept OR c.how = 51 THEN s.output_ref END, CASE WHEN c.kept THEN s.error END,
         CASE WHEN c.how = 50 THEN clock_timestamp() END, CASE WHEN c.kept THEN s.completed_at END
  FROM framed f
  CROSS JOIN generate_series(f.first, f.first + f.size - 1) AS g(seq)
  CROSS JOIN LATERAL (SELECT * FROM executions_task o WHERE o.id = ledger_task_id(p_old, g.seq) OFFSET 0) s
  CROSS JOIN LATERAL (
    SELECT get_byte(p_how, s.seq) AS how, get_byte(p_how, s.seq) = 48 AS kept,
           CASE get_byte(p_how, s.seq) WHEN 48 THEN s.status WHEN 50 THEN 'waiting' ELSE 'pending' END AS status) c
  CROSS JOIN LATERAL (
    SELECT q.node, q.queue, q.open, q.need, q.wants, q.options FROM executions_plannode q
    WHERE q.version_id = CASE WHEN s.version_id = p_version THEN x.version_id ELSE s.version_id END
      AND q.node = CASE WHEN s.version_id = p_version AND p_new IS NOT NULL THEN p_new[s.node + 1] ELSE s.node END
    OFFSET 0) n;
END $$;

-- The steps of the document itself, as its plan has them now; those that are kept with what came of them.
-- p_before: by the new node number, the old one; NULL: all are as they were.
CREATE OR REPLACE FUNCTION ledger_fork_own(x executions_execution, p_old uuid, p_how bytea, p_before int[]) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int;
BEGIN
  INSERT INTO executions_task (id, organization_id, execution_id, version_id, seq, node, name, kind, queue, status, phase, attempt,
                               open, total, need, wants, scopes, gate, limits, kept_from, wait, output, output_ref, error,
                               started_at, completed_at)
  SELECT ledger_task_id(x.id, p.node), x.organization_id, x.id, x.version_id, p.node, p.node, p.name, p.kind, p.queue,
         CASE c.how WHEN 48 THEN s.status WHEN 50 THEN 'waiting' ELSE 'pending' END,
         CASE c.how WHEN 50 THEN 1 WHEN 48 THEN s.phase ELSE 0 END, CASE c.how WHEN 50 THEN 1 ELSE 0 END,
         p.open, p.open, p.need, p.wants, '{0}',
         coalesce(p.exclusive, CASE WHEN x.max_parallel IS NOT NULL
             AND NOT p.bodies @? '$[*] ? (@.field != "on_error" && @.field != "compensate")' THEN '*' END), p.options -> 'limits',
         CASE WHEN c.how IN (48, 51) THEN coalesce(s.kept_from, s.id) END, CASE c.how WHEN 50 THEN 'frames' END,
         CASE WHEN c.how IN (48, 51) THEN s.output END, CASE WHEN c.how IN (48, 51) THEN s.output_ref END,
         CASE c.how WHEN 48 THEN s.error END, CASE c.how WHEN 50 THEN clock_timestamp() END,
         CASE c.how WHEN 48 THEN s.completed_at END
  FROM executions_plannode p
  CROSS JOIN LATERAL (SELECT CASE WHEN p_before IS NULL THEN p.node ELSE p_before[p.node + 1] END AS seq) b
  LEFT JOIN LATERAL (SELECT * FROM executions_task o WHERE o.id = ledger_task_id(p_old, b.seq) OFFSET 0) s ON b.seq IS NOT NULL
  CROSS JOIN LATERAL (SELECT coalesce(get_byte(p_how, b.seq), 49) AS how) c
  WHERE p.version_id = x.version_id AND p.parent IS NULL
  ORDER BY p.node;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- What kept steps have left besides their results: artifacts, and what was said in sessions.
CREATE OR REPLACE FUNCTION ledger_fork_records(
  x executions_execution, p_old uuid, p_how bytea, p_size int, p_new int[], p_shift int
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO executions_artifact (id, organization_id, execution_id, task_id, melody_id, name, artifact_type, content_type,
                                   content_hash, size, metadata, quality_metrics, created_at)
  SELECT ledger_fork_id(x.id, a.id), x.organization_id, x.id,
         ledger_task_id(x.id, ledger_fork_seq(ledger_seq(a.task_id), p_size, p_new, p_shift)), x.melody_id, a.name, a.artifact_type,
         a.content_type, a.content_hash, a.size, a.metadata, a.quality_metrics, a.created_at
  FROM executions_artifact a
  WHERE a.execution_id = p_old AND get_byte(p_how, ledger_seq(a.task_id)) IN (48, 51)
    AND ledger_fork_seq(ledger_seq(a.task_id), p_size, p_new, p_shift) IS NOT NULL;
  INSERT INTO executions_conversation (organization_id, scope, name, record, created_at, updated_at)
  SELECT c.organization_id, x.id, c.name,
         CASE jsonb_typeof(c.record -> 'interactions') WHEN 'array' THEN c.record || jsonb_build_object('interactions', (
           SELECT coalesce(jsonb_agg(i.value ORDER BY i.ordinality), '[]')
           FROM jsonb_array_elements(c.record -> 'interactions') WITH ORDINALITY i
           WHERE CASE WHEN i.value ->> 'task' ~ '^[0-9a-f-]{36}$'
                 THEN get_byte(p_how, ledger_seq((i.value ->> 'task')::uuid)) IN (48, 51) ELSE true END))
         ELSE c.record END, clock_timestamp(), clock_timestamp()
  FROM executions_conversation c WHERE c.organization_id = x.organization_id AND c.scope = p_old;
END $$;

-- A new run (inserted already, queued) begins with what it keeps of the earlier one p_old. p_how, p_frames and p_expansions as in
-- ledger_retry, of the earlier run; p_new and p_before between the node numbers of two versions. What it released.
CREATE OR REPLACE FUNCTION ledger_fork(
  p_execution uuid, p_old uuid, p_how text, p_frames jsonb, p_expansions jsonb, p_new int[], p_before int[], p_told jsonb,
  p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
                 node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_how bytea := convert_to(p_how, 'UTF8');
  x executions_execution%ROWTYPE;
  o executions_execution%ROWTYPE;
  v_size int;
  v_own int;
  v_next int;
  v_count int;
BEGIN
  SELECT * INTO o FROM executions_execution e WHERE e.id = p_old;
  UPDATE executions_execution
  SET status = 'pending', status_message = ledger_message('pending', NULL, NULL), pooled = ledger_is_pooled(organization_id)
  WHERE id = p_execution AND status = 'queued' RETURNING * INTO x;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT count(*)::int INTO v_size FROM executions_plannode p WHERE p.version_id = o.version_id AND p.parent IS NULL;
  v_own := ledger_fork_own(x, p_old, v_how, p_before);
  v_next := greatest(v_own, o.next_seq + v_own - v_size);
  PERFORM ledger_fork_frames(x, p_old, p_frames, v_size, p_new, v_own - v_size);
  PERFORM ledger_fork_inner(x, p_old, o.version_id, v_how, p_frames, v_size, p_new, v_own - v_size);
  INSERT INTO executions_expansion (task_id, organization_id, execution_id, total, next, remaining, base, round_first, watch, phase,
                                    stop_on_failure, at_once, reopened)
  SELECT ledger_task_id(x.id, ledger_fork_seq((w.value ->> 0)::int, v_size, p_new, v_own - v_size)), x.organization_id, x.id,
         (w.value ->> 1)::int, (w.value ->> 2)::int, (w.value ->> 3)::int, (w.value ->> 4)::int, (w.value ->> 5)::int, e.watch,
         e.phase, e.stop_on_failure, e.at_once, (w.value ->> 6)::boolean
  FROM jsonb_array_elements(p_expansions) w
  CROSS JOIN LATERAL (
    SELECT * FROM executions_expansion q WHERE q.task_id = ledger_task_id(p_old, (w.value ->> 0)::int) OFFSET 0) e;
  INSERT INTO executions_stripe (organization_id, execution_id, task_id, stripe, size, open)
  SELECT x.organization_id, x.id, t.id, s.place - 1, s.size, s.size
  FROM executions_task t
  JOIN executions_plannode n ON n.version_id = t.version_id AND n.node = t.node AND n.stripes <> '{}'
  CROSS JOIN LATERAL unnest(n.stripes) WITH ORDINALITY AS s(size, place)
  WHERE t.id BETWEEN ledger_task_id(x.id, 0) AND (left(x.id::text, 28) || 'ffffffff')::uuid AND s.size > 0
  UNION ALL
  SELECT x.organization_id, x.id, f.parent_task_id, f.stripe, count(*)::int,
         (count(*) FILTER (WHERE f.status IN ('pending', 'running')))::int
  FROM executions_frame f
  WHERE f.parent_task_id BETWEEN ledger_task_id(x.id, 0) AND (left(x.id::text, 28) || 'ffffffff')::uuid AND f.stripe IS NOT NULL
  GROUP BY f.parent_task_id, f.stripe;
  UPDATE executions_stripe s SET size = s.open WHERE s.stripe >= 16 AND s.task_id
    BETWEEN ledger_task_id(x.id, 0) AND (left(x.id::text, 28) || 'ffffffff')::uuid;
  PERFORM ledger_fork_records(x, p_old, v_how, v_size, p_new, v_own - v_size);
  SELECT count(*)::int INTO v_count FROM executions_task t
  WHERE t.id BETWEEN ledger_task_id(x.id, 0) AND (left(x.id::text, 28) || 'ffffffff')::uuid;
  IF v_count > x.max_tasks THEN
    RAISE EXCEPTION 'too many steps' USING ERRCODE = 'SY001';
  END IF;
  UPDATE executions_execution
  SET next_seq = v_next, compensation = (
    SELECT p.node FROM executions_plannode p
    WHERE p.version_id = x.version_id AND p.node = v_own - 1 AND p.kind = 'compensation'),
    -- Numbers of what was left behind are not steps of this run.
    max_tasks = max_tasks + v_next - v_count
  WHERE id = p_execution;
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_created',
                       jsonb_build_object('tasks', v_own - (
                         SELECT count(*) FROM executions_plannode p
                         WHERE p.version_id = x.version_id AND p.parent IS NULL AND p.kind IN ('join', 'compensation')))
                       || ledger_asked_by());
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_rerun', p_told);
  RETURN QUERY SELECT l.* FROM ledger_set_off(x.organization_id, p_execution, p_resend) l;
END $$;
