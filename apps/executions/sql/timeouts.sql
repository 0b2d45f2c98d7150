-- Timeouts: the limits of a step's time are moments in its row, and the sweep fails what has passed one.
--
-- `limits` comes from the plan: {queue: released to begun, run: begun to done, beat: between two signs of life, total: all
-- of it with its waiting and further attempts}, in seconds. `held`: how long the present wait in the queue was a pause.

-- Workers keep to the timeout of a run themselves: the ledger steps in only where one did not. Heartbeats are on their
-- way for a moment.
CREATE OR REPLACE FUNCTION ledger_allowance() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT interval '1 second' $$;

-- Keeps `limit_at`: the first moment at which one of the limits has passed. Once a failure is being handled there is none.
CREATE OR REPLACE FUNCTION ledger_limits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  NEW.limit_at := NULL;
  IF NEW.status = 'pending' THEN
    NEW.total_at := NULL;
    NEW.limits := NEW.limits - 'held';
  ELSIF NEW.status IN ('dispatched', 'executing', 'waiting') THEN
    NEW.total_at := coalesce(NEW.total_at, v_now + make_interval(secs => (NEW.limits ->> 'total')::float));
    IF TG_OP = 'UPDATE' AND OLD.status <> NEW.status THEN
      NEW.beat_at := CASE WHEN NEW.status = 'executing' AND NEW.limits ? 'beat' THEN v_now END;
      NEW.limits := NEW.limits - 'held';
    END IF;
    IF NEW.phase = 3 THEN
      -- To be looked at again in case that nobody comes to decide what becomes of it.
      NEW.limit_at := CASE WHEN NEW.status = 'dispatched' THEN v_now + interval '10 seconds' END;
    ELSIF NEW.phase < 2 AND NOT (NEW.status = 'waiting' AND NEW.wait = 'frames' AND NEW.error IS NOT NULL) THEN
      NEW.limit_at := least(
        NEW.total_at,
        CASE WHEN NEW.status = 'dispatched' AND NEW.phase = 0 THEN NEW.dispatched_at + make_interval(secs =>
          (NEW.limits ->> 'queue')::float + coalesce((NEW.limits ->> 'held')::float, 0)) END,
        CASE WHEN NEW.status = 'executing' THEN
          NEW.started_at + make_interval(secs => (NEW.limits ->> 'run')::float) + ledger_allowance() END,
        CASE WHEN NEW.status = 'executing' THEN
          NEW.beat_at + make_interval(secs => (NEW.limits ->> 'beat')::float) + ledger_allowance() END);
    END IF;
  END IF;
  RETURN NEW;
END $$;

-- Tasks without limits, so nearly all of them, do not come here.
CREATE OR REPLACE TRIGGER executions_task_limits
BEFORE INSERT OR UPDATE OF status, limits, total_at, beat_at ON executions_task FOR EACH ROW
WHEN (NEW.limits IS NOT NULL) EXECUTE FUNCTION ledger_limits();

-- The limit a task has passed, as the error it fails with; NULL: none.
CREATE OR REPLACE FUNCTION ledger_passed(t executions_task) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_queue float := (t.limits ->> 'queue')::float;
  v_run float := (t.limits ->> 'run')::float;
  v_beat float := (t.limits ->> 'beat')::float;
BEGIN
  IF t.limits IS NULL OR t.phase > 1 OR t.status = 'waiting' AND t.wait = 'frames' AND t.error IS NOT NULL THEN
    RETURN NULL;
  ELSIF t.total_at <= v_now THEN
    RETURN jsonb_build_object('code', 'total_timeout', 'message', 'The step took longer than the '
      || (t.limits ->> 'total')::float || ' s it may take in all, with its waiting and further attempts.')
      || CASE WHEN t.error IS NULL THEN '{}' ELSE
           jsonb_build_object('details', jsonb_build_object('last_error', t.error - 'details')) END;
  ELSIF t.status = 'dispatched' AND t.phase = 0
        AND t.dispatched_at + make_interval(secs => v_queue + coalesce((t.limits ->> 'held')::float, 0)) <= v_now THEN
    RETURN jsonb_build_object('code', 'queue_timeout', 'message',
      'No worker began the step within ' || v_queue || ' s.');
  ELSIF t.status = 'executing' AND t.started_at + make_interval(secs => v_run) + ledger_allowance() <= v_now THEN
    RETURN jsonb_build_object('code', 'timeout', 'message', 'The step took longer than its timeout of ' || v_run || ' s.');
  ELSIF t.status = 'executing' AND t.beat_at + make_interval(secs => v_beat) + ledger_allowance() <= v_now THEN
    RETURN jsonb_build_object('code', 'heartbeat_timeout', 'message', 'The step gave no sign of life for ' || v_beat
      || ' s.');
  END IF;
  RETURN NULL;
