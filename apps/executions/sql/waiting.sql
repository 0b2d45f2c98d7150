-- Waiting: a claimed task goes on as a row, for a moment, a further attempt, people, or a signal.

-- p_reason timer: completed with p_output when due. retry: run again when due, p_error says why. approval, signal: woken
-- by ledger_decide, ledger_signal, or when due; p_key is what it waits for, p_carry what its next claim finds, with
-- `on_due` the phase it is woken to then. Returns what is released at once: a signal may have come before.
CREATE OR REPLACE FUNCTION ledger_wait(
  p_organization uuid, p_task uuid, p_lease uuid, p_reason text, p_key text, p_due timestamptz, p_output jsonb,
  p_carry jsonb, p_error jsonb, p_events jsonb, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  v_signal record;
  v_released uuid[] := '{}';
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  IF p_reason = 'signal' THEN
    PERFORM ledger_lock_signals(k.execution_id, p_key) FROM executions_task k WHERE k.id = p_task;
  END IF;
  UPDATE executions_task k
  SET status = 'waiting', wait = p_reason, wait_key = p_key, lease = NULL, due_at = p_due, output = p_output,
      error = CASE p_reason WHEN 'retry' THEN p_error END, carry = p_carry,
      phase = CASE p_reason WHEN 'retry' THEN 0 ELSE k.phase END,
      retries = k.retries + (p_reason = 'retry')::int, begun_at = coalesce(k.begun_at, k.started_at)
  WHERE k.id = p_task AND k.status = 'executing' AND k.lease = p_lease RETURNING * INTO t;
  IF NOT FOUND OR p_due IS NULL AND ledger_is_over(t) THEN
    RETURN;
  END IF;
  INSERT INTO executions_event (organization_id, execution_id, task_id, position, event_type, payload, occurred_at)
  SELECT p_organization, t.execution_id, t.id, pg_current_xact_id()::text::bigint, e.value ->> 0, e.value -> 1,
         clock_timestamp()
  FROM jsonb_array_elements(p_events) e;
  PERFORM ledger_event(p_organization, t.execution_id, p_task,
                       CASE p_reason WHEN 'retry' THEN 'task_retrying' ELSE 'task_waiting' END,
                       jsonb_strip_nulls(jsonb_build_object('name', t.name, 'for', p_reason, 'key', p_key,
                         'until', p_due, 'attempt', t.attempt)) || coalesce(p_error, '{}'));
  IF p_reason = 'retry' THEN
    PERFORM ledger_cancel_below(t.id, jsonb_build_object('code', 'not_needed', 'message', 'The step is tried again.'));
  ELSIF p_reason = 'signal' AND coalesce((p_carry ->> 'buffered')::boolean, true) THEN
    SELECT s.id, s.payload, s.received_at INTO v_signal FROM executions_signal s
    WHERE s.execution_id = t.execution_id AND s.name = p_key AND s.consumed_by IS NULL
    ORDER BY s.received_at, s.id LIMIT 1;
    IF FOUND THEN
      UPDATE executions_signal s SET consumed_by = t.id WHERE s.id = v_signal.id;
      v_released := ledger_wake(t.id, 1, jsonb_build_object('payload', v_signal.payload, 'received_at',
                                                            v_signal.received_at), p_resend);
    END IF;
  END IF;
  IF t.gate IS NOT NULL OR p_reason = 'retry' THEN
    v_released := v_released || ledger_ungate(t.execution_id, p_resend);
  END IF;
  RETURN QUERY SELECT l.*, NULL::jsonb FROM ledger_released(v_released) l WHERE cardinality(v_released) > 0;
END $$;

-- A task begins to wait without an end while its run is cancelled: the cancellation has passed over a row that was locked,
-- and nothing would ever look at it again. True when it has been cancelled here.
CREATE OR REPLACE FUNCTION ledger_is_over(t executions_task) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM executions_execution x WHERE x.id = t.execution_id AND x.completed_at IS NULL FOR SHARE;
  IF FOUND THEN
    RETURN false;
  END IF;
  UPDATE executions_task
  SET status = 'cancelled', completed_at = clock_timestamp(), lease = NULL, due_at = NULL, held = NULL, wait = NULL,
      error = jsonb_build_object('code', 'execution_over', 'message', 'The execution was over before this step.')
  WHERE id = t.id;
  RETURN true;
END $$;

CREATE OR REPLACE FUNCTION ledger_lock_signals(p_execution uuid, p_name text) RETURNS void
LANGUAGE sql VOLATILE AS $$
  SELECT pg_advisory_xact_lock(1397311308, hashtext(p_execution::text || p_name))
$$;

-- What a task waited for has happened: its next claim finds it in `carry`.
CREATE OR REPLACE FUNCTION ledger_wake(p_task uuid, p_phase int, p_happened jsonb, p_resend double precision)
RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE executions_task t
  SET status = 'dispatched', phase = p_phase, wait = NULL, dispatched_at = clock_timestamp(),
      carry = coalesce(t.carry, '{}') || jsonb_build_object('happened', p_happened),
      due_at = clock_timestamp() + make_interval(secs => p_resend)
  WHERE t.id = p_task AND t.status = 'waiting';
  RETURN CASE WHEN FOUND THEN ARRAY[p_task] ELSE '{}' END;
END $$;

-- The decisions on a task's present round of asking, oldest first.
CREATE OR REPLACE FUNCTION ledger_decisions(p_task uuid, p_attempt int) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('user', d.person, 'role', d.role, 'decision', d.decision, 'comment',
                                               d.comment, 'at', d.decided_at) ORDER BY d.id), '[]')
  FROM executions_decision d
  WHERE d.task_id = p_task AND d.attempt = p_attempt
$$;

