-- Explaining: why a task is not running, as far as rows tell. Reads only. Every reason has a `code`; what else is in it
-- depends on that and is told in docs/explain.md. Sentences for people are made of it in `apps.executions.explaining`.

-- The trace of whoever asked for what this transaction does, for the event that begins a run: {} or {traceparent}.
CREATE OR REPLACE FUNCTION ledger_asked_by() RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN coalesce(current_setting('app.traceparent', true), '') = '' THEN '{}'
              ELSE jsonb_build_object('traceparent', current_setting('app.traceparent', true)) END
$$;

-- Steps before a task that have not ended, in the order of the plan backwards; `direct` are those an edge leads from.
-- One walk down the plan finds them all, because predecessors stand before: it ends when no edge is left to be found, or
-- after p_nodes plan nodes (a last row without a node says so). One statement, since every further one would ask anew
-- whose rows its reader may see.
CREATE OR REPLACE FUNCTION ledger_upstream(t executions_task, p_steps int, p_nodes int, p_all boolean)
RETURNS TABLE (node int, direct boolean, id uuid, name text, status text, wait text, started_at timestamptz,
               due_at timestamptz, rank double precision, need int, total int, successors int[])
LANGUAGE plpgsql STABLE ROWS 20 AS $$
DECLARE
  v_open int := t.total;
  v_wanted int[] := ARRAY[t.node];
  v_seen int := 0;
  v_found int := 0;
  p record;
BEGIN
  FOR p IN
    SELECT q.node, q.successors, q.rank, q.open, q.need, k.id, k.name, k.status, k.wait, k.started_at, k.due_at
    FROM executions_plannode q
    LEFT JOIN LATERAL (
      SELECT o.id, o.name, o.status, o.wait, o.started_at, o.due_at FROM executions_task o
      WHERE o.id = ledger_task_id(t.execution_id, t.seq - t.node + q.node)
        AND o.status IN ('pending', 'dispatched', 'executing', 'waiting') OFFSET 0) k ON true
    WHERE q.version_id = t.version_id AND q.node < t.node ORDER BY q.node DESC
  LOOP
    EXIT WHEN v_open <= 0 OR v_found >= p_steps;
    v_seen := v_seen + 1;
    IF v_seen > p_nodes THEN
      node := NULL;
      RETURN NEXT;
      RETURN;
    END IF;
    CONTINUE WHEN NOT p.successors && v_wanted;
    v_open := v_open - (SELECT count(*) FROM unnest(p.successors) s(target) WHERE s.target = ANY (v_wanted));
    CONTINUE WHEN p.id IS NULL;
    v_found := v_found + 1;
    node := p.node; direct := t.node = ANY (p.successors); id := p.id; name := p.name; status := p.status;
    wait := p.wait; started_at := p.started_at; due_at := p.due_at; rank := p.rank; need := p.need; total := p.open;
    successors := p.successors;
    RETURN NEXT;
    IF p_all AND p.status = 'pending' THEN
      v_wanted := v_wanted || p.node;
      v_open := v_open + p.open;
    END IF;
  END LOOP;
END $$;

-- The steps an edge leads from to this task and that have not ended, at most p_limit: [{task, name, status}].
CREATE OR REPLACE FUNCTION ledger_waits_for(t executions_task, p_limit int) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_steps jsonb;
  v_shift int := t.seq - t.node;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('task', u.id, 'name', u.name, 'status', u.status) ORDER BY u.node)
  INTO v_steps FROM ledger_upstream(t, p_limit, 1500, false) u WHERE u.direct;
  IF v_steps IS NULL AND t.total > 0 THEN
    -- Far up in a large plan: of the steps that have not ended, those that lead here.
    SELECT jsonb_agg(jsonb_build_object('task', o.id, 'name', o.name, 'status', o.status)) INTO v_steps
    FROM (
      SELECT k.id, k.name, k.status FROM executions_task k
      WHERE k.id >= ledger_task_id(t.execution_id, 0) AND k.id < t.id
        AND k.status IN ('pending', 'dispatched', 'executing', 'waiting') AND k.seq - k.node = v_shift
        AND k.version_id = t.version_id
        AND EXISTS (SELECT FROM executions_plannode p
                    WHERE p.version_id = k.version_id AND p.node = k.node AND t.node = ANY (p.successors) OFFSET 0)
      ORDER BY k.id LIMIT p_limit) o;
  END IF;
  RETURN coalesce(v_steps, '[]');
