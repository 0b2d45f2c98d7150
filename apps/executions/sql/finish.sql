-- Finishing: outcomes of workers, with their artifacts and variables, and timers.

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

CREATE OR REPLACE FUNCTION ledger_set_variables(p_organization uuid, p_execution uuid, p_outcome jsonb) RETURNS void
LANGUAGE sql VOLATILE AS $$
  INSERT INTO executions_variable (organization_id, execution_id, scope, name, value)
  SELECT p_organization, p_execution,
         coalesce((p_outcome ->> 'scope')::uuid, '00000000-0000-0000-0000-000000000000'), v.key, v.value
  FROM jsonb_each(p_outcome -> 'variables') v
  ORDER BY v.key
  ON CONFLICT (execution_id, scope, name) DO UPDATE SET value = excluded.value
$$;

-- What outcomes do besides ending their own task. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_besides(
  p_organization uuid, p_execution uuid, p_outcomes jsonb, p_recorded uuid[], p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := '{}';
  r record;
BEGIN
  FOR r IN
    SELECT o.*, t.name, t.frame_id FROM jsonb_to_recordset(p_outcomes) AS
      o(task uuid, error jsonb, below boolean, cancel int[], complete int[], run text, message text)
    JOIN executions_task t ON t.id = o.task
    WHERE o.task = ANY (p_recorded)
  LOOP
    IF r.below THEN
      PERFORM ledger_cancel_below(r.task, jsonb_build_object('code', 'not_needed', 'message',
        'The step around it ended before.'));
    END IF;
    IF r.cancel IS NOT NULL OR r.complete IS NOT NULL THEN
      v_released := v_released || ledger_withdraw_steps(p_execution, r.name, r.cancel, r.complete, p_resend);
    END IF;
    IF r.run IS NOT NULL THEN
      v_released := v_released || ledger_stop(p_execution, r.frame_id, r.name, r.run, r.error, r.message, p_resend);
    END IF;
  END LOOP;
  RETURN v_released;
END $$;

-- What a slot that has nothing to go on with takes from the backlog of its queue. Where several organizations wait it has to
-- ask the arbiter, whose lock must not be held while this transaction is written to disk: kind `waiting` tells it to.
CREATE OR REPLACE FUNCTION ledger_take_next(p_keep int, p_queue text, p_worker text, p_lease_seconds double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
               node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  CASE (SELECT count(*) FROM (SELECT 1 FROM executions_share s WHERE s.queue = p_queue LIMIT 2) o)
    WHEN 0 THEN
      NULL;
    WHEN 1 THEN
      RETURN QUERY
        SELECT (k.payload ->> 'task')::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
               NULL::double precision, NULL::int, NULL::int, NULL::jsonb, k.payload
        FROM ledger_take_turn(p_queue, p_keep, p_worker, p_lease_seconds) AS k(payload);
    ELSE
      RETURN QUERY SELECT NULL::uuid, NULL::uuid, NULL::text, 'waiting'::text, p_queue, NULL::boolean,
                          NULL::double precision, NULL::int, NULL::int, NULL::jsonb, NULL::jsonb;
  END CASE;
END $$;

-- Record outcomes of one worker, all of the same run and version, and let go what they let go.
-- p_outcomes: [{task, attempt, lease, status, output, ref, error, cpu, memory, events: [[type, payload]], artifacts, variables,
-- below, cancel, complete, run}]. `below`: frames that have not ended are cancelled; `cancel`, `complete`: see
-- ledger_withdraw_steps; `run`: see ledger_stop.
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
  v_striped boolean := false;
  v_gated boolean := false;
  v_pooled boolean := false;
  v_more boolean := p_outcomes @? '$[*] ? (exists(@.below) || exists(@.cancel) || exists(@.complete) || exists(@.run))';
  v_effect text;
  o record;
  p record;
  r record;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  FOR o IN
    SELECT * FROM jsonb_to_recordset(p_outcomes) AS
      x(task uuid, attempt int, lease uuid, status text, output jsonb, ref text, error jsonb, cpu int, memory int)
  LOOP
    UPDATE executions_task t
    SET status = o.status, output = o.output, output_ref = o.ref, error = o.error, lease = NULL, due_at = NULL,
        carry = NULL, cpu_ms = o.cpu, memory_kb = o.memory, completed_at = clock_timestamp()
    FROM executions_plannode q
    WHERE t.id = o.task AND t.status = 'executing' AND t.lease = o.lease AND t.attempt = o.attempt
      AND q.version_id = t.version_id AND q.node = t.node
    RETURNING t.id, t.execution_id, t.version_id, t.seq, t.node, t.frame_id, t.name, t.status, t.error, t.gate, t.pooled,
              q.tolerates, q.handled, q.ends, q.successors, q.edge_on INTO r;
    CONTINUE WHEN NOT FOUND;
    p := r;
    v_gated := v_gated OR r.gate IS NOT NULL;
    v_pooled := v_pooled OR r.pooled;
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
      PERFORM ledger_keep_artifacts(p_organization, v_execution, r.task, (r.outcome ->> 'attempt')::int,
                                    r.outcome -> 'artifacts');
      PERFORM ledger_set_variables(p_organization, v_execution, r.outcome);
    END LOOP;
  END IF;
  -- The commonest case by far in one statement: one step has ended, it leads to one other, which becomes ready (and is
  -- taken along) or waits for more. Whatever else it is, the statement finds nothing and the general rules follow.
  IF p_keep > 0 AND cardinality(v_ids) = 1 AND NOT p.ends AND cardinality(p.successors) = 1 AND p.edge_on[1] < 8
     AND NOT v_gated AND NOT v_pooled AND NOT v_more THEN
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
      AND k.need = k.total AND k.kind <> 'join' AND k.gate IS NULL AND k.kept_from IS NULL AND x.id = v_execution AND x.status = 'running'
      AND q.version_id = v_version AND q.node = p.successors[1]
      AND (k.open > 1 OR (q.inline OR k.queue = p_keep_queue AND (
             NOT x.pooled OR q.bodies @? '$[*] ? (@.field != "on_error" && @.field != "compensate")')
                          AND NOT EXISTS (SELECT 1 FROM executions_share s WHERE s.queue = p_keep_queue))
           AND ledger_verdict(0, k.met + (v_effect = 'm')::int, k.neutral + (v_effect = 'n')::int,
                              k.hard + (v_effect = 'h')::int, k.total, k.need, k.wants) = 'r')
    RETURNING k, q, x INTO r;
    IF FOUND THEN
      IF (r.k).status = 'executing' THEN
        task_id := (r.k).id;
        payload := ledger_payload(r.k, r.q, r.x);
        RETURN NEXT;
        RETURN;
      END IF;
      v_nodes := '{}';
    END IF;
  END IF;
  -- A stripe of a wide join stays locked until this is on disk, and others want it: what is next is taken before that.
  v_striped := p_keep > 0 AND cardinality(v_ids) = 1 AND cardinality(p.successors) = 1 AND p.edge_on[1] >= 8
               AND NOT v_gated AND NOT v_pooled AND NOT v_more;
  IF v_striped THEN
    RETURN QUERY SELECT n.* FROM ledger_take_next(p_keep, p_keep_queue, p_worker, p_lease_seconds) n;
    v_taken := FOUND;
    PERFORM set_config('app.organization_id', p_organization::text, true);
  END IF;
  -- First what a step takes with it: one that ends the run says how, also when it is the run's last.
  v_released := CASE WHEN v_more THEN ledger_besides(p_organization, v_execution, p_outcomes, v_ids, p_resend)
                ELSE '{}' END;
  v_released := v_released || ledger_settle(p_organization, v_execution, v_version, v_shifts, v_nodes, v_codes, v_frames,
                                            v_ends, p_resend);
  IF v_gated OR v_more THEN
    v_released := v_released || ledger_ungate(v_execution, p_resend);
  END IF;
  IF v_pooled THEN
    v_released := v_released || ledger_unblock(p_organization, v_ids);
  END IF;
  FOR r IN
    SELECT * FROM ledger_hand_over(v_released, CASE WHEN v_taken THEN 0 ELSE p_keep END, p_keep_queue, p_worker,
                                   p_lease_seconds) h
    WHERE cardinality(v_released) > 0
  LOOP
    v_taken := v_taken OR r.payload IS NOT NULL;
    task_id := r.task_id; owner := r.owner; name := r.name; kind := r.kind; queue := r.queue; inline := r.inline;
    rank := r.rank; shift := r.shift; node := r.node; ahead := r.ahead; payload := r.payload;
    RETURN NEXT;
  END LOOP;
  IF p_keep > 0 AND NOT v_taken AND NOT v_striped THEN
    RETURN QUERY SELECT n.* FROM ledger_take_next(p_keep, p_keep_queue, p_worker, p_lease_seconds) n;
  END IF;
END $$;

-- As ledger_finish, by a slot beside which a message waits: left with nothing to go on with, it claims the message's task in the
-- same transaction. While tasks wait in a backlog the arbiter has a say in that, whose lock comes before all others, and
-- the message takes its own way.
CREATE OR REPLACE FUNCTION ledger_finish_and_claim(
  p_organization uuid, p_outcomes jsonb, p_keep int, p_keep_queue text, p_worker text,
  p_lease_seconds double precision, p_resend double precision, p_next_organization uuid, p_next uuid
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
                 node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_idle boolean := true;
  r record;
BEGIN
  FOR r IN
    SELECT * FROM ledger_finish(p_organization, p_outcomes, p_keep, p_keep_queue, p_worker, p_lease_seconds, p_resend)
  LOOP
    v_idle := v_idle AND r.payload IS NULL AND r.kind IS DISTINCT FROM 'waiting';
    task_id := r.task_id; owner := r.owner; name := r.name; kind := r.kind; queue := r.queue; inline := r.inline;
    rank := r.rank; shift := r.shift; node := r.node; ahead := r.ahead; payload := r.payload;
    RETURN NEXT;
  END LOOP;
  IF NOT v_idle OR EXISTS (SELECT 1 FROM executions_share) THEN
    RETURN;
  END IF;
  PERFORM set_config('app.organization_id', p_next_organization::text, true);
  -- Nothing is waited for, and gates and pools are left alone: their locks come before those this transaction has.
  PERFORM 1 FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
  WHERE t.id = p_next AND t.status = 'dispatched' AND (t.gate IS NULL OR t.phase > 0) AND NOT x.pooled
  FOR UPDATE OF t SKIP LOCKED;
  IF FOUND THEN
    RETURN QUERY
      SELECT (k.payload ->> 'task')::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
             NULL::double precision, NULL::int, NULL::int, NULL::jsonb, k.payload
      FROM ledger_take(ARRAY[p_next], NULL, p_worker, p_lease_seconds) AS k(payload);
  END IF;
END $$;
