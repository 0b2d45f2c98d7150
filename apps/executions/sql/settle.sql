-- Settling: what ended tasks let go.

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

-- The run's last step has ended. After a failure what is to be compensated comes first. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_end_run(p_organization uuid, p_execution uuid, p_resend double precision)
RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution%ROWTYPE;
  v_task uuid;
  v record;
BEGIN
  SELECT * INTO x FROM executions_execution WHERE id = p_execution FOR UPDATE;
  -- Of a paused run ledger_resume finds that its last step has ended.
  IF x.status <> 'running' OR x.unsettled AND NOT ledger_is_over(p_execution) THEN
    RETURN '{}';
  END IF;
  IF x.compensation IS NOT NULL THEN
    UPDATE executions_task
    SET status = CASE WHEN x.failures > 0 THEN 'dispatched' ELSE 'skipped' END, open = 0,
        completed_at = CASE WHEN x.failures > 0 THEN NULL ELSE clock_timestamp() END,
        due_at = CASE WHEN x.failures > 0 THEN clock_timestamp() + make_interval(secs => p_resend) END
    WHERE id = ledger_task_id(p_execution, x.compensation) AND status = 'pending' RETURNING id INTO v_task;
    IF FOUND AND x.failures > 0 THEN
      -- What has begun to be undone is undone to its end, whatever time the run had.
      UPDATE executions_execution SET deadline_at = NULL WHERE id = p_execution AND deadline_at IS NOT NULL;
      RETURN ARRAY[v_task];
    END IF;
    -- It is asked twice when the last step ends the run: what is being undone ends it.
    PERFORM 1 FROM executions_task t
    WHERE t.id = ledger_task_id(p_execution, x.compensation) AND t.status IN ('dispatched', 'executing', 'waiting');
    IF FOUND THEN
      RETURN '{}';
    END IF;
  END IF;
  SELECT * INTO v FROM ledger_measure(p_execution);
  UPDATE executions_execution e
  SET status = CASE WHEN e.failures > 0 THEN 'failed' ELSE 'completed' END, completed_at = clock_timestamp(),
      unsettled = false, resource_usage = v.used, performance_metrics = v.measured,
      status_message = CASE WHEN e.status_message IN ('', ledger_message('running', NULL, NULL))
        THEN ledger_message(CASE WHEN e.failures > 0 THEN 'failed' ELSE 'completed' END, v.measured, e.error_message)
        ELSE e.status_message END
  WHERE e.id = p_execution RETURNING * INTO x;
  PERFORM ledger_event(p_organization, p_execution, NULL, 'execution_' || x.status, '{}');
  RETURN '{}';
END $$;

-- Tasks that just ended (all of one run and one version) let others go: count their edges off, in waves, until nothing more is decided.
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
  v_over uuid[] := '{}';
  v_ready uuid[];
  v_waiting uuid[];
  v_wave uuid[];
  v_verdicts text[] := '{}';
  v_n int[];
  v_m int[];
  v_k int[];
  v_h int[];
  v_idle boolean := false;
  r record;
BEGIN
  WHILE cardinality(v_nodes) > 0 LOOP
    FOR i IN 1 .. cardinality(v_nodes) LOOP
      IF v_ends[i] AND v_frames[i] IS NULL THEN
        v_released := v_released || ledger_end_run(p_organization, p_execution, p_resend);
      ELSIF v_ends[i] THEN
        v_over := v_over || v_frames[i];
      END IF;
    END LOOP;
    IF cardinality(v_over) > 0 THEN
      v_released := v_released || ledger_end_frames(v_over, p_resend);
      v_over := '{}';
    END IF;
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
      SELECT t.id, t.kind = 'join' OR t.kept_from IS NOT NULL AS done, a.n, a.m, a.k, a.h,
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
      ELSIF r.verdict = 'r' AND NOT r.done THEN
        v_ready := v_ready || r.id;
      ELSE
        v_wave := v_wave || r.id;
        -- A join has nothing to do; a result that was kept from an earlier run has waited for its turn.
        v_verdicts[cardinality(v_wave)] := CASE WHEN r.done THEN 'e' ELSE r.verdict END;
      END IF;
    END LOOP;
    -- Of several it is not told apart which of them nothing was waiting for.
    v_idle := v_idle OR cardinality(v_nodes) > 1
              OR cardinality(v_waiting) + cardinality(v_ready) + cardinality(v_wave) = 0;
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
      IF r.kind <> 'join' THEN
        PERFORM ledger_event(p_organization, p_execution, r.id, 'task_' || r.status,
                             jsonb_build_object('name', r.name, 'reason', r.error ->> 'code'));
      END IF;
    END LOOP;
  END LOOP;
  IF v_idle AND ledger_is_frayed(p_execution) THEN
    v_released := v_released || ledger_end_frayed(p_organization, p_execution, p_resend);
  END IF;
  RETURN v_released;
END $$;