-- Somebody decides on a task that waits for approval. The caller has checked that they may. `outcome` is recorded,
-- decided (the step goes on), already (this person has decided) or not_waiting.
CREATE OR REPLACE FUNCTION ledger_decide(
  p_id uuid, p_task uuid, p_user uuid, p_person text, p_role text, p_decision text, p_comment text, p_resend double precision
) RETURNS TABLE (outcome text, task_id uuid, owner uuid, name text, kind text, queue text, inline boolean,
                 rank double precision, shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  v_decisions jsonb;
  v_approvals int;
BEGIN
  SELECT * INTO t FROM executions_task k
  WHERE k.id = p_task AND k.status = 'waiting' AND k.wait = 'approval' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'not_waiting'::text, NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
                        NULL::double precision, NULL::int, NULL::int, NULL::jsonb;
    RETURN;
  END IF;
  INSERT INTO executions_decision (id, organization_id, execution_id, task_id, attempt, user_id, person, role, decision,
                                   comment, decided_at)
  VALUES (p_id, t.organization_id, t.execution_id, t.id, t.attempt, p_user, p_person, p_role, p_decision, p_comment,
          clock_timestamp())
  ON CONFLICT ON CONSTRAINT decision_once DO NOTHING;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'already'::text, NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
                        NULL::double precision, NULL::int, NULL::int, NULL::jsonb;
    RETURN;
  END IF;
  PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_decided',
                       jsonb_build_object('name', t.name, 'decision', p_decision, 'role', p_role, 'user', p_person));
  v_decisions := ledger_decisions(t.id, t.attempt);
  SELECT count(*) INTO v_approvals FROM jsonb_array_elements(v_decisions) d WHERE d.value ->> 'decision' = 'approve';
  IF p_decision = 'approve' AND v_approvals < coalesce((t.carry ->> 'quorum')::int, 1) THEN
    RETURN QUERY SELECT 'recorded'::text, NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
                        NULL::double precision, NULL::int, NULL::int, NULL::jsonb;
    RETURN;
  END IF;
  RETURN QUERY SELECT 'decided'::text, l.* FROM ledger_released(
    ledger_wake(t.id, 1, jsonb_build_object('decisions', v_decisions), p_resend)) l;
END $$;

-- A run is told something by name: the step that has waited for it longest goes on (all of them with p_broadcast), or
-- it is kept until one waits.
CREATE OR REPLACE FUNCTION ledger_signal(
  p_id uuid, p_organization uuid, p_execution uuid, p_name text, p_payload jsonb, p_user uuid, p_broadcast boolean,
  p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := '{}';
  v_task uuid;
BEGIN
  PERFORM ledger_lock_signals(p_execution, p_name);
  INSERT INTO executions_signal (id, organization_id, execution_id, name, payload, sent_by_id, received_at)
  VALUES (p_id, p_organization, p_execution, p_name, p_payload, p_user, clock_timestamp())
  ON CONFLICT (id) DO NOTHING;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  FOR v_task IN
    SELECT t.id FROM executions_task t
    WHERE t.organization_id = p_organization AND t.execution_id = p_execution AND t.status = 'waiting'
      AND t.wait = 'signal' AND t.wait_key = p_name
    ORDER BY t.started_at, t.id LIMIT CASE WHEN p_broadcast THEN NULL ELSE 1 END
    FOR UPDATE
  LOOP
    v_released := v_released || ledger_wake(v_task, 1, jsonb_build_object('payload', p_payload, 'received_at',
                                                                          clock_timestamp()), p_resend);
  END LOOP;
  UPDATE executions_signal s SET consumed_by = v_released[1] WHERE s.id = p_id AND cardinality(v_released) > 0;
  PERFORM ledger_event(p_organization, p_execution, v_released[1], 'signal_received',
                       jsonb_build_object('signal', p_name, 'waking', cardinality(v_released)));
  RETURN QUERY SELECT l.* FROM ledger_released(v_released) l WHERE cardinality(v_released) > 0;
END $$;

-- Sign of life with something to tell: an event while the step runs, refused when the task is not the caller's any more.
CREATE OR REPLACE FUNCTION ledger_progress(
  p_organization uuid, p_task uuid, p_lease uuid, p_type text, p_payload jsonb
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  r record;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT t.execution_id, t.limits ? 'beat' AS beats INTO r FROM executions_task t
  WHERE t.id = p_task AND t.lease = p_lease AND t.status = 'executing';
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF r.beats THEN
    UPDATE executions_task t SET beat_at = clock_timestamp()
    WHERE t.id = p_task AND t.lease = p_lease AND t.status = 'executing';
  END IF;
  PERFORM ledger_event(p_organization, r.execution_id, p_task, p_type, p_payload);
  RETURN true;
END $$;

-- All variables a task can see.
CREATE OR REPLACE FUNCTION ledger_visible(p_organization uuid, p_task uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t record;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  SELECT k.execution_id, f.lineage, f.home INTO t FROM executions_task k
  LEFT JOIN executions_frame f ON f.id = k.frame_id WHERE k.id = p_task;
  RETURN ledger_variables(t.execution_id, t.lineage, t.home, ARRAY(
    SELECT DISTINCT w.name FROM executions_variable w WHERE w.execution_id = t.execution_id));
END $$;

-- Add to a record that is kept beyond the run.
CREATE OR REPLACE FUNCTION ledger_remember(p_organization uuid, p_scope uuid, p_name text, p_record jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  INSERT INTO executions_conversation (organization_id, scope, name, record, created_at, updated_at)
  VALUES (p_organization, p_scope, p_name, p_record, clock_timestamp(), clock_timestamp())
  ON CONFLICT ON CONSTRAINT conversation_name
  DO UPDATE SET record = executions_conversation.record || excluded.record, updated_at = clock_timestamp();
END $$;
