-- Claiming: a worker gets a task, a lease and all it needs.

CREATE OR REPLACE FUNCTION ledger_event(p_organization uuid, p_execution uuid, p_task uuid, p_type text, p_payload jsonb)
RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO executions_event (organization_id, execution_id, task_id, position, event_type, payload, occurred_at)
  VALUES (p_organization, p_execution, p_task, pg_current_xact_id()::text::bigint, p_type, p_payload, clock_timestamp())
$$;

-- Values of variables as a task sees them whose frames are p_lineage, outermost first: the innermost scope wins. The
-- variables of the whole run are seen by those that are in no isolated frame.
CREATE OR REPLACE FUNCTION ledger_variables(p_execution uuid, p_lineage uuid[], p_home uuid, p_names text[])
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT jsonb_object_agg(w.name, w.value ORDER BY coalesce(array_position(p_lineage, w.scope), 0))
    FROM executions_variable w
    WHERE w.execution_id = p_execution AND w.name = ANY (p_names)
      AND (p_home IS NULL AND w.scope = '00000000-0000-0000-0000-000000000000' OR w.scope = ANY (p_lineage)));
END $$;

-- Everything a worker needs to run a task it has just claimed; the claim's events are written here.
CREATE OR REPLACE FUNCTION ledger_payload(t executions_task, p executions_plannode, x executions_execution)
RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_reads jsonb;
  v_variables jsonb;
  v_input jsonb := x.input;
  v_frame record;
  v_expansion record;
  v_more jsonb := '{}';
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
             'status', s.status, 'output', s.output, 'ref', s.output_ref, 'error', s.error, 'inner', r.item ->> 3,
             'field', r.item -> 4))
    INTO v_reads
    FROM jsonb_array_elements(p.reads) AS r(item)
    CROSS JOIN LATERAL (
      SELECT * FROM executions_task o
      WHERE o.id = ledger_task_id(t.execution_id, t.scopes[(r.item ->> 1)::int + 1] + (r.item ->> 2)::int)
      OFFSET 0) s;
  END IF;
  IF t.frame_id IS NULL THEN
    IF p.variables <> '{}' THEN
      v_variables := ledger_variables(t.execution_id, NULL, NULL, p.variables);
    END IF;
  ELSE
    SELECT f.loop AS data, f.lineage, f.home, f.ancestors, f.depth,
           CASE WHEN f.home = f.id THEN f.inputs
                ELSE (SELECT h.inputs FROM executions_frame h WHERE h.id = f.home) END AS inputs
    INTO v_frame FROM executions_frame f WHERE f.id = t.frame_id;
    v_more := jsonb_build_object('frame', t.frame_id, 'loop', v_frame.data);
    IF p.variables <> '{}' THEN
      v_variables := ledger_variables(t.execution_id, v_frame.lineage, v_frame.home, p.variables);
    END IF;
    IF v_frame.home IS NOT NULL THEN
      v_input := v_frame.inputs;
      v_more := v_more || jsonb_build_object('home', v_frame.home, 'ancestors', v_frame.ancestors,
                                             'depth', v_frame.depth);
    END IF;
  END IF;
  IF t.phase > 0 OR t.retries > 0 OR t.carry IS NOT NULL THEN
    v_more := v_more || jsonb_build_object('retries', t.retries, 'carry', t.carry, 'error', t.error,
                                           'begun_at', t.begun_at, 'started_at', t.started_at);
  END IF;
  IF x.rerun_of_id IS NOT NULL THEN
    v_more := v_more || jsonb_build_object('rerun_of', x.rerun_of_id);
  END IF;
  IF t.phase = 1 AND p.bodies <> '[]' THEN
    SELECT e.round_first - e.base AS earlier, e.remaining INTO v_expansion FROM executions_expansion e WHERE e.task_id = t.id;
    v_more := v_more || jsonb_build_object('earlier', coalesce(v_expansion.earlier, 0),
                                           'open', coalesce(v_expansion.remaining, 0));
  END IF;
  IF t.total_at IS NOT NULL THEN
    v_more := v_more || jsonb_build_object('total_at', t.total_at);
  END IF;
  RETURN jsonb_build_object(
    'task', t.id, 'execution', t.execution_id, 'organization', t.organization_id, 'version', t.version_id,
    'name', t.name, 'kind', t.kind, 'queue', t.queue, 'inline', p.inline, 'node', t.node, 'phase', t.phase,
    'attempt', t.attempt, 'lease', t.lease, 'pooled', t.pooled, 'params', p.params, 'condition', p.condition, 'options', p.options,
    'bodies', p.bodies, 'reads', v_reads, 'variables', v_variables, 'input', v_input, 'root', x.version_id,
    'melody', x.melody_id, 'tasks', x.next_seq, 'shift', t.seq - t.node,
    'waited', CASE WHEN t.phase = 0 THEN extract(epoch FROM t.started_at - t.dispatched_at) END, 'run_created_at', x.created_at) || v_more;
END $$;

-- Claim tasks for a worker: dispatched -> executing with a new lease, and everything the worker needs to run them.
-- No row back means: a duplicate, somebody else's, turned away, or a run that is not running any more. p_queue NULL claims
-- whatever is named; else only small steps and those of that queue. p_open: they have been let through.
CREATE OR REPLACE FUNCTION ledger_take(
  p_tasks uuid[], p_queue text, p_worker text, p_lease_seconds double precision, p_open boolean DEFAULT false
) RETURNS SETOF jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int := 0;
  r record;