END $$;

-- A pending task: its predecessors, the turn of its iteration, or a failure that has not happened.
CREATE OR REPLACE FUNCTION ledger_explain_pending(t executions_task) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_reasons jsonb := '[]';
  v_steps jsonb;
  v_open int;
  f executions_frame%ROWTYPE;
  e executions_expansion%ROWTYPE;
BEGIN
  IF t.kind = 'compensation' AND t.frame_id IS NULL THEN
    RETURN jsonb_build_array(jsonb_build_object('code', 'compensation'));
  END IF;
  IF t.frame_id IS NOT NULL THEN
    SELECT * INTO f FROM executions_frame WHERE id = t.frame_id;
    IF f.status = 'pending' THEN
      SELECT * INTO e FROM executions_expansion WHERE task_id = f.parent_task_id;
      v_reasons := jsonb_build_array(jsonb_build_object(
        'code', 'gate', 'gate', 'iterations', 'iteration', f.index - e.round_first, 'around', f.parent_task_id,
        'ahead', greatest(f.index - e.next, 0), 'running', greatest(e.remaining - (e.total - e.next), 0)));
    END IF;
  END IF;
  IF t.total > 0 THEN
    v_steps := ledger_waits_for(t, 20);
    SELECT coalesce(sum(s.open), t.open) INTO v_open FROM executions_stripe s
    WHERE s.task_id = t.id AND s.stripe < 16;
    IF v_steps <> '[]' THEN
      v_reasons := v_reasons || jsonb_build_array(jsonb_build_object(
        'code', 'waits_for_steps', 'steps', v_steps, 'remaining', greatest(v_open, jsonb_array_length(v_steps)),
        'inner', false, 'of', t.total, 'needed', t.need, 'met', t.met));
    END IF;
  END IF;
  RETURN v_reasons;
END $$;

-- A task that was claimed and goes on as a row.
CREATE OR REPLACE FUNCTION ledger_explain_waiting(t executions_task) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  e executions_expansion%ROWTYPE;
  v_steps jsonb;
  v_reason jsonb;