END $$;

-- Whether somebody has to decide what becomes of a failure of this step: a policy, a handler, a variable for its error.
CREATE OR REPLACE FUNCTION ledger_decides(p executions_plannode) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT p.options ? 'retry' OR p.options ? 'error_output'
         OR p.bodies @? '$[*] ? (@.field == "on_error" && @.size > 0)'
$$;

-- A task has failed outside a worker. Whose worker still runs it is fenced off. Its next claim decides what becomes of it
-- (phase 3), or it has failed at once where there is nothing to decide. The caller holds the row. Returns released tasks.
CREATE OR REPLACE FUNCTION ledger_break(p_task uuid, p_error jsonb, p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  p executions_plannode%ROWTYPE;
BEGIN
  SELECT * INTO t FROM executions_task k WHERE k.id = p_task;
  SELECT * INTO p FROM executions_plannode q WHERE q.version_id = t.version_id AND q.node = t.node;
  IF t.phase > 0 OR t.wait = 'frames' THEN
    PERFORM ledger_cancel_below(t.id, jsonb_build_object('code', p_error ->> 'code', 'message',
      'The step around it has failed: ' || (p_error ->> 'message')));
  END IF;
  IF t.phase = 2 OR NOT ledger_decides(p) THEN
    RETURN ledger_conclude(p_task, 'failed', p_error, p_resend);
  END IF;
  UPDATE executions_task k
  SET status = 'dispatched', phase = 3, error = p_error, lease = NULL, held = NULL, wait = NULL,
      dispatched_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => p_resend)
  WHERE k.id = p_task;
  PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_broken', jsonb_build_object(
    'name', t.name, 'attempt', t.attempt, 'worker', t.worker, 'code', p_error ->> 'code'));
  RETURN ARRAY[p_task] || CASE WHEN t.gate IS NULL AND t.phase = 0 THEN '{}'
                               ELSE ledger_ungate(t.execution_id, p_resend) END;
END $$;

-- Signs of life of steps that have a heartbeat timeout, each so many seconds ago.
CREATE OR REPLACE FUNCTION ledger_heartbeats(
  p_organization uuid, p_tasks uuid[], p_leases uuid[], p_ages double precision[]
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE executions_task t SET beat_at = clock_timestamp() - make_interval(secs => h.age)
  FROM unnest(p_tasks, p_leases, p_ages) AS h(task, lease, age)
  WHERE t.id = h.task AND t.lease = h.lease AND t.status = 'executing' AND t.limits ? 'beat'
    AND t.beat_at < clock_timestamp() - make_interval(secs => h.age);
END $$;

-- A pause is over: what waited for a worker meanwhile gets that time on top. p_since: when the pause began.
CREATE OR REPLACE FUNCTION ledger_lengthen(p_execution uuid, p_since timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE executions_task t
  SET total_at = t.total_at + (clock_timestamp() - greatest(p_since, t.dispatched_at)),
      limits = t.limits || jsonb_build_object('held', coalesce((t.limits ->> 'held')::float, 0)
        + extract(epoch FROM clock_timestamp() - greatest(p_since, t.dispatched_at)))
  WHERE t.limits IS NOT NULL AND t.id = ANY (ARRAY(
    SELECT o.id FROM executions_task o
    WHERE o.id >= ledger_task_id(p_execution, 0) AND o.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND o.status = 'dispatched' AND o.limits IS NOT NULL
    ORDER BY o.id FOR UPDATE SKIP LOCKED));
END $$;
