-- Workers: who is there, what they take, what can be run at all, and what a worker hands over when it goes.
--
-- A route is a queue, or a queue and capabilities its worker must have: `steps`, `steps+gpu`, `calls+eu+gpu`.

CREATE OR REPLACE FUNCTION ledger_route_base(p_route text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT split_part(p_route, '+', 1)
$$;

CREATE OR REPLACE FUNCTION ledger_route_needs(p_route text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT (string_to_array(p_route, '+'))[2:]
$$;

-- A sign of life of a worker's parent process. p_worker: {id, name, host, pid, pool, slots, stuck, queues, capabilities,
-- version, state, started_at}. Returns what it is to take messages from: its queues, and the routes in use that it can serve.
CREATE OR REPLACE FUNCTION ledger_beat(p_worker jsonb, p_silence double precision) RETURNS text[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_routes text[];
  w record;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT * INTO w FROM jsonb_to_record(p_worker) AS
    r(id uuid, name text, host text, pid int, pool text, slots int, stuck int, queues text[], capabilities text[],
      version text, state text, started_at timestamptz);
  v_routes := w.queues || ARRAY(
    SELECT r.name FROM executions_route r
    WHERE r.base = ANY (w.queues) AND r.requires <@ w.capabilities ORDER BY r.name);
  INSERT INTO executions_worker AS k
    (id, name, host, pid, pool, slots, stuck, queues, routes, capabilities, version, state, started_at, seen_at, until,
     draining_at)
  VALUES (w.id, w.name, w.host, w.pid, w.pool, w.slots, w.stuck, w.queues, v_routes, w.capabilities, w.version, w.state,
          w.started_at, v_now, v_now + make_interval(secs => p_silence), CASE w.state WHEN 'draining' THEN v_now END)
  ON CONFLICT (name) DO UPDATE
  SET host = excluded.host, pid = excluded.pid, pool = excluded.pool, slots = excluded.slots, stuck = excluded.stuck,
      queues = excluded.queues, routes = excluded.routes, capabilities = excluded.capabilities,
      version = excluded.version, state = excluded.state, started_at = excluded.started_at, seen_at = excluded.seen_at,
      until = excluded.until,
      draining_at = CASE WHEN excluded.state = 'draining' THEN coalesce(k.draining_at, v_now) END;
  -- Messages for its slots may go out at once; that there are fewer slots is for the sweep to find.
  INSERT INTO executions_window AS o (queue, size)
  SELECT r.name, greatest(8, 2 * ledger_workers(r.name)) FROM unnest(v_routes) AS r(name)
  WHERE NOT EXISTS (SELECT 1 FROM executions_window p WHERE p.queue = r.name AND p.size >= 2 * ledger_workers(r.name))
  ORDER BY r.name
  ON CONFLICT ON CONSTRAINT executions_window_pkey DO UPDATE SET size = excluded.size WHERE o.size < excluded.size;
  RETURN v_routes;
END $$;

-- A worker has ended in order. One of the same name that has taken its place meanwhile stays.
CREATE OR REPLACE FUNCTION ledger_leave(p_name text, p_pid int) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE executions_worker SET state = 'gone', until = clock_timestamp(), stuck = 0
  WHERE name = p_name AND pid = p_pid AND state <> 'gone';
END $$;

-- Whether a worker, there or not, takes steps of a route.
CREATE OR REPLACE FUNCTION ledger_serves(w executions_worker, p_route text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT ledger_route_base(p_route) = ANY (w.queues) AND ledger_route_needs(p_route) <@ w.capabilities
$$;

-- How many slots are there for steps of a route just now.
CREATE OR REPLACE FUNCTION ledger_workers(p_queue text) RETURNS int
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT coalesce(sum(greatest(w.slots - w.stuck, 0)), 0)::int FROM executions_worker w
    WHERE w.state = 'online' AND w.until > clock_timestamp() AND ledger_serves(w, p_queue));
END $$;

-- What is known of those who serve a route: {queue, base, requires, slots, stuck, workers: {online, draining, gone}, seen_at}.
CREATE OR REPLACE FUNCTION ledger_queue_state(p_queue text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'queue', p_queue, 'base', ledger_route_base(p_queue), 'requires', ledger_route_needs(p_queue),
      'slots', ledger_workers(p_queue), 'stuck', coalesce(sum(w.stuck) FILTER (WHERE w.now <> 'gone'), 0),
      'workers', jsonb_build_object(
        'online', count(*) FILTER (WHERE w.now = 'online'), 'draining', count(*) FILTER (WHERE w.now = 'draining'),
        'gone', count(*) FILTER (WHERE w.now = 'gone')),
      'seen_at', max(w.seen_at))
    FROM (
      SELECT k.stuck, k.seen_at, CASE WHEN k.until > clock_timestamp() THEN k.state ELSE 'gone' END AS now
      FROM executions_worker k WHERE ledger_serves(k, p_queue)) w);
END $$;

-- The routes of a version's particular steps: those that no worker could ever take come back, each with one of its steps.
-- p_queues and p_capabilities are what is configured; besides counts what any remembered worker serves and has. The others
-- are written down, so that workers begin to take them. `elsewhere`: queues whose workers have what is required.
CREATE OR REPLACE FUNCTION ledger_not_runnable(
  p_version uuid, p_queues text[], p_capabilities text[], p_most_routes int
) RETURNS TABLE (step text, node int, queue text, requires text[], reason text, elsewhere text[])
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_base text;
  r record;
BEGIN
  FOR r IN
    SELECT DISTINCT ON (p.queue) p.queue, p.requires, p.name, p.node FROM executions_plannode p
    WHERE p.version_id = p_version AND p.requires IS NOT NULL
    ORDER BY p.queue, p.node
  LOOP
    v_base := ledger_route_base(r.queue);
    step := r.name; node := r.node; queue := v_base; requires := r.requires; elsewhere := '{}';
    IF NOT v_base = ANY (p_queues) AND NOT EXISTS (SELECT 1 FROM executions_worker w WHERE v_base = ANY (w.queues)) THEN
      reason := 'queue';
      RETURN NEXT;
    ELSIF r.requires <> '{}' AND NOT r.requires <@ p_capabilities
          AND NOT EXISTS (SELECT 1 FROM executions_worker w WHERE ledger_serves(w, r.queue)) THEN
      reason := 'requires';
      elsewhere := ARRAY(SELECT DISTINCT q FROM executions_worker w, unnest(w.queues) q
                         WHERE r.requires <@ w.capabilities ORDER BY 1);
      RETURN NEXT;
    ELSIF r.requires <> '{}' AND NOT ledger_use_route(r.queue, p_most_routes) THEN
      reason := 'routes';
      RETURN NEXT;
    END IF;
  END LOOP;
  RETURN QUERY
    SELECT DISTINCT ON (p.options #>> '{limit,name}') p.name, p.node, p.queue, p.requires, 'limit'::text,
           ARRAY[p.options #>> '{limit,name}']
    FROM executions_plannode p
    WHERE p.version_id = p_version AND p.requires IS NOT NULL AND p.options ? 'limit' AND NOT EXISTS (
      SELECT 1 FROM executions_pool l
      WHERE l.kind = 'key' AND l.name = p.options #>> '{limit,name}'
        AND (l.organization_id = p.organization_id OR l.organization_id IS NULL))
    ORDER BY p.options #>> '{limit,name}', p.node;
END $$;

-- A run needs this route. False: there are as many already as there may be.
CREATE OR REPLACE FUNCTION ledger_use_route(p_route text, p_most int) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE executions_route SET used_at = clock_timestamp()
  WHERE name = p_route AND used_at < clock_timestamp() - interval '1 hour';
  IF FOUND OR EXISTS (SELECT 1 FROM executions_route WHERE name = p_route) THEN
    RETURN true;
  END IF;
  IF (SELECT count(*) FROM executions_route) >= p_most THEN
    RETURN false;
  END IF;
  INSERT INTO executions_route (name, base, requires, used_at)
  VALUES (p_route, ledger_route_base(p_route), ledger_route_needs(p_route), clock_timestamp())
  ON CONFLICT (name) DO NOTHING;
  RETURN true;
END $$;

-- Whoever fell silent is gone; who was not seen for so many days is forgotten, with the routes nothing needs any more.
CREATE OR REPLACE FUNCTION ledger_tidy_workers(p_days double precision) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int;
BEGIN
  UPDATE executions_worker SET state = 'gone', stuck = 0 WHERE state <> 'gone' AND until < clock_timestamp();
  GET DIAGNOSTICS v_count = ROW_COUNT;
  DELETE FROM executions_worker WHERE state = 'gone' AND seen_at < clock_timestamp() - make_interval(secs => p_days * 86400);
  DELETE FROM executions_route r
  WHERE r.used_at < clock_timestamp() - make_interval(secs => p_days * 86400)
    AND NOT EXISTS (
      SELECT 1 FROM executions_execution x
      JOIN executions_task t ON t.id >= ledger_task_id(x.id, 0) AND t.id <= (left(x.id::text, 28) || 'ffffffff')::uuid
      WHERE x.completed_at IS NULL AND t.queue = r.name);
  RETURN v_count;
END $$;

-- A worker gives a task back that it has not ended: it has not failed, and nobody was lost, so that the next claim is the
-- same attempt. Returns what may be claimed now; nothing when the lease is another's already.
CREATE OR REPLACE FUNCTION ledger_give_back(
  p_organization uuid, p_task uuid, p_lease uuid, p_reason text, p_resend double precision
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t executions_task%ROWTYPE;
BEGIN
  UPDATE executions_task k
  SET status = 'dispatched', attempt = k.attempt - (k.phase = 0)::int, lease = NULL, dispatched_at = clock_timestamp(),
      due_at = clock_timestamp() + make_interval(secs => p_resend)
  WHERE k.id = p_task AND k.organization_id = p_organization AND k.lease = p_lease AND k.status = 'executing'
  RETURNING * INTO t;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  PERFORM ledger_event(t.organization_id, t.execution_id, t.id, 'task_handed_over',
                       jsonb_build_object('name', t.name, 'attempt', t.attempt + (t.phase = 0)::int, 'worker', t.worker,
                                          'reason', p_reason));
  RETURN ARRAY[p_task] || CASE WHEN t.gate IS NULL OR t.phase > 0 THEN '{}' ELSE ledger_ungate(t.execution_id, p_resend) END;
END $$;

-- A worker ends and hands over all that its slots still execute. Its steps have not failed and nobody was lost: they
-- begin again elsewhere with the same attempt. Returns what is to be sent. Needs the scope of the sweep.
CREATE OR REPLACE FUNCTION ledger_hand_over_all(p_worker text, p_reason text, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := '{}';
  r record;
BEGIN
  FOR r IN
    SELECT t.id, t.organization_id, t.lease FROM executions_task t
    WHERE t.due_at IS NOT NULL AND t.status = 'executing' AND starts_with(t.worker, p_worker || '/')
    ORDER BY t.id
    FOR UPDATE
  LOOP
    v_released := v_released || ledger_give_back(r.organization_id, r.id, r.lease, p_reason, p_resend);
  END LOOP;
  RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(v_released)) l;
END $$;

-- A slot hands back what it has claimed and not begun.
CREATE OR REPLACE FUNCTION ledger_hand_back(
  p_organization uuid, p_tasks uuid[], p_leases uuid[], p_reason text, p_resend double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
                 shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_released uuid[] := '{}';
  r record;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  FOR r IN SELECT * FROM unnest(p_tasks, p_leases) AS h(task, lease) ORDER BY h.task LOOP
    v_released := v_released || ledger_give_back(p_organization, r.task, r.lease, p_reason, p_resend);
  END LOOP;
  RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(v_released)) l;
END $$;