BEGIN
  IF t.wait = 'frames' THEN
    SELECT * INTO e FROM executions_expansion WHERE task_id = t.id;
    -- Frames in the order in which they began: the open ones are among the last.
    SELECT jsonb_agg(jsonb_build_object('task', k.id, 'name', k.name, 'status', k.status, 'iteration', k.iteration)) INTO v_steps
    FROM (
      SELECT o.id, o.name, o.status, f.iteration
      FROM (SELECT q.first, q.size, q.index - e.round_first AS iteration FROM executions_frame q
            WHERE q.parent_task_id = t.id AND q.index >= e.round_first AND q.index < e.next AND q.status = 'running'
            ORDER BY q.index DESC LIMIT 20) f
      CROSS JOIN LATERAL generate_series(f.first, f.first + least(f.size, 100) - 1) AS s(seq)
      CROSS JOIN LATERAL (SELECT * FROM executions_task c WHERE c.id = ledger_task_id(t.execution_id, s.seq) OFFSET 0) o
      WHERE o.status IN ('dispatched', 'executing', 'waiting') AND o.kind <> 'join'
      LIMIT 20) k;
    RETURN jsonb_build_array(jsonb_build_object(
      'code', 'waits_for_steps', 'inner', true, 'steps', coalesce(v_steps, '[]'), 'remaining', e.remaining,
      'of', e.total - e.round_first, 'until', t.due_at));
  END IF;
  v_reason := jsonb_build_object('code', t.wait, 'until', t.due_at);
  IF t.wait = 'retry' THEN
    v_reason := v_reason || jsonb_build_object('attempt', t.attempt, 'retries', t.retries);
  ELSIF t.wait = 'signal' THEN
    v_reason := v_reason || jsonb_build_object('signal', t.wait_key);
  ELSIF t.wait = 'approval' THEN
    v_reason := v_reason || jsonb_build_object(
      'heading', t.wait_key, 'role', coalesce(t.carry ->> 'role', 'member'),
      'quorum', coalesce((t.carry ->> 'quorum')::int, 1),
      'approvals', (SELECT count(*) FROM executions_decision d
                    WHERE d.task_id = t.id AND d.attempt = t.attempt AND d.decision = 'approve'));
    IF t.carry #>> '{details,budget}' IS NOT NULL THEN
      RETURN jsonb_build_array(v_reason, jsonb_build_object(
        'code', 'budget', 'budget', t.carry #>> '{details,budget}', 'state', 'exceeded'));
    END IF;
  END IF;
  RETURN jsonb_build_array(v_reason);
END $$;

-- A task somebody runs, with the money that is set aside for its calls.
CREATE OR REPLACE FUNCTION ledger_explain_executing(t executions_task) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  u record;
  v_reasons jsonb;
BEGIN
  v_reasons := jsonb_build_array(jsonb_build_object(
    'code', 'worker', 'worker', split_part(t.worker, '/', 1), 'since', t.started_at, 'attempt', t.attempt,
    'lease_until', t.due_at, 'lease_over', coalesce(t.due_at < clock_timestamp(), false)));
  SELECT count(*) AS calls, sum(g.usd) AS usd INTO u FROM spending_usage g
  WHERE g.execution_id = t.execution_id AND g.task_id = t.id AND g.state = 'reserved';
  IF u.calls > 0 THEN
    v_reasons := v_reasons || jsonb_build_array(jsonb_build_object(
      'code', 'budget', 'state', 'reserved', 'calls', u.calls, 'usd', u.usd::text));
  END IF;
  RETURN v_reasons;
END $$;

-- How many released tasks have their turn in the queue before this one, of its own organization; at most p_limit. 0 for
-- one that has called a worker.
CREATE OR REPLACE FUNCTION ledger_ahead(t executions_task, p_limit int) RETURNS int
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT count(*) FROM (
      SELECT FROM executions_backlog own
      JOIN executions_backlog o ON o.queue = own.queue AND o.organization_id = own.organization_id AND o.pool_id IS NULL
        AND o.turn < own.turn
      WHERE own.task_id = t.id
      LIMIT p_limit) a);
END $$;

-- Who is inside the gate a released task stands before, if it may not pass just now: tasks it excludes and is excluded by,
-- or as many of the run's as may execute at once. NULL when it may pass. See ledger_open_gates.
CREATE OR REPLACE FUNCTION ledger_gate_holders(t executions_task) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_names text[] := string_to_array(t.gate, chr(31));
  v_limit int;
  v_count int;
  v_holders jsonb;
BEGIN
  IF t.gate <> '*' THEN
    SELECT jsonb_agg(o.told) INTO v_holders FROM (
      SELECT jsonb_build_object('task', k.id, 'name', k.name, 'status', k.status, 'since', k.started_at) AS told
      FROM executions_task k
      WHERE k.execution_id = t.execution_id AND k.gate <> '*' AND k.id <> t.id AND string_to_array(k.gate, chr(31)) && v_names
        AND (k.status IN ('executing', 'waiting') OR k.status = 'dispatched' AND k.phase > 0)
        AND NOT k.id IN (SELECT ledger_around(t.id))
      ORDER BY k.id LIMIT 20) o;
    IF v_holders IS NOT NULL THEN
      RETURN jsonb_build_object('code', 'gate', 'name', array_to_string(v_names, ', '), 'limit', 1, 'holders', v_holders);
    END IF;
  END IF;
  SELECT x.max_parallel INTO v_limit FROM executions_execution x WHERE x.id = t.execution_id;
  IF v_limit IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT count(*), jsonb_agg(o.told) FILTER (WHERE o.place <= 20) INTO v_count, v_holders FROM (
    SELECT jsonb_build_object('task', k.id, 'name', k.name, 'status', k.status, 'since', k.started_at) AS told,
           row_number() OVER (ORDER BY k.id) AS place
    FROM executions_task k
    WHERE k.execution_id = t.execution_id AND k.gate IS NOT NULL AND k.status = 'executing' AND k.phase = 0) o;
  RETURN CASE WHEN v_count >= v_limit
    THEN jsonb_build_object('code', 'gate', 'name', '*', 'limit', v_limit, 'holders', v_holders) END;
END $$;

-- What holds a released task back that nobody has claimed: a gate, a limit, its turn in the queue; or (`sent`) a worker was
-- called that has not come. Of holders and of the queue only what its reader may see.
CREATE OR REPLACE FUNCTION ledger_blockers(p_task uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  t executions_task%ROWTYPE;
  b executions_backlog%ROWTYPE;
  v_reasons jsonb := '[]';
  v_gate jsonb;
  v_ahead int;
BEGIN
  SELECT * INTO t FROM executions_task WHERE id = p_task AND status = 'dispatched';
  IF NOT FOUND THEN
    RETURN '[]';
  END IF;
  IF t.gate IS NOT NULL AND t.phase = 0 THEN
    v_gate := ledger_gate_holders(t);
    IF v_gate IS NOT NULL THEN
      v_reasons := jsonb_build_array(v_gate);
    END IF;
  END IF;
  SELECT * INTO b FROM executions_backlog WHERE task_id = p_task;
  IF FOUND AND b.pool_id IS NOT NULL THEN
    RETURN v_reasons || (
      SELECT jsonb_build_array(jsonb_build_object(
        'code', 'limit', 'pool', b.pool_id, 'kind', min(l.kind), 'name', min(l.name), 'slots', min(l.slots),
        'open', bool_and(l.open), 'since', b.entered_at, 'taken', coalesce(sum(s.slots), 0),
        'holders', coalesce(jsonb_agg(jsonb_build_object('task', s.task_id, 'execution', s.execution_id, 'slots', s.slots,
                                                         'since', s.taken_at)) FILTER (WHERE s.place <= 20), '[]')))
      FROM (SELECT b.pool_id AS id) own
      LEFT JOIN executions_pool l ON l.id = own.id
      LEFT JOIN (
        SELECT e.*, row_number() OVER (ORDER BY e.id) AS place FROM executions_poollease e
        WHERE e.pool_id = b.pool_id AND e.returned_at IS NULL AND (e.until IS NULL OR e.until > clock_timestamp())
      ) s ON true);
  ELSIF FOUND THEN
    v_ahead := ledger_ahead(t, 1000);
    RETURN v_reasons || jsonb_build_array(jsonb_build_object(
      'code', 'backlog', 'queue', b.queue, 'since', t.dispatched_at, 'ahead', v_ahead, 'position', v_ahead + 1,
      'more', v_ahead >= 1000));
  ELSIF v_reasons = '[]' THEN
    v_reasons := jsonb_build_array(jsonb_build_object(
      'code', 'sent', 'queue', t.queue, 'since', t.dispatched_at, 'sends', t.sends));
  END IF;
  RETURN v_reasons;
END $$;

-- A released task nobody has claimed: what holds it back, and whether anybody would take it.
CREATE OR REPLACE FUNCTION ledger_explain_dispatched(t executions_task) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_queue jsonb := ledger_queue_state(t.queue);
  v_reasons jsonb := ledger_blockers(t.id);
BEGIN
  IF coalesce((v_queue ->> 'slots')::int, 0) = 0 THEN
    v_reasons := jsonb_build_array(jsonb_build_object('code', 'no_worker') || v_queue) || v_reasons;
  END IF;
  RETURN v_reasons;
END $$;

-- Who has paused a run: what its last event of that kind says.
CREATE OR REPLACE FUNCTION ledger_explain_pause(x executions_execution) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_payload jsonb;
BEGIN
  SELECT e.payload INTO v_payload FROM executions_event e
  WHERE e.execution_id = x.id AND e.task_id IS NULL AND e.event_type = 'execution_paused'
  ORDER BY e.position DESC, e.id DESC LIMIT 1;
  RETURN jsonb_build_object('code', 'paused', 'by', v_payload ->> 'by', 'at', x.paused_at, 'reason', x.status_message);
END $$;

-- All reasons why a task is not over, the nearest first. Never empty.
CREATE OR REPLACE FUNCTION ledger_reasons(t executions_task, x executions_execution) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_reasons jsonb;
BEGIN
  IF t.status IN ('completed', 'failed', 'skipped', 'cancelled') THEN
    RETURN jsonb_build_array(jsonb_build_object(
      'code', 'ended', 'what', 'task', 'status', t.status, 'at', t.completed_at, 'error', t.error ->> 'code',
      'started_at', t.started_at));
  ELSIF x.status NOT IN ('queued', 'pending', 'running', 'paused') THEN
    RETURN jsonb_build_array(jsonb_build_object(
      'code', 'ended', 'what', 'execution', 'status', x.status, 'at', x.completed_at, 'error', nullif(x.error_code, '')));
  ELSIF t.status = 'executing' THEN
    RETURN ledger_explain_executing(t);
  END IF;
  v_reasons := CASE t.status
    WHEN 'pending' THEN ledger_explain_pending(t)
    WHEN 'waiting' THEN ledger_explain_waiting(t)
    ELSE ledger_explain_dispatched(t) END;
  IF x.status = 'paused' THEN
    v_reasons := jsonb_build_array(ledger_explain_pause(x)) || v_reasons;
  END IF;
  IF v_reasons = '[]' THEN
    v_reasons := jsonb_build_array(jsonb_build_object('code', 'deciding', 'met', t.met, 'needed', t.need));
  END IF;
  RETURN v_reasons;
END $$;

-- One task: what it is, why it is not running, and when it is likely to begin. NULL when there is no such task to be seen.
CREATE OR REPLACE FUNCTION ledger_explain(p_task uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  t executions_task%ROWTYPE;
  x executions_execution%ROWTYPE;
BEGIN
  SELECT * INTO t FROM executions_task WHERE id = p_task;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT * INTO x FROM executions_execution WHERE id = t.execution_id;
  RETURN ledger_told(t) || jsonb_build_object(
    'reasons', ledger_reasons(t, x), 'predicted_start', ledger_predict(t, x));
END $$;

CREATE OR REPLACE FUNCTION ledger_told(t executions_task) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('task', t.id, 'execution', t.execution_id, 'name', t.name, 'kind', t.kind, 'queue', t.queue,
                            'state', t.status, 'attempt', t.attempt)
$$;

-- One run: what holds it up as a whole, and its steps that are under way or wait, at most p_limit of them, each with its
-- reasons. Steps before which others stand are counted only.
CREATE OR REPLACE FUNCTION ledger_explain_run(p_execution uuid, p_limit int) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  x executions_execution%ROWTYPE;
  v_counts jsonb;
  v_steps jsonb := '[]';
  v_reasons jsonb := '[]';
  k executions_task%ROWTYPE;
BEGIN
  SELECT * INTO x FROM executions_execution WHERE id = p_execution;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT jsonb_object_agg(c.status, c.n) INTO v_counts FROM (
    SELECT t.status, count(*) AS n FROM executions_task t
    WHERE t.id >= ledger_task_id(p_execution, 0) AND t.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND t.kind <> 'join' AND (t.kind <> 'compensation' OR t.started_at IS NOT NULL)
    GROUP BY t.status) c;
  IF x.status NOT IN ('queued', 'pending', 'running', 'paused') THEN
    v_reasons := jsonb_build_array(jsonb_build_object('code', 'ended', 'what', 'execution', 'status', x.status,
      'at', x.completed_at, 'error', nullif(x.error_code, '')));
  ELSE
    IF x.status = 'paused' THEN
      v_reasons := jsonb_build_array(ledger_explain_pause(x));
    ELSIF x.status = 'queued' THEN
      v_reasons := jsonb_build_array(jsonb_build_object('code', 'queued', 'since', x.created_at));
    END IF;
    FOR k IN
      SELECT * FROM executions_task t
      WHERE t.id >= ledger_task_id(p_execution, 0) AND t.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
        AND t.status IN ('dispatched', 'executing', 'waiting')
      ORDER BY t.id LIMIT p_limit
    LOOP
      v_steps := v_steps || jsonb_build_array(ledger_told(k) || jsonb_build_object('reasons', ledger_reasons(k, x)));
    END LOOP;
  END IF;
  RETURN jsonb_build_object('execution', x.id, 'state', x.status, 'message', x.status_message, 'reasons', v_reasons,
                            'counts', coalesce(v_counts, '{}'), 'steps', v_steps);
END $$;