BEGIN
  FOR r IN
    UPDATE executions_task k
    SET status = 'executing', attempt = k.attempt + (CASE WHEN k.phase = 0 THEN 1 ELSE 0 END), sends = 0, held = NULL,
        pooled = x.pooled AND NOT p.inline AND k.phase < 2
                 AND NOT p.bodies @? '$[*] ? (@.field != "on_error" && @.field != "compensate")',
        lease = gen_random_uuid(), worker = p_worker,
        started_at = CASE WHEN k.phase = 0 THEN clock_timestamp() ELSE k.started_at END,
        due_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    FROM executions_execution x, executions_plannode p
    WHERE k.id = ANY (p_tasks) AND k.status = 'dispatched'
      AND (p_open OR (k.gate IS NULL OR k.phase > 0) AND (NOT x.pooled OR p.inline OR k.phase > 1
                      OR p.bodies @? '$[*] ? (@.field != "on_error" && @.field != "compensate")'))
      AND x.id = k.execution_id AND x.status IN ('pending', 'running')
      AND p.version_id = k.version_id AND p.node = k.node
      AND (p_queue IS NULL OR p.inline OR k.queue = p_queue)
    RETURNING k, p, x
  LOOP
    v_count := v_count + 1;
    IF (r.x).status = 'pending' THEN
      UPDATE executions_execution
      SET status = 'running', started_at = clock_timestamp(), status_message = ledger_message('running', NULL, NULL)
      WHERE id = (r.k).execution_id AND status = 'pending';
      IF FOUND THEN
        PERFORM ledger_event((r.k).organization_id, (r.k).execution_id, NULL, 'execution_started', '{}');
      END IF;
    END IF;
    RETURN NEXT ledger_payload(r.k, r.p, r.x);
  END LOOP;
  IF v_count < cardinality(p_tasks) AND NOT p_open THEN
    p_tasks := ledger_admit(p_tasks, p_queue);
    IF cardinality(p_tasks) > 0 THEN
      RETURN QUERY SELECT k.payload
                   FROM ledger_take(p_tasks, p_queue, p_worker, p_lease_seconds, true) AS k(payload);
      -- Its run was paused after it had been let through: the slots it was to have go back.
      UPDATE executions_poollease s SET returned_at = clock_timestamp()
      WHERE s.task_id = ANY (p_tasks) AND s.returned_at IS NULL AND s.until IS NULL
        AND EXISTS (SELECT FROM executions_task t WHERE t.id = s.task_id AND t.status = 'dispatched');
    END IF;
  END IF;
END $$;

-- Which of these tasks gates and pools let through. Locks are taken in one order: gates of runs, tasks, pools; a task that
-- somebody else holds is left to them.
CREATE OR REPLACE FUNCTION ledger_admit(p_tasks uuid[], p_queue text) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_tasks uuid[];
  v_gated uuid[];
BEGIN
  PERFORM pg_advisory_xact_lock(1398361683, g.key)
  FROM (SELECT DISTINCT hashtext(t.execution_id::text) AS key FROM executions_task t
        WHERE t.id = ANY (p_tasks) AND t.status = 'dispatched' AND t.gate IS NOT NULL AND t.phase = 0
        ORDER BY 1 OFFSET 0) g;
  v_tasks := ARRAY(
    SELECT t.id FROM executions_task t
    JOIN executions_execution x ON x.id = t.execution_id AND x.status IN ('pending', 'running')
    WHERE t.id = ANY (p_tasks) AND t.status = 'dispatched' AND (t.gate IS NOT NULL OR x.pooled)
      AND (p_queue IS NULL OR t.queue = p_queue)
    ORDER BY t.id FOR UPDATE OF t SKIP LOCKED);
  v_gated := ARRAY(SELECT t.id FROM executions_task t
                   WHERE t.id = ANY (v_tasks) AND t.gate IS NOT NULL AND t.phase = 0);
  IF cardinality(v_gated) > 0 THEN
    v_tasks := ARRAY(SELECT u FROM unnest(v_tasks) u WHERE NOT u = ANY (v_gated)) || ledger_open_gates(v_gated);
  END IF;
  RETURN ledger_open_pools(v_tasks);
END $$;

-- Claim one task for a message. While tasks wait in the backlog of its queue, so many come back to be sent in its place
-- that as many messages are out as before: free slots are always found. The arbiter's lock comes before all others.
CREATE OR REPLACE FUNCTION ledger_claim(
  p_organization uuid, p_task uuid, p_worker text, p_lease_seconds double precision, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_queue text;
  v_granted uuid[] := '{}';
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  -- A claim lost in a crash of the server only means that the step runs again, under another lease.
  PERFORM set_config('synchronous_commit', 'off', true);
  IF EXISTS (SELECT 1 FROM executions_share) THEN
    SELECT t.queue INTO v_queue FROM executions_task t WHERE t.id = p_task;
    v_granted := ledger_topup(v_queue, 1, p_resend);
  END IF;
  RETURN QUERY SELECT p_task, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean, NULL::double precision,
                      NULL::int, NULL::int, NULL::jsonb, k.payload
               FROM ledger_take(ARRAY[p_task], NULL, p_worker, p_lease_seconds) AS k(payload);
  IF NOT FOUND THEN
    -- Its run has been paused meanwhile: resuming brings it back.
    PERFORM ledger_park(t.execution_id, ARRAY[t.id])
    FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
    WHERE t.id = p_task AND t.status = 'dispatched' AND t.held IS NULL AND x.status = 'paused';
  END IF;
  IF cardinality(v_granted) > 0 THEN
    RETURN QUERY SELECT l.*, NULL::jsonb FROM ledger_released(v_granted) l;
  END IF;
END $$;

-- Sign of life: prolong the leases a worker holds. Those that come back are still the caller's; others are lost.
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
    RETURNING t.lease;
END $$;
