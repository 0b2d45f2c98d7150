-- Frames: the child tasks of composite steps.

-- Begin the next frames of a composite task that have not begun, from p_from on, p_count of them: their entry steps are
-- released. In frames that a retry or an earlier run has left half done (p_reopened) also what follows the kept steps.
CREATE OR REPLACE FUNCTION ledger_begin_frames(
  p_parent uuid, p_from int, p_count int, p_reopened boolean, p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_frames uuid[];
  v_execution uuid;
  v_tasks uuid[];
  v_released uuid[];
BEGIN
  IF p_reopened THEN
    WITH begun AS (
      UPDATE executions_frame f SET status = 'running'
      WHERE f.id = ANY (ARRAY(
        SELECT n.id FROM executions_frame n
        WHERE n.parent_task_id = p_parent AND n.index >= p_from AND n.status = 'pending' ORDER BY n.index LIMIT p_count))
      RETURNING f.id, f.execution_id
    )
    SELECT array_agg(b.id), (array_agg(b.execution_id))[1] INTO v_frames, v_execution FROM begun b;
    RETURN CASE WHEN v_frames IS NULL THEN '{}' ELSE ledger_take_up(v_execution, v_frames, p_resend) END;
  END IF;
  WITH begun AS (
    UPDATE executions_frame f SET status = 'running'
    WHERE f.parent_task_id = p_parent AND f.index >= p_from AND f.index < p_from + p_count AND f.status = 'pending'
    RETURNING f.execution_id, f.first, f.size
  )
  SELECT array_agg(ledger_task_id(b.execution_id, s.seq)) INTO v_tasks
  FROM begun b, generate_series(b.first, b.first + b.size - 1) AS s(seq);
  WITH released AS (
    UPDATE executions_task t
    SET status = 'dispatched', dispatched_at = clock_timestamp(),
        due_at = clock_timestamp() + make_interval(secs => p_resend)
    WHERE t.id = ANY (v_tasks) AND t.open = 0 AND t.status = 'pending'
    RETURNING t.id
  )
  SELECT array_agg(id) INTO v_released FROM released;
  RETURN coalesce(v_released, '{}');
END $$;

-- Frames of one composite task have ended: count them off, begin as many others, or wake the task to collect the
-- results. Returns the released tasks.
CREATE OR REPLACE FUNCTION ledger_count_frames(p_parent uuid, p_ended int, p_failed boolean, p_resend double precision)
RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_expansion%ROWTYPE;
  v_held int;
  v_tasks uuid[];
  v_released uuid[] := '{}';
BEGIN
  SELECT * INTO x FROM executions_expansion WHERE task_id = p_parent FOR UPDATE;
  IF p_failed AND x.stop_on_failure AND x.next < x.total THEN
    WITH held AS (
      UPDATE executions_frame h SET status = 'cancelled'
      WHERE h.parent_task_id = p_parent AND h.index >= x.next AND h.status = 'pending'
      RETURNING h.execution_id, h.first, h.size
    )
    SELECT (SELECT count(*) FROM held),
           (SELECT array_agg(ledger_task_id(h.execution_id, s.seq))
            FROM held h, generate_series(h.first, h.first + h.size - 1) AS s(seq))
    INTO v_held, v_tasks;
    UPDATE executions_task t SET status = 'cancelled', completed_at = clock_timestamp(),
        error = jsonb_build_object('code', 'held_back', 'message', 'An earlier iteration failed.')
    WHERE t.id = ANY (v_tasks) AND t.status = 'pending';
    UPDATE executions_expansion SET next = total, remaining = remaining - p_ended - v_held
    WHERE task_id = x.task_id RETURNING * INTO x;
  ELSE
    IF x.next < x.total THEN
      v_released := ledger_begin_frames(x.task_id, x.next, p_ended, x.reopened, p_resend);
    END IF;
    -- Frames that were begun anew leave gaps: the next one is the first that has not begun.
    UPDATE executions_expansion e
    SET next = CASE WHEN e.reopened THEN coalesce((
                 SELECT min(f.index) FROM executions_frame f
                 WHERE f.parent_task_id = e.task_id AND f.index >= e.next AND f.status = 'pending'), e.total)
               ELSE least(e.total, e.next + p_ended) END,
        remaining = remaining - p_ended
    WHERE e.task_id = x.task_id RETURNING * INTO x;
  END IF;
  IF x.remaining = 0 OR x.watch THEN
    UPDATE executions_task SET status = 'dispatched', phase = x.phase, wait = NULL,
        due_at = clock_timestamp() + make_interval(secs => p_resend)
    WHERE id = x.task_id AND status = 'waiting' AND wait = 'frames';
    IF FOUND THEN
      v_released := v_released || x.task_id;
    END IF;
  END IF;
  RETURN v_released;
END $$;

-- Frames have ended, of whatever tasks. Returns the released tasks.
CREATE OR REPLACE FUNCTION ledger_end_frames(p_frames uuid[], p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_stripe record;
  v_ended int;
  v_released uuid[] := '{}';
  r record;
BEGIN
  IF ledger_is_frayed((SELECT f.execution_id FROM executions_frame f WHERE f.id = p_frames[1])) THEN
    p_frames := ledger_closed(p_frames);
  END IF;
  -- One lock order for all: parents, and the stripes of each.
  FOR r IN
    WITH ended AS (
      UPDATE executions_frame f SET status = CASE WHEN f.error IS NULL THEN 'completed' ELSE 'failed' END
      WHERE f.id = ANY (p_frames) AND f.status = 'running' RETURNING f.parent_task_id, f.stripe, f.status
    )
    SELECT e.parent_task_id, e.stripe, count(*)::int AS n, bool_or(e.status = 'failed') AS failed
    FROM ended e GROUP BY e.parent_task_id, e.stripe ORDER BY e.parent_task_id, e.stripe
  LOOP
    v_ended := r.n;
    IF r.stripe IS NOT NULL THEN
      UPDATE executions_stripe s SET open = s.open - r.n
      WHERE s.task_id = r.parent_task_id AND s.stripe = r.stripe RETURNING s.open, s.size INTO v_stripe;
      CONTINUE WHEN v_stripe.open > 0;
      v_ended := v_stripe.size;
    END IF;
    v_released := v_released || ledger_count_frames(r.parent_task_id, v_ended, r.failed, p_resend);
  END LOOP;
  RETURN v_released;
END $$;

-- Whether a round is counted in stripes: where all its frames run at once, and none begins another when it ends, they
-- need not queue up at one row.
CREATE OR REPLACE FUNCTION ledger_is_striped(p_count int, p_limit int, p_watch boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_count > 64 AND p_limit >= p_count AND NOT p_watch
$$;

-- A round of frames below a task: its expansion, frames, tasks from sequence number p_seq on, stripes and variables. The
-- first p_limit frames are begun. Returns their entry tasks.
-- p_frames: [{id, index, body, first, size, label, version, scopes, lineage, home, ancestors, depth, loop, inputs,
-- variables}], `first` and `size` being nodes of the version's plan, the first index p_base.
CREATE OR REPLACE FUNCTION ledger_place(
  t executions_task, x executions_execution, p_frames jsonb, p_seq int, p_base int, p_limit int, p_stop boolean,
  p_watch boolean, p_phase int, p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int := jsonb_array_length(p_frames);
  v_striped boolean := ledger_is_striped(v_count, p_limit, p_watch);
  v_now timestamptz := clock_timestamp();
  v_released uuid[];
BEGIN
  INSERT INTO executions_expansion (task_id, organization_id, execution_id, total, next, remaining, round_first, watch,
                                    phase, stop_on_failure, at_once)
  VALUES (t.id, t.organization_id, t.execution_id, p_base + v_count, p_base + least(p_limit, v_count), v_count, p_base, p_watch,
          p_phase, p_stop, p_limit)
  ON CONFLICT (task_id) DO UPDATE
  SET total = p_base + v_count, next = p_base + least(p_limit, v_count), remaining = v_count, round_first = p_base,
      base = CASE t.phase WHEN 0 THEN p_base ELSE executions_expansion.base END, watch = p_watch, phase = p_phase,
      stop_on_failure = p_stop, at_once = p_limit, reopened = false;
  WITH wanted AS MATERIALIZED (
    SELECT f.*, p_seq + (sum(f.size) OVER (ORDER BY f.index) - f.size)::int AS seq, f.index - p_base < p_limit AS begun
    FROM jsonb_to_recordset(p_frames) AS f(
      id uuid, index int, body smallint, first int, size int, label text, version uuid, scopes int[], lineage uuid[],
      home uuid, ancestors uuid[], depth smallint, loop jsonb, inputs jsonb)
  ), made AS (
    INSERT INTO executions_frame (id, organization_id, execution_id, parent_task_id, index, body, label, first, size,
                                  stripe, lineage, home, version_id, ancestors, depth, loop, inputs, status)
    SELECT w.id, t.organization_id, t.execution_id, t.id, w.index, w.body, coalesce(w.label, ''), w.seq, w.size,
           CASE WHEN v_striped THEN 16 + w.index % 16 END, w.lineage, w.home,
           CASE WHEN w.version <> x.version_id THEN w.version END, w.ancestors, coalesce(w.depth, 0),
           nullif(w.loop, 'null'::jsonb), w.inputs, CASE WHEN w.begun THEN 'running' ELSE 'pending' END
    FROM wanted w
  ), stripes AS (
    INSERT INTO executions_stripe (organization_id, execution_id, task_id, stripe, size, open)
    SELECT t.organization_id, t.execution_id, ledger_task_id(t.execution_id, w.seq + n.node - w.first), s.place - 1,
           s.size, s.size
    FROM wanted w
    JOIN executions_plannode n
      ON n.version_id = w.version AND n.node >= w.first AND n.node < w.first + w.size AND n.stripes <> '{}'
    CROSS JOIN LATERAL unnest(n.stripes) WITH ORDINALITY AS s(size, place)
    WHERE s.size > 0
  ), tasks AS (
    INSERT INTO executions_task (id, organization_id, execution_id, version_id, seq, node, name, kind, queue, status,
                                 open, total, need, wants, frame_id, parent_id, scopes, gate, limits, dispatched_at,
                                 due_at)
    SELECT ledger_task_id(t.execution_id, w.seq + n.node - w.first), t.organization_id, t.execution_id, w.version,
           w.seq + n.node - w.first, n.node, n.name, n.kind, n.queue,
           CASE WHEN w.begun AND n.open = 0 THEN 'dispatched' ELSE 'pending' END, n.open, n.open, n.need, n.wants, w.id,
           t.id, w.scopes || (w.seq - w.first),
           coalesce(n.exclusive, CASE WHEN x.max_parallel IS NOT NULL
             AND NOT n.bodies @? '$[*] ? (@.field != "on_error" && @.field != "compensate")' THEN '*' END),
           n.options -> 'limits',
           CASE WHEN w.begun AND n.open = 0 THEN v_now END,
           CASE WHEN w.begun AND n.open = 0 THEN v_now + make_interval(secs => p_resend) END
    FROM wanted w
    JOIN executions_plannode n ON n.version_id = w.version AND n.node >= w.first AND n.node < w.first + w.size
    RETURNING id, status
  )
  SELECT array_agg(k.id) INTO v_released FROM tasks k WHERE k.status = 'dispatched';
  IF v_striped THEN
    INSERT INTO executions_stripe (organization_id, execution_id, task_id, stripe, size, open)
    SELECT t.organization_id, t.execution_id, t.id, f.stripe, count(*), count(*)
    FROM executions_frame f WHERE f.parent_task_id = t.id AND f.index >= p_base GROUP BY f.stripe
    ON CONFLICT (task_id, stripe) DO UPDATE SET size = excluded.size, open = excluded.open;
  END IF;
  IF p_frames @? '$[*] ? (exists(@.variables))' THEN
    INSERT INTO executions_variable (organization_id, execution_id, scope, name, value)
    SELECT t.organization_id, t.execution_id, (f.value ->> 'id')::uuid, v.key, v.value
    FROM jsonb_array_elements(p_frames) f, jsonb_each(f.value -> 'variables') v;
  END IF;
  RETURN coalesce(v_released, '{}');
END $$;

-- A composite step goes on as child tasks.
-- p_frames: [{body, loop, isolated, inputs, variables, version, size, melody}]; the last three for frames that run
-- another version. p_phase is what the task is woken to, p_error what its error handler handles, p_due its timeout.
-- Nothing happens when the claim is not the caller's any more.
CREATE OR REPLACE FUNCTION ledger_expand(
  p_organization uuid, p_task uuid, p_lease uuid, p_frames jsonb, p_limit int, p_stop boolean, p_watch boolean,
  p_phase int, p_error jsonb, p_due timestamptz, p_events jsonb,
  p_keep int, p_keep_queue text, p_worker text, p_lease_seconds double precision, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
                 node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
  x executions_execution%ROWTYPE;
  f record;
  v_bodies jsonb;
  v_frames jsonb;
  v_count int := jsonb_array_length(p_frames);
  v_total int;
  v_open int;
  v_size int;
  v_released uuid[];
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  UPDATE executions_task k
  SET status = 'waiting', wait = 'frames', lease = NULL, due_at = p_due, error = p_error, carry = NULL
  WHERE k.id = p_task AND k.status = 'executing' AND k.lease = p_lease
    AND NOT (p_phase = 1 AND k.phase > 0 AND coalesce(k.carry ? 'ending', false)) RETURNING * INTO t;
  IF NOT FOUND THEN
    -- To be ended early while it collected: no further round, it collects once more and knows it then.
    UPDATE executions_task k
    SET status = 'dispatched', lease = NULL, due_at = clock_timestamp() + make_interval(secs => p_resend)
    WHERE k.id = p_task AND k.status = 'executing' AND k.lease = p_lease;
    IF FOUND THEN
      RETURN QUERY SELECT l.*, NULL::jsonb FROM ledger_released(ARRAY[p_task]) l;
    END IF;
    RETURN;
  END IF;
  SELECT p.bodies,
         (SELECT sum(coalesce((r.value ->> 'size')::int, (p.bodies -> (r.value ->> 'body')::int ->> 'size')::int))
          FROM jsonb_array_elements(p_frames) r),
         coalesce(e.total, 0), e.remaining
  INTO v_bodies, v_size, v_total, v_open
  FROM executions_plannode p LEFT JOIN executions_expansion e ON e.task_id = t.id
  WHERE p.version_id = t.version_id AND p.node = t.node;
  IF v_open > 0 THEN
    -- A watched round that is given up (its collection failed) must not be counted in the next one.
    PERFORM ledger_cancel_below(t.id, jsonb_build_object('code', 'not_needed', 'message',
      'The step around it went on without it.'));
  END IF;
  SELECT f2.lineage, f2.home, f2.ancestors, f2.depth INTO f FROM executions_frame f2 WHERE f2.id = t.frame_id;
  UPDATE executions_execution e SET next_seq = next_seq + v_size WHERE e.id = t.execution_id RETURNING * INTO x;
  IF x.completed_at IS NOT NULL AND ledger_is_over(t) THEN
    RETURN;
  END IF;
  -- What handles a failure may still run, also where the failure is that there are too many steps.
  IF x.next_seq > x.max_tasks AND p_phase <> 2 THEN
    RAISE EXCEPTION 'too many steps' USING ERRCODE = 'SY001';
  END IF;
  SELECT jsonb_agg(r.value || jsonb_build_object(
           'id', r.id, 'index', v_total + r.ordinality - 1, 'first', coalesce((b.body ->> 'first')::int, 0),
           'size', coalesce(r.value -> 'size', b.body -> 'size'), 'label', b.body -> 'label',
           'version', coalesce(r.value ->> 'version', t.version_id::text),
           'scopes', CASE WHEN r.value ? 'version' THEN '[]' ELSE to_jsonb(t.scopes) END,
           'lineage', CASE WHEN s.isolated THEN to_jsonb(ARRAY[r.id]) ELSE to_jsonb(coalesce(f.lineage, '{}') || r.id) END,
           'home', CASE WHEN s.isolated THEN r.id ELSE f.home END,
           'ancestors', CASE WHEN r.value ? 'melody'
             THEN to_jsonb(coalesce(f.ancestors, ARRAY[x.melody_id]) || (r.value ->> 'melody')::uuid)
             ELSE to_jsonb(f.ancestors) END,
           'depth', coalesce(f.depth, 0) + s.isolated::int))
  INTO v_frames
  FROM (
    SELECT e.value, e.ordinality, gen_random_uuid() AS id FROM jsonb_array_elements(p_frames) WITH ORDINALITY e OFFSET 0
  ) r
  CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT r.value ? 'version' THEN v_bodies -> (r.value ->> 'body')::int END AS body OFFSET 0) b
  CROSS JOIN LATERAL (SELECT coalesce((r.value ->> 'isolated')::boolean, false) AS isolated OFFSET 0) s;
  v_released := ledger_place(t, x, v_frames, x.next_seq - v_size, v_total, p_limit, p_stop, p_watch, p_phase, p_resend);
  IF v_open > 0 THEN
    v_released := v_released || ledger_ungate(t.execution_id, p_resend);
  END IF;
  IF p_events IS NOT NULL THEN
    PERFORM ledger_event(p_organization, t.execution_id, t.id, e.value ->> 0, e.value -> 1)
    FROM jsonb_array_elements(p_events) e;
  END IF;
  IF p_error IS NOT NULL THEN
    PERFORM ledger_event(p_organization, t.execution_id, t.id, 'error_occurred',
                         jsonb_build_object('name', t.name, 'kind', t.kind, 'handled', true) || p_error);
  END IF;
  PERFORM ledger_event(p_organization, t.execution_id, t.id, 'task_expanded',
                       jsonb_build_object('name', t.name, 'frames', v_count, 'tasks', v_size));
  RETURN QUERY SELECT * FROM ledger_hand_over(v_released, p_keep, p_keep_queue, p_worker, p_lease_seconds);
END $$;

-- How the frames of a composite task's last round ended (of the rounds before it with p_earlier), with the results of
-- their steps, for its collection. Frames that have not ended are left out.
CREATE OR REPLACE FUNCTION ledger_frames(p_organization uuid, p_task uuid, p_earlier boolean DEFAULT false)
RETURNS TABLE (index int, body int, label text, status text, loop jsonb, error jsonb, results jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_expansion%ROWTYPE;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  SELECT * INTO x FROM executions_expansion e WHERE e.task_id = p_task;
  RETURN QUERY
    SELECT f.index - x.base, f.body::int, f.label, f.status, f.loop, f.error,
           (SELECT jsonb_object_agg(t.name, jsonb_build_object('output', t.output, 'ref', t.output_ref,
                                                              'status', t.status, 'error', t.error))
            FROM generate_series(f.first, f.first + f.size - 1) AS s(seq)
            CROSS JOIN LATERAL (
              SELECT * FROM executions_task o WHERE o.id = ledger_task_id(f.execution_id, s.seq) OFFSET 0) t
            WHERE t.kind NOT IN ('join', 'compensation'))
    FROM executions_frame f
    WHERE f.parent_task_id = p_task AND f.index >= CASE WHEN p_earlier THEN x.base ELSE x.round_first END
      AND f.index < CASE WHEN p_earlier THEN x.round_first ELSE x.total END AND f.status NOT IN ('pending', 'running')
    ORDER BY f.index;
END $$;

-- The collection of a watching task has seen p_seen frames of the round and wants more. True when more have ended
-- meanwhile: then the task is released again at once.
CREATE OR REPLACE FUNCTION ledger_keep_waiting(
  p_organization uuid, p_task uuid, p_lease uuid, p_seen int, p_due timestamptz, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_expansion%ROWTYPE;
  k executions_task%ROWTYPE;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  SELECT * INTO x FROM executions_expansion e WHERE e.task_id = p_task FOR UPDATE;
  UPDATE executions_task t SET status = 'waiting', wait = 'frames', lease = NULL, due_at = p_due
  WHERE t.id = p_task AND t.status = 'executing' AND t.lease = p_lease RETURNING * INTO k;
  IF NOT FOUND OR p_due IS NULL AND ledger_is_over(k) THEN
    RETURN;
  ELSIF (x.remaining = 0 OR x.total - x.round_first - x.remaining > p_seen) THEN
    UPDATE executions_task t SET status = 'dispatched', phase = x.phase, wait = NULL,
        due_at = clock_timestamp() + make_interval(secs => p_resend)
    WHERE t.id = p_task;
    RETURN QUERY SELECT l.*, NULL::jsonb FROM ledger_released(ARRAY[p_task]) l;
  END IF;
END $$;
