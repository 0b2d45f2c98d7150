-- The ledger: the one writer of task outcomes. Each function is one round trip and one transaction.
--
-- A task counts its incoming edges down. `open` edges are undecided; `met` are satisfied; `neutral` are success edges
-- whose predecessor was skipped; `hard` can never be met because something upstream failed. An arrival is counted in
-- the transaction that ends its predecessor, and a predecessor ends once, so no arrival is counted twice.

CREATE OR REPLACE FUNCTION ledger_task_id(p_execution uuid, p_seq int) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (left(p_execution::text, 28) || lpad(to_hex(p_seq), 8, '0'))::uuid
$$;

-- What an outcome means for an edge: m(et), n(eutral), s(oft: not met), h(ard: not met, because of a failure).
-- Rows are edges (success, failure, skipped, done, order), columns outcomes
-- (1 completed, 2 failed but tolerated, 3 failed, 4 skipped, 5 cancelled). 8 and more: an edge counted in stripes.
CREATE OR REPLACE FUNCTION ledger_effect(p_edge int, p_outcome int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT substr('mmhnhsmmshsssmsmmmmmmmhmh', p_edge % 8 * 5 + p_outcome, 1)
$$;

-- What a task's counters decide: r(eady), w(ait), s(kip), c(ancel: something it needs has failed).
CREATE OR REPLACE FUNCTION ledger_verdict(
  p_open int, p_met int, p_neutral int, p_hard int, p_total int, p_need int, p_wants int
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN p_need < p_total AND p_met >= p_need THEN 'r'
    WHEN p_open > 0 THEN 'w'
    WHEN p_met + p_neutral >= p_need AND NOT (p_wants > 0 AND p_neutral = p_wants) THEN 'r'
    WHEN p_hard > 0 THEN 'c'
    ELSE 's'
  END
$$;

CREATE OR REPLACE FUNCTION ledger_outcome_code(p_status text, p_tolerates boolean) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE p_status
    WHEN 'completed' THEN 1
    WHEN 'failed' THEN CASE WHEN p_tolerates THEN 2 ELSE 3 END
    WHEN 'skipped' THEN 4
    ELSE 5
  END
$$;

CREATE OR REPLACE FUNCTION ledger_event(p_organization uuid, p_execution uuid, p_task uuid, p_type text, p_payload jsonb)
RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO executions_event (organization_id, execution_id, task_id, position, event_type, payload, occurred_at)
  VALUES (p_organization, p_execution, p_task, pg_current_xact_id()::text::bigint, p_type, p_payload, clock_timestamp())
$$;

-- Everything a worker needs to run a task it has just claimed; the claim's events are written here.
CREATE OR REPLACE FUNCTION ledger_payload(
  t executions_task, p executions_plannode, p_input jsonb, p_run_created_at timestamptz
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_reads jsonb;
  v_variables jsonb;
  v_loop jsonb;
BEGIN
  IF t.phase = 0 THEN
    INSERT INTO executions_event
      (organization_id, execution_id, task_id, position, event_type, payload, occurred_at)
    VALUES
      (t.organization_id, t.execution_id, t.id, pg_current_xact_id()::text::bigint, 'resource_allocated',
       jsonb_build_object('worker', t.worker, 'queue', t.queue, 'attempt', t.attempt), t.started_at),
      (t.organization_id, t.execution_id, t.id, pg_current_xact_id()::text::bigint, 'task_started',
       jsonb_build_object('name', t.name, 'kind', t.kind, 'attempt', t.attempt), t.started_at);
  END IF;
  IF p.reads <> '[]' THEN
    SELECT jsonb_object_agg(r.item ->> 0, jsonb_build_object(
             'status', s.status, 'output', s.output, 'ref', s.output_ref, 'error', s.error, 'inner', r.item ->> 3))
    INTO v_reads
    FROM jsonb_array_elements(p.reads) AS r(item)
    CROSS JOIN LATERAL (
      SELECT * FROM executions_task o
      WHERE o.id = ledger_task_id(t.execution_id, t.scopes[(r.item ->> 1)::int + 1] + (r.item ->> 2)::int)
      OFFSET 0) s;
  END IF;
  IF t.frame_id IS NOT NULL THEN
    SELECT f.loop INTO v_loop FROM executions_frame f WHERE f.id = t.frame_id;
  END IF;
  IF p.variables <> '{}' THEN
    v_variables := ledger_variables(t.execution_id, t.frame_id, p.variables);
  END IF;
  RETURN jsonb_build_object(
    'task', t.id, 'execution', t.execution_id, 'organization', t.organization_id, 'version', t.version_id,
    'name', t.name, 'kind', t.kind, 'queue', t.queue, 'inline', p.inline, 'node', t.node, 'phase', t.phase,
    'attempt', t.attempt, 'lease', t.lease, 'params', p.params, 'condition', p.condition, 'options', p.options,
    'bodies', p.bodies, 'reads', v_reads, 'variables', v_variables, 'loop', v_loop, 'frame', t.frame_id,
    'input', p_input, 'run_created_at', p_run_created_at);
END $$;

-- Claim tasks for a worker: dispatched -> executing with a new lease, and everything the worker needs to run them.
-- No row back means: a duplicate, somebody else's, or a run that is not running any more. p_queue NULL claims whatever
-- is named; else only small steps and those of that queue.
CREATE OR REPLACE FUNCTION ledger_take(
  p_tasks uuid[], p_queue text, p_worker text, p_lease_seconds double precision
) RETURNS SETOF jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  r record;
BEGIN
  FOR r IN
    UPDATE executions_task k
    SET status = 'executing', attempt = k.attempt + (CASE WHEN k.phase = 0 THEN 1 ELSE 0 END), sends = 0, held = NULL,
        lease = gen_random_uuid(), worker = p_worker,
        started_at = CASE WHEN k.phase = 0 THEN clock_timestamp() ELSE k.started_at END,
        due_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    FROM executions_execution x, executions_plannode p
    WHERE k.id = ANY (p_tasks) AND k.status = 'dispatched'
      AND x.id = k.execution_id AND x.status IN ('pending', 'running')
      AND p.version_id = k.version_id AND p.node = k.node
      AND (p_queue IS NULL OR p.inline OR k.queue = p_queue)
    RETURNING k, p, x.status AS run_status, x.input, x.created_at
  LOOP
    IF r.run_status = 'pending' THEN
      UPDATE executions_execution SET status = 'running', started_at = clock_timestamp()
      WHERE id = (r.k).execution_id AND status = 'pending';
      IF FOUND THEN
        PERFORM ledger_event((r.k).organization_id, (r.k).execution_id, NULL, 'execution_started', '{}');
      END IF;
    END IF;
    RETURN NEXT ledger_payload(r.k, r.p, r.input, r.created_at);
  END LOOP;
END $$;

-- Values of variables as a task of this frame sees them: the innermost scope wins.
CREATE OR REPLACE FUNCTION ledger_variables(p_execution uuid, p_frame uuid, p_names text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_lineage uuid[];
BEGIN
  SELECT f.lineage INTO v_lineage FROM executions_frame f WHERE f.id = p_frame;
  RETURN (
    SELECT jsonb_object_agg(w.name, w.value ORDER BY coalesce(array_position(v_lineage, w.scope), 0))
    FROM executions_variable w
    WHERE w.execution_id = p_execution AND w.name = ANY (p_names)
      AND (w.scope = '00000000-0000-0000-0000-000000000000' OR w.scope = ANY (v_lineage)));
END $$;

-- Claim one task for a message. When tasks of its run are held back by the dispatch window, one of them comes back to
-- be sent in its place: so as many messages are under way as before, and free slots are always found.
CREATE OR REPLACE FUNCTION ledger_claim(
  p_organization uuid, p_task uuid, p_worker text, p_lease_seconds double precision, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_payload jsonb;
  v_next uuid;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  -- A claim lost in a crash of the server only means that the step runs again, under another lease.
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT k.payload INTO v_payload FROM ledger_take(ARRAY[p_task], NULL, p_worker, p_lease_seconds) AS k(payload);
  IF v_payload IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT p_task, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean, NULL::double precision,
                      NULL::int, NULL::int, NULL::jsonb, v_payload;
  v_next := (ledger_held((v_payload ->> 'execution')::uuid, v_payload ->> 'queue', 1))[1];
  IF v_next IS NOT NULL THEN
    UPDATE executions_task t
    SET held = NULL, due_at = clock_timestamp() + make_interval(secs => p_resend) WHERE t.id = v_next;
    RETURN QUERY SELECT l.*, NULL::jsonb FROM ledger_released(ARRAY[v_next]) l;
  END IF;
END $$;

-- Tasks of a run that the dispatch window holds back: one of the queue, else small ones, as many as asked for.
CREATE OR REPLACE FUNCTION ledger_held(p_execution uuid, p_queue text, p_inline int) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ids uuid[];
BEGIN
  IF p_queue <> '' THEN
    v_ids := ARRAY(
      SELECT t.id FROM executions_task t
      WHERE t.execution_id = p_execution AND t.held = p_queue LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF cardinality(v_ids) > 0 THEN
      RETURN v_ids;
    END IF;
  END IF;
  RETURN ARRAY(
    SELECT t.id FROM executions_task t
    WHERE t.execution_id = p_execution AND t.held = 'inline' LIMIT p_inline FOR UPDATE SKIP LOCKED);
END $$;

-- The dispatch window: of many tasks released at once, the 64 of the highest rank are to be sent, the others are held
-- back for slots that become free. Returns those to be sent.
CREATE OR REPLACE FUNCTION ledger_hold(p_released uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_sent uuid[];
BEGIN
  IF cardinality(p_released) <= 64 THEN
    RETURN p_released;
  END IF;
  v_sent := ARRAY(SELECT l.task_id FROM ledger_released(p_released) l LIMIT 64);
  UPDATE executions_task t SET held = CASE WHEN p.inline THEN 'inline' ELSE t.queue END
  FROM executions_plannode p
  WHERE t.id = ANY (p_released) AND NOT t.id = ANY (v_sent) AND t.status = 'dispatched'
    AND p.version_id = t.version_id AND p.node = t.node;
  RETURN v_sent;
END $$;

-- Tasks that became ready, as the dispatcher sends them.
CREATE OR REPLACE FUNCTION ledger_released(p_tasks uuid[])
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
               node int, ahead jsonb)
LANGUAGE sql STABLE AS $$
  SELECT t.id, t.organization_id, t.name, t.kind, t.queue, p.inline, p.rank, t.seq - t.node, t.node, p.ahead
  FROM executions_task t
  JOIN executions_plannode p ON p.version_id = t.version_id AND p.node = t.node
  WHERE t.id = ANY (p_tasks)
  ORDER BY p.rank DESC, t.id
$$;

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

-- The whole run has ended.
CREATE OR REPLACE FUNCTION ledger_end_run(p_organization uuid, p_execution uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_status text;
BEGIN
  UPDATE executions_execution
  SET status = CASE WHEN failures > 0 THEN 'failed' ELSE 'completed' END, completed_at = clock_timestamp()
  WHERE id = p_execution AND status = 'running' RETURNING status INTO v_status;
  IF FOUND THEN
    PERFORM ledger_event(p_organization, p_execution, NULL, 'execution_' || v_status, '{}');
  END IF;
END $$;

-- The edges that lead out of ended tasks, counted per target. p_shifts are sequence number minus node number.
-- (ROWS 1: whoever joins this to tasks must look each up by its id.)
CREATE OR REPLACE FUNCTION ledger_arrivals(
  p_execution uuid, p_version uuid, p_shifts int[], p_nodes int[], p_codes int[]
) RETURNS TABLE (id uuid, n int, m int, k int, h int) LANGUAGE plpgsql VOLATILE ROWS 1 AS $$
DECLARE
  v_plan record;
  v_stripe executions_stripe%ROWTYPE;
  v_effect text;
BEGIN
  IF cardinality(p_nodes) = 1 THEN
    SELECT q.successors, q.edge_on INTO v_plan FROM executions_plannode q
    WHERE q.version_id = p_version AND q.node = p_nodes[1];
    FOR i IN 1 .. cardinality(v_plan.successors) LOOP
      v_effect := ledger_effect(v_plan.edge_on[i], p_codes[1]);
      id := ledger_task_id(p_execution, p_shifts[1] + v_plan.successors[i]);
      n := 1;
      m := (v_effect = 'm')::int;
      k := (v_effect = 'n')::int;
      h := (v_effect = 'h')::int;
      IF v_plan.edge_on[i] >= 8 THEN
        UPDATE executions_stripe o
        SET open = o.open - 1, met = o.met + m, neutral = o.neutral + k, hard = o.hard + h
        WHERE o.task_id = ledger_arrivals.id AND o.stripe = p_nodes[1] % 16 RETURNING * INTO v_stripe;
        CONTINUE WHEN v_stripe.open > 0;
        n := v_stripe.size;
        m := v_stripe.met;
        k := v_stripe.neutral;
        h := v_stripe.hard;
      END IF;
      RETURN NEXT;
    END LOOP;
    RETURN;
  END IF;
  RETURN QUERY
    WITH edges AS (
      SELECT d.shift + g.target AS target, CASE WHEN g.edge >= 8 THEN d.node % 16 END AS stripe,
             ledger_effect(g.edge, d.code) AS effect
      FROM unnest(p_shifts, p_nodes, p_codes) AS d(shift, node, code)
      CROSS JOIN LATERAL (
        SELECT q.successors, q.edge_on FROM executions_plannode q
        WHERE q.version_id = p_version AND q.node = d.node OFFSET 0) p
      CROSS JOIN LATERAL unnest(p.successors, p.edge_on) AS g(target, edge)
    ), counted AS (
      SELECT ledger_task_id(p_execution, e.target) AS id, e.stripe, count(*)::int AS n,
             (count(*) FILTER (WHERE e.effect = 'm'))::int AS m, (count(*) FILTER (WHERE e.effect = 'n'))::int AS k,
             (count(*) FILTER (WHERE e.effect = 'h'))::int AS h
      FROM edges e GROUP BY e.target, e.stripe
    ), stripes AS MATERIALIZED (
      -- One lock order for all.
      SELECT s.id, c.n, c.m, c.k, c.h FROM counted c
      CROSS JOIN LATERAL (
        SELECT * FROM executions_stripe o WHERE o.task_id = c.id AND o.stripe = c.stripe OFFSET 0) s
      WHERE c.stripe IS NOT NULL ORDER BY c.id, c.stripe
    ), full_stripes AS (
      SELECT * FROM ledger_count_stripes(ARRAY(SELECT t.id FROM stripes t), ARRAY(SELECT t.n FROM stripes t),
                                         ARRAY(SELECT t.m FROM stripes t), ARRAY(SELECT t.k FROM stripes t),
                                         ARRAY(SELECT t.h FROM stripes t))
    )
    SELECT a.id, sum(a.n)::int, sum(a.m)::int, sum(a.k)::int, sum(a.h)::int
    FROM (
      SELECT c.id, c.n, c.m, c.k, c.h FROM counted c WHERE c.stripe IS NULL
      UNION ALL
      SELECT f.id, f.n, f.m, f.k, f.h FROM full_stripes f
    ) a GROUP BY a.id;
END $$;

-- Count edges off in stripes, in the order given; those that are complete arrive as a whole.
CREATE OR REPLACE FUNCTION ledger_count_stripes(p_ids bigint[], p_n int[], p_m int[], p_k int[], p_h int[])
RETURNS TABLE (id uuid, n int, m int, k int, h int) LANGUAGE plpgsql VOLATILE ROWS 16 AS $$
DECLARE
  s executions_stripe%ROWTYPE;
BEGIN
  FOR i IN 1 .. cardinality(p_ids) LOOP
    UPDATE executions_stripe o
    SET open = o.open - p_n[i], met = o.met + p_m[i], neutral = o.neutral + p_k[i], hard = o.hard + p_h[i]
    WHERE o.id = p_ids[i] RETURNING * INTO s;
    IF s.open = 0 THEN
      id := s.task_id;
      n := s.size;
      m := s.met;
      k := s.neutral;
      h := s.hard;
      RETURN NEXT;
    END IF;
  END LOOP;
END $$;

-- Tasks that just ended (all of one run) let others go: count their edges off, in waves, until nothing more is decided.
-- p_shifts are sequence number minus node number, p_codes outcome codes, p_ends whether it ends its frame.
-- Returns the ids of released tasks.
CREATE OR REPLACE FUNCTION ledger_settle(
  p_organization uuid, p_execution uuid, p_version uuid, p_shifts int[], p_nodes int[], p_codes int[],
  p_frames uuid[], p_ends boolean[], p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_shifts int[] := p_shifts;
  v_nodes int[] := p_nodes;
  v_codes int[] := p_codes;
  v_frames uuid[] := p_frames;
  v_ends boolean[] := p_ends;
  v_released uuid[] := '{}';
  v_ready uuid[];
  v_waiting uuid[];
  v_wave uuid[];
  v_verdicts text[] := '{}';
  v_n int[];
  v_m int[];
  v_k int[];
  v_h int[];
  r record;
BEGIN
  WHILE cardinality(v_nodes) > 0 LOOP
    FOR i IN 1 .. cardinality(v_nodes) LOOP
      IF v_ends[i] AND v_frames[i] IS NULL THEN
        PERFORM ledger_end_run(p_organization, p_execution);
      ELSIF v_ends[i] THEN
        v_released := v_released || ledger_end_frame(v_frames[i], p_resend);
      END IF;
    END LOOP;
    v_wave := '{}';
    v_ready := '{}';
    v_waiting := '{}';
    v_n := '{}';
    v_m := '{}';
    v_k := '{}';
    v_h := '{}';
    -- Locked in one order, so that two workers ending neighbours cannot deadlock. The verdict is computed on the row as
    -- it is once locked. Tasks that were decided before (a join that started early) are not pending any more.
    FOR r IN
      SELECT t.id, t.kind, a.n, a.m, a.k, a.h,
             ledger_verdict(t.open - a.n, t.met + a.m, t.neutral + a.k, t.hard + a.h, t.total, t.need, t.wants)
               AS verdict
      FROM ledger_arrivals(p_execution, p_version, v_shifts, v_nodes, v_codes) a
      JOIN executions_task t ON t.id = a.id
      WHERE t.status = 'pending' ORDER BY t.id FOR UPDATE OF t
    LOOP
      IF r.verdict = 'w' THEN
        v_waiting := v_waiting || r.id;
        v_n := v_n || r.n;
        v_m := v_m || r.m;
        v_k := v_k || r.k;
        v_h := v_h || r.h;
      ELSIF r.verdict = 'r' AND r.kind <> 'end' THEN
        v_ready := v_ready || r.id;
      ELSE
        v_wave := v_wave || r.id;
        v_verdicts[cardinality(v_wave)] := CASE WHEN r.kind = 'end' THEN 'e' ELSE r.verdict END;
      END IF;
    END LOOP;
    IF cardinality(v_waiting) > 0 THEN
      UPDATE executions_task t
      SET open = t.open - a.n, met = t.met + a.m, neutral = t.neutral + a.k, hard = t.hard + a.h
      FROM unnest(v_waiting, v_n, v_m, v_k, v_h) AS a(id, n, m, k, h) WHERE t.id = a.id;
    END IF;
    IF cardinality(v_ready) > 0 THEN
      UPDATE executions_task t
      SET status = 'dispatched', open = 0, dispatched_at = clock_timestamp(),
          due_at = clock_timestamp() + make_interval(secs => p_resend)
      WHERE t.id = ANY (v_ready);
      v_released := v_released || v_ready;
    END IF;
    v_shifts := '{}';
    v_nodes := '{}';
    v_codes := '{}';
    v_frames := '{}';
    v_ends := '{}';
    EXIT WHEN cardinality(v_wave) = 0;
    FOR r IN
      UPDATE executions_task t
      SET status = CASE w.verdict WHEN 'e' THEN 'completed' WHEN 's' THEN 'skipped' ELSE 'cancelled' END,
          open = 0, completed_at = clock_timestamp(),
          error = CASE w.verdict
            WHEN 's' THEN jsonb_build_object('code', 'not_needed', 'message',
                'Every step it depends on was skipped, or went another way.')
            WHEN 'c' THEN jsonb_build_object('code', 'upstream_failed', 'message',
                'A step it depends on failed.') END
      FROM unnest(v_wave, v_verdicts[1:cardinality(v_wave)]) AS w(id, verdict), executions_plannode p
      WHERE t.id = w.id AND p.version_id = t.version_id AND p.node = t.node
      RETURNING t.id, t.seq, t.node, t.frame_id, t.name, t.kind, t.status, t.error, p.ends
    LOOP
      v_shifts := v_shifts || (r.seq - r.node);
      v_nodes := v_nodes || r.node;
      v_codes := v_codes || ledger_outcome_code(r.status, false);
      v_frames := v_frames || r.frame_id;
      v_ends := v_ends || r.ends;
      IF r.kind <> 'end' THEN
        PERFORM ledger_event(p_organization, p_execution, r.id, 'task_' || r.status,
                             jsonb_build_object('name', r.name, 'reason', r.error ->> 'code'));
      END IF;
    END LOOP;
  END LOOP;
  RETURN v_released;
END $$;

-- Take some of the released tasks along: inline ones, and one other of the caller's queue if its time slice allows it.
-- One row per released task: with a payload if taken, else as the dispatcher sends it.
CREATE OR REPLACE FUNCTION ledger_hand_over(
  p_released uuid[], p_keep int, p_keep_queue text, p_worker text, p_lease_seconds double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
                 node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_kept uuid[] := '{}';
BEGIN
  IF cardinality(p_released) = 0 THEN
    RETURN;
  END IF;
  IF p_keep > 0 AND cardinality(p_released) = 1 THEN
    v_kept := p_released;
  ELSIF p_keep > 0 THEN
    SELECT coalesce(array_agg(c.task_id), '{}') INTO v_kept
    FROM (
      SELECT l.task_id, l.inline, l.queue,
             row_number() OVER (PARTITION BY l.inline, l.queue ORDER BY l.rank DESC, l.task_id) AS place
      FROM ledger_released(p_released) l
    ) c
    WHERE (c.inline AND c.place <= p_keep) OR (NOT c.inline AND c.queue = p_keep_queue AND c.place = 1);
  END IF;
  IF cardinality(v_kept) > 0 THEN
    RETURN QUERY
        SELECT (k.payload ->> 'task')::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
               NULL::double precision, NULL::int, NULL::int, NULL::jsonb, k.payload
        FROM ledger_take(v_kept, p_keep_queue, p_worker, p_lease_seconds) AS k(payload);
    IF FOUND AND cardinality(p_released) = 1 THEN
      RETURN;
    END IF;
  END IF;
  IF cardinality(p_released) > 1 THEN
    p_released := ledger_hold(ARRAY(SELECT u FROM unnest(p_released) u WHERE NOT (u = ANY (v_kept))));
  END IF;
  RETURN QUERY SELECT l.*, NULL::jsonb FROM ledger_released(p_released) l;
END $$;

-- Record outcomes of one worker, all of the same run, and let go what they let go.
-- p_outcomes: [{task, attempt, lease, status, output, ref, error, events: [[type, payload]], artifacts, variables}].
-- An outcome whose lease is not the task's any more changes nothing (fencing); its id comes back with kind 'stale'.
CREATE OR REPLACE FUNCTION ledger_finish(
  p_organization uuid, p_outcomes jsonb, p_keep int, p_keep_queue text, p_worker text,
  p_lease_seconds double precision, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
                 node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_execution uuid;
  v_version uuid;
  v_ids uuid[] := '{}';
  v_shifts int[] := '{}';
  v_nodes int[] := '{}';
  v_codes int[] := '{}';
  v_frames uuid[] := '{}';
  v_ends boolean[] := '{}';
  v_released uuid[];
  v_taken boolean := false;
  v_effect text;
  o record;
  p record;
  r record;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  FOR o IN
    SELECT * FROM jsonb_to_recordset(p_outcomes) AS
      x(task uuid, attempt int, lease uuid, status text, output jsonb, ref text, error jsonb)
  LOOP
    UPDATE executions_task t
    SET status = o.status, output = o.output, output_ref = o.ref, error = o.error, lease = NULL, due_at = NULL,
        completed_at = clock_timestamp()
    WHERE t.id = o.task AND t.status = 'executing' AND t.lease = o.lease AND t.attempt = o.attempt
    RETURNING t.id, t.execution_id, t.version_id, t.seq, t.node, t.frame_id, t.name, t.status, t.error INTO r;
    CONTINUE WHEN NOT FOUND;
    SELECT q.tolerates, q.handled, q.ends, q.successors, q.edge_on INTO p FROM executions_plannode q
    WHERE q.version_id = r.version_id AND q.node = r.node;
    v_execution := r.execution_id;
    v_version := r.version_id;
    v_ids := v_ids || r.id;
    v_shifts := v_shifts || (r.seq - r.node);
    v_nodes := v_nodes || r.node;
    v_codes := v_codes || ledger_outcome_code(r.status, p.tolerates);
    v_frames := v_frames || r.frame_id;
    v_ends := v_ends || p.ends;
    IF r.status = 'failed' AND NOT p.tolerates AND NOT p.handled THEN
      PERFORM ledger_fail(r.execution_id, r.frame_id, r.name, r.error);
    END IF;
  END LOOP;
  IF cardinality(v_ids) < jsonb_array_length(p_outcomes) THEN
    RETURN QUERY
      SELECT (w.value ->> 'task')::uuid, NULL::uuid, NULL::text, 'stale'::text, NULL::text, NULL::boolean,
             NULL::double precision, NULL::int, NULL::int, NULL::jsonb, NULL::jsonb
      FROM jsonb_array_elements(p_outcomes) w WHERE NOT ((w.value ->> 'task')::uuid = ANY (v_ids));
    IF cardinality(v_ids) = 0 THEN
      RETURN;
    END IF;
  END IF;
  INSERT INTO executions_event (organization_id, execution_id, task_id, position, event_type, payload, occurred_at)
  SELECT p_organization, v_execution, (w.value ->> 'task')::uuid, pg_current_xact_id()::text::bigint,
         e.value ->> 0, e.value -> 1, clock_timestamp()
  FROM jsonb_array_elements(p_outcomes) w, jsonb_array_elements(w.value -> 'events') e
  WHERE (w.value ->> 'task')::uuid = ANY (v_ids);
  IF p_outcomes @? '$[*] ? (exists(@.artifacts) || exists(@.variables))' THEN
    FOR r IN
      SELECT (w.value ->> 'task')::uuid AS task, w.value AS outcome FROM jsonb_array_elements(p_outcomes) w
      WHERE (w.value ? 'artifacts' OR w.value ? 'variables') AND (w.value ->> 'task')::uuid = ANY (v_ids)
    LOOP
      PERFORM ledger_keep_artifacts(p_organization, v_execution, r.task, r.outcome -> 'artifacts');
      PERFORM ledger_set_variables(p_organization, v_execution, r.outcome);
    END LOOP;
  END IF;
  -- The commonest case by far in one statement: one step has ended, it leads to one other, which becomes ready (and is
  -- taken along) or waits for more. Whatever else it is, the statement finds nothing and the general rules follow.
  IF p_keep > 0 AND cardinality(v_ids) = 1 AND NOT p.ends AND cardinality(p.successors) = 1 AND p.edge_on[1] < 8 THEN
    v_effect := ledger_effect(p.edge_on[1], v_codes[1]);
    UPDATE executions_task k
    SET open = k.open - 1, met = k.met + (v_effect = 'm')::int, neutral = k.neutral + (v_effect = 'n')::int,
        hard = k.hard + (v_effect = 'h')::int,
        status = CASE WHEN k.open > 1 THEN 'pending' ELSE 'executing' END,
        dispatched_at = CASE WHEN k.open > 1 THEN NULL ELSE clock_timestamp() END,
        started_at = CASE WHEN k.open > 1 THEN NULL ELSE clock_timestamp() END,
        attempt = CASE WHEN k.open > 1 THEN 0 ELSE 1 END,
        lease = CASE WHEN k.open > 1 THEN NULL ELSE gen_random_uuid() END,
        worker = CASE WHEN k.open > 1 THEN NULL ELSE p_worker END,
        due_at = CASE WHEN k.open > 1 THEN NULL ELSE clock_timestamp() + make_interval(secs => p_lease_seconds) END
    FROM executions_execution x, executions_plannode q
    WHERE k.id = ledger_task_id(v_execution, v_shifts[1] + p.successors[1]) AND k.status = 'pending'
      AND k.need = k.total AND k.kind <> 'end' AND x.id = v_execution AND x.status = 'running'
      AND q.version_id = v_version AND q.node = p.successors[1]
      AND (k.open > 1 OR (q.inline OR k.queue = p_keep_queue)
           AND ledger_verdict(0, k.met + (v_effect = 'm')::int, k.neutral + (v_effect = 'n')::int,
                              k.hard + (v_effect = 'h')::int, k.total, k.need, k.wants) = 'r')
    RETURNING k, q, x.input, x.created_at INTO r;
    IF FOUND THEN
      IF (r.k).status = 'executing' THEN
        task_id := (r.k).id;
        payload := ledger_payload(r.k, r.q, r.input, r.created_at);
        RETURN NEXT;
        RETURN;
      END IF;
      v_nodes := '{}';
    END IF;
  END IF;
  v_released := ledger_settle(p_organization, v_execution, v_version, v_shifts, v_nodes, v_codes, v_frames,
                              v_ends, p_resend);
  FOR r IN
    SELECT * FROM ledger_hand_over(v_released, p_keep, p_keep_queue, p_worker, p_lease_seconds) h
    WHERE cardinality(v_released) > 0
  LOOP
    v_taken := v_taken OR r.payload IS NOT NULL;
    task_id := r.task_id; owner := r.owner; name := r.name; kind := r.kind; queue := r.queue; inline := r.inline;
    rank := r.rank; shift := r.shift; node := r.node; ahead := r.ahead; payload := r.payload;
    RETURN NEXT;
  END LOOP;
  -- Nothing to go on with here: take what the dispatch window holds back of this run.
  IF p_keep > 0 AND NOT v_taken THEN
    v_released := ledger_held(v_execution, p_keep_queue, p_keep);
    IF cardinality(v_released) > 0 THEN
      RETURN QUERY
        SELECT (k.payload ->> 'task')::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
               NULL::double precision, NULL::int, NULL::int, NULL::jsonb, k.payload
        FROM ledger_take(v_released, NULL, p_worker, p_lease_seconds) AS k(payload);
    END IF;
  END IF;
END $$;

-- A failure nobody handles: the frame it happened in has failed, or the run.
CREATE OR REPLACE FUNCTION ledger_fail(p_execution uuid, p_frame uuid, p_step text, p_error jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_frame IS NOT NULL THEN
    UPDATE executions_frame SET error = coalesce(error, p_error || jsonb_build_object('step', p_step))
    WHERE id = p_frame;
  ELSE
    UPDATE executions_execution
    SET failures = failures + 1,
        error_code = CASE WHEN failures = 0 THEN left(p_error ->> 'code', 50) ELSE error_code END,
        error_message = CASE WHEN failures = 0 THEN 'Step ' || quote_literal(p_step) || ' failed: '
                                || coalesce(p_error ->> 'message', '') ELSE error_message END
    WHERE id = p_execution;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION ledger_keep_artifacts(p_organization uuid, p_execution uuid, p_task uuid, p_artifacts jsonb)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_artifacts IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO executions_blob (organization_id, sha256, size, created_at)
  SELECT DISTINCT p_organization, a.sha256, a.size, clock_timestamp()
  FROM jsonb_to_recordset(p_artifacts) AS a(sha256 text, size bigint)
  ORDER BY 2
  ON CONFLICT (organization_id, sha256) DO NOTHING;
  INSERT INTO executions_artifact (id, organization_id, execution_id, task_id, melody_id, name, artifact_type,
                                   content_type, content_hash, size, metadata, quality_metrics, created_at)
  SELECT a.id, p_organization, p_execution, p_task, x.melody_id, a.name, a.artifact_type, a.content_type, a.sha256,
         a.size, coalesce(a.metadata, '{}'), '{}', clock_timestamp()
  FROM jsonb_to_recordset(p_artifacts) AS
         a(id uuid, name text, artifact_type text, content_type text, sha256 text, size bigint, metadata jsonb),
       executions_execution x
  WHERE x.id = p_execution AND a.name IS NOT NULL;
END $$;

CREATE OR REPLACE FUNCTION ledger_set_variables(p_organization uuid, p_execution uuid, p_outcome jsonb) RETURNS void
LANGUAGE sql VOLATILE AS $$
  INSERT INTO executions_variable (organization_id, execution_id, scope, name, value)
  SELECT p_organization, p_execution,
         coalesce((p_outcome ->> 'scope')::uuid, '00000000-0000-0000-0000-000000000000'), v.key, v.value
  FROM jsonb_each(p_outcome -> 'variables') v
  ORDER BY v.key
  ON CONFLICT (execution_id, scope, name) DO UPDATE SET value = excluded.value
$$;

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

-- A timer: the task is a row until p_due, then the sweep completes it with the output given here.
CREATE OR REPLACE FUNCTION ledger_wait(
  p_organization uuid, p_task uuid, p_lease uuid, p_due timestamptz, p_output jsonb
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t record;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  UPDATE executions_task SET status = 'waiting', lease = NULL, due_at = p_due, output = p_output
  WHERE id = p_task AND status = 'executing' AND lease = p_lease RETURNING execution_id, name INTO t;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM ledger_event(p_organization, t.execution_id, p_task, 'task_waiting',
                       jsonb_build_object('name', t.name, 'until', p_due));
  RETURN true;
END $$;

-- Begin a run: its tasks are inserted from the plan, the entry steps released.
CREATE OR REPLACE FUNCTION ledger_start(p_execution uuid, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
               node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution%ROWTYPE;
  v_count int;
BEGIN
  UPDATE executions_execution SET status = 'pending' WHERE id = p_execution AND status = 'queued' RETURNING * INTO x;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  INSERT INTO executions_task (id, organization_id, execution_id, version_id, seq, node, name, kind, queue, status,
                               open, total, need, wants, scopes, dispatched_at, due_at)
  SELECT ledger_task_id(p_execution, p.node), x.organization_id, p_execution, x.version_id, p.node, p.node, p.name,
         p.kind, p.queue, CASE WHEN p.open = 0 THEN 'dispatched' ELSE 'pending' END, p.open, p.open, p.need, p.wants,
         '{0}', CASE WHEN p.open = 0 THEN clock_timestamp() END,
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
  UPDATE executions_execution SET next_seq = v_count WHERE id = p_execution;
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_created',
                       jsonb_build_object('tasks', v_count - (
                         SELECT count(*) FROM executions_plannode p
                         WHERE p.version_id = x.version_id AND p.parent IS NULL AND p.kind = 'end')));
  RETURN QUERY
    SELECT l.* FROM ledger_released(ledger_hold(ARRAY(
      SELECT ledger_task_id(p_execution, p.node) FROM executions_plannode p
      WHERE p.version_id = x.version_id AND p.parent IS NULL AND p.open = 0))) l;
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
  SET status = 'cancelled', status_message = p_reason, completed_at = clock_timestamp()
  WHERE id = p_execution AND status IN ('queued', 'pending', 'running', 'paused') RETURNING * INTO x;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  v_count := ledger_cancel_tasks(p_execution);
  PERFORM ledger_event(x.organization_id, p_execution, NULL, 'execution_cancelled',
                       jsonb_build_object('reason', p_reason, 'tasks', v_count));
  RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION ledger_cancel_tasks(p_execution uuid) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int;
BEGIN
  UPDATE executions_task t
  SET status = 'cancelled', completed_at = clock_timestamp(), lease = NULL, due_at = NULL, held = NULL,
      error = jsonb_build_object('code', 'execution_cancelled', 'message', 'The execution was cancelled.')
  WHERE t.id IN (
    SELECT o.id FROM executions_task o
    WHERE o.id >= ledger_task_id(p_execution, 0) AND o.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND o.status IN ('pending', 'dispatched', 'executing', 'waiting')
    FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- Sign of life: prolong the leases a worker holds. The ids that come back are still the caller's; others are lost.
CREATE OR REPLACE FUNCTION ledger_renew(
  p_organization uuid, p_tasks uuid[], p_leases uuid[], p_lease_seconds double precision
) RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  PERFORM set_config('synchronous_commit', 'off', true);
  RETURN QUERY
    UPDATE executions_task t SET due_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    FROM unnest(p_tasks, p_leases) AS h(task, lease), executions_execution x
    WHERE t.id = h.task AND t.lease = h.lease AND t.status = 'executing'
      AND x.id = t.execution_id AND x.status IN ('running', 'paused')
    RETURNING t.id;
END $$;

-- One task comes to its end outside a worker: a timer that is due, or a worker lost too often. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_conclude(p_task uuid, p_status text, p_error jsonb, p_resend double precision)
RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  p executions_plannode%ROWTYPE;
BEGIN
  UPDATE executions_task
  SET status = p_status, error = p_error, lease = NULL, due_at = NULL, completed_at = clock_timestamp()
  WHERE id = p_task AND status IN ('executing', 'waiting', 'dispatched') RETURNING * INTO t;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  SELECT * INTO p FROM executions_plannode WHERE version_id = t.version_id AND node = t.node;
  PERFORM ledger_event(t.organization_id, t.execution_id, t.id,
                       CASE p_status WHEN 'failed' THEN 'error_occurred' ELSE 'task_' || p_status END,
                       jsonb_build_object('name', t.name, 'kind', t.kind) || coalesce(p_error, '{}'));
  IF p_status = 'failed' AND NOT p.tolerates AND NOT p.handled THEN
    PERFORM ledger_fail(t.execution_id, t.frame_id, t.name, p_error);
  END IF;
  RETURN ledger_settle(t.organization_id, t.execution_id, t.version_id, ARRAY[t.seq - t.node], ARRAY[t.node],
                       ARRAY[ledger_outcome_code(p_status, p.tolerates)], ARRAY[t.frame_id], ARRAY[p.ends],
                       p_resend);
END $$;

-- A worker is lost: give its task back, or fail it when that happened too often. p_worker limits it to a claim of that
-- worker (NULL: any). Returns released tasks, the given-back one among them.
CREATE OR REPLACE FUNCTION ledger_lost(
  p_task uuid, p_reason text, p_max_attempts int, p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
BEGIN
  SELECT * INTO t FROM executions_task WHERE id = p_task AND status = 'executing' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  IF t.attempt >= p_max_attempts THEN
    RETURN ledger_conclude(p_task, 'failed', jsonb_build_object('code', 'worker_lost', 'message',
      'The worker was lost in each of ' || t.attempt || ' attempts; the last was on ' || coalesce(t.worker, '?') || '.'),
      p_resend);
  END IF;
  -- The claim of a collection (phase 1) counts no attempt, so that losing it has to.
  UPDATE executions_task
  SET status = 'dispatched', attempt = t.attempt + t.phase, lease = NULL, dispatched_at = clock_timestamp(),
      due_at = clock_timestamp() + make_interval(secs => p_resend)
  WHERE id = p_task;
  PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_lost',
                       jsonb_build_object('name', t.name, 'attempt', t.attempt, 'worker', t.worker,
                                          'reason', p_reason));
  RETURN ARRAY[p_task];
END $$;

-- Sweep: rows whose time has come. Leases that ended, timers that are due, tasks of runs that are over.
-- Returns what it released.
CREATE OR REPLACE FUNCTION ledger_sweep(p_limit int, p_max_attempts int, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := '{}';
  r record;
BEGIN
  FOR r IN
    SELECT t.id, t.status, x.status IN ('pending', 'running', 'paused') AS alive
    FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
    WHERE t.due_at < clock_timestamp()
      AND (t.status IN ('executing', 'waiting')
           OR t.status = 'dispatched' AND x.status NOT IN ('pending', 'running', 'paused'))
    ORDER BY t.due_at LIMIT p_limit
    FOR UPDATE OF t SKIP LOCKED
  LOOP
    IF NOT r.alive THEN
      UPDATE executions_task
      SET status = 'cancelled', lease = NULL, due_at = NULL, held = NULL, completed_at = clock_timestamp(),
          error = jsonb_build_object('code', 'execution_over', 'message', 'The execution was over before this step.')
      WHERE id = r.id;
    ELSIF r.status = 'waiting' THEN
      v_released := v_released || ledger_conclude(r.id, 'completed', NULL, p_resend);
    ELSE
      v_released := v_released || ledger_lost(r.id, 'lease_expired', p_max_attempts, p_resend);
    END IF;
  END LOOP;
  RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(v_released)) l;
END $$;

-- Released tasks of one queue that nobody claimed in time: to be sent once more, ever more seldom.
CREATE OR REPLACE FUNCTION ledger_unsent(p_queue text, p_room int, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ids uuid[];
BEGIN
  WITH due AS (
    SELECT t.id FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
    WHERE t.due_at < clock_timestamp() AND t.status = 'dispatched' AND t.queue = p_queue
      AND x.status IN ('pending', 'running')
    ORDER BY t.due_at LIMIT p_room
    FOR UPDATE OF t SKIP LOCKED
  ), marked AS (
    UPDATE executions_task t
    SET held = NULL, sends = least(t.sends + 1, 3), due_at = clock_timestamp() + make_interval(secs => p_resend * 2 ^ t.sends)
    FROM due WHERE t.id = due.id RETURNING t.id
  )
  SELECT array_agg(id) INTO v_ids FROM marked;
  RETURN QUERY SELECT l.* FROM ledger_released(coalesce(v_ids, '{}')) l;
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

-- Give back or fail what a lost worker was running. Called by the worker's parent process, so it needs no sweep.
CREATE OR REPLACE FUNCTION ledger_report_lost(
  p_organization uuid, p_carrier text, p_reason text, p_max_attempts int, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := '{}';
  v_task uuid;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  FOR v_task IN
    SELECT t.id FROM executions_task t
    WHERE t.due_at IS NOT NULL AND t.status = 'executing' AND t.worker = p_carrier
    ORDER BY t.id
  LOOP
    v_released := v_released || ledger_lost(v_task, p_reason, p_max_attempts, p_resend);
  END LOOP;
  RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(v_released)) l;
END $$;

-- Planning these statements costs ten times their execution: always keep the plan. Where the planner could still choose
-- a scan of a whole version's plan, the look-up above stands in a sub-query of its own (OFFSET 0).
DO $$
DECLARE
  f record;
BEGIN
  FOR f IN
    SELECT p.oid::regprocedure AS name FROM pg_proc p
    JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
    WHERE p.proname LIKE 'ledger\_%' AND p.pronamespace = current_schema()::regnamespace
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan', f.name);
  END LOOP;
END $$;
