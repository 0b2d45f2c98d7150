-- The dispatch window: which released tasks are sent, which wait in the backlog until it is their turn.
--
-- A message is a wake-up for a task that has been granted. So few are out at once (`executions_window`: twice the slots of
-- the queue) that the order in which the broker gives them out does not matter; everything else is a row in
-- `executions_backlog`, where it can be ordered, paused, cancelled and explained. A task in the backlog has no `due_at`.

-- See as the sweep does, all organizations; the scope there was comes back, for whoever widens it to set it again before
-- they return. An error takes it back with the transaction.
CREATE OR REPLACE FUNCTION ledger_widen() RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_before text := coalesce(current_setting('app.scope', true), '');
BEGIN
  PERFORM set_config('app.scope', 'sweep', true);
  RETURN v_before;
END $$;

-- Tasks that became ready, as the dispatcher sends them; they may be of any organization.
CREATE OR REPLACE FUNCTION ledger_released(p_tasks uuid[])
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
               node int, ahead jsonb)
LANGUAGE plpgsql STABLE ROWS 16 AS $$
DECLARE
  v_scope text := ledger_widen();
BEGIN
  RETURN QUERY
    SELECT t.id, t.organization_id, t.name, t.kind, t.queue, p.inline, p.rank, t.seq - t.node, t.node, p.ahead
    FROM executions_task t
    JOIN executions_plannode p ON p.version_id = t.version_id AND p.node = t.node
    WHERE t.id = ANY (p_tasks)
    ORDER BY p.rank DESC, t.id;
  PERFORM set_config('app.scope', v_scope, true);
END $$;

-- How many messages are out for a queue, and how many may be. At most p_most are counted beyond the window.
CREATE OR REPLACE FUNCTION ledger_window(p_queue text, p_most int, OUT size int, OUT sent int)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
  v_scope text := ledger_widen();
BEGIN
  size := coalesce((SELECT w.size FROM executions_window w WHERE w.queue = p_queue), 16);
  sent := (SELECT count(*) FROM (
    SELECT 1 FROM executions_task t
    WHERE t.queue = p_queue AND t.status = 'dispatched' AND t.due_at IS NOT NULL AND t.held IS NULL
    LIMIT ledger_window.size + p_most) o);
  PERFORM set_config('app.scope', v_scope, true);
END $$;

-- How many organizations wait for a queue: 0, 1 or 2 for more.
CREATE OR REPLACE FUNCTION ledger_waiting(p_queue text) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
  RETURN (SELECT count(*) FROM (SELECT 1 FROM executions_share s WHERE s.queue = p_queue LIMIT 2) o);
END $$;

-- How many messages may be out while tasks wait in the backlog. Slots that are at work take from there by themselves and look
-- at messages at the end of their slice only: one that is out keeps its task waiting for that, whoever's turn it was. So
-- there are as many as it takes to find slots that have become free.
CREATE OR REPLACE FUNCTION ledger_wakeups(p_size int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT least(greatest(p_size / 8, 2), p_size)
$$;

-- How many of p_released tasks may be sent now. While others wait, those that come go behind them, unless the workers run
-- out of messages. The p_released may look as if they had been sent already.
CREATE OR REPLACE FUNCTION ledger_room(p_queue text, p_released int) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  w record;
BEGIN
  SELECT * INTO w FROM ledger_window(p_queue, p_released);
  w.sent := w.sent - p_released;
  IF ledger_waiting(p_queue) > 0 THEN
    RETURN greatest(ledger_wakeups(w.size) - w.sent, 0);
  END IF;
  RETURN greatest(w.size - w.sent, 0);
END $$;

-- Put tasks of one run, highest rank first, into the backlog of a queue.
-- A run is owed a step every two seconds: its first task here is due now, each further one two seconds later, and priority
-- lets all of them go ahead by `head_start` seconds. That orders the runs of an organization, it ages by itself, and an
-- index has it; which of its tasks a run sends when its turn comes is its own affair (rank).
CREATE OR REPLACE FUNCTION ledger_enter(p_queue text, p_execution uuid, p_tasks uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
  x record;
  v_last double precision;
  v_now timestamptz := clock_timestamp();
  v_scope text := ledger_widen();
BEGIN
  -- Nobody may find the organization's backlog empty, and forget its share, before this is committed.
  PERFORM pg_advisory_xact_lock_shared(1397246283, hashtext(p_queue));
  SELECT e.organization_id, e.head_start, e.weight INTO x FROM executions_execution e WHERE e.id = p_execution;
  SELECT max(b.turn) + x.head_start + 2 INTO v_last FROM executions_backlog b
  WHERE b.execution_id = p_execution AND b.queue = p_queue;
  INSERT INTO executions_backlog AS b (task_id, organization_id, execution_id, queue, inline, turn, rank, entered_at)
  SELECT k.id, x.organization_id, p_execution, p_queue, p.inline,
         greatest(extract(epoch FROM v_now), v_last) - x.head_start + (k.place - 1) * CASE WHEN p.inline THEN 0.1 ELSE 2 END,
         p.rank, v_now
  FROM unnest(p_tasks) WITH ORDINALITY AS k(id, place)
  JOIN executions_task t ON t.id = k.id
  JOIN executions_plannode p ON p.version_id = t.version_id AND p.node = t.node
  -- In one order, whoever else brings some of them in at the same time.
  ORDER BY k.id
  ON CONFLICT (task_id) DO UPDATE SET pool_id = NULL, queue = excluded.queue;
  UPDATE executions_task t SET due_at = NULL WHERE t.id = ANY (p_tasks) AND t.due_at IS NOT NULL;
  -- Who comes has had as much as the one that has had least.
  INSERT INTO executions_share (queue, owner, vtime, weight)
  SELECT p_queue, x.organization_id,
         coalesce((SELECT min(s.vtime) FROM executions_share s WHERE s.queue = p_queue), 0), x.weight
  WHERE NOT EXISTS (SELECT 1 FROM executions_share s WHERE s.queue = p_queue AND s.owner = x.organization_id)
  ON CONFLICT (queue, owner) DO NOTHING;
  IF v_last IS NULL THEN
    INSERT INTO executions_pitoperation
      (organization_id, execution_id, task_id, operation_type, operation_context, resource_allocations, performed_at)
    VALUES (x.organization_id, p_execution, p_tasks[1], 'arbitration',
            jsonb_build_object('decision', 'deferred', 'reason', 'window', 'queue', p_queue, 'tasks', cardinality(p_tasks)),
            '{}', v_now);
  END IF;
  PERFORM set_config('app.scope', v_scope, true);
END $$;

-- Released tasks of a paused run: resuming collects them, so nothing looks at them till then. Whoever resumes holds the run's
-- row and passes over tasks that others hold: who cannot hold the row as well leaves them to the sweep.
CREATE OR REPLACE FUNCTION ledger_park(p_execution uuid, p_tasks uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_status text := (SELECT x.status FROM executions_execution x WHERE x.id = p_execution FOR SHARE SKIP LOCKED);
BEGIN
  UPDATE executions_task t
  SET due_at = CASE WHEN v_status = 'paused' THEN NULL ELSE clock_timestamp() + interval '1 s' END
  WHERE t.id = ANY (p_tasks) AND t.status = 'dispatched';
END $$;

-- Of released tasks, those to be sent now come back; the others are in the backlog. Those of a paused run are neither.
CREATE OR REPLACE FUNCTION ledger_hold(p_released uuid[], p_resend double precision DEFAULT 10) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_sent uuid[] := '{}';
  v_room int;
  v_scope text;
  r record;
BEGIN
  IF cardinality(p_released) = 0 THEN
    RETURN p_released;
  END IF;
  v_scope := ledger_widen();
  FOR r IN
    SELECT t.queue, t.execution_id, x.status, array_agg(t.id ORDER BY p.rank DESC, t.id) AS ids,
           (count(*) FILTER (WHERE t.due_at IS NOT NULL AND t.held IS NULL))::int AS counted,
           bool_and(t.held = 'limit' AND t.due_at IS NOT NULL) AS served
    FROM executions_task t
    JOIN executions_execution x ON x.id = t.execution_id
    JOIN executions_plannode p ON p.version_id = t.version_id AND p.node = t.node
    WHERE t.id = ANY (p_released) AND t.status = 'dispatched'
    -- Those that slots of a pool are set aside for go out at once.
    GROUP BY t.queue, t.execution_id, x.status, coalesce(t.held = 'limit' AND t.due_at IS NOT NULL, false)
  LOOP
    IF r.status = 'paused' THEN
      PERFORM ledger_park(r.execution_id, r.ids);
      CONTINUE;
    END IF;
    v_room := CASE WHEN r.served THEN cardinality(r.ids) ELSE ledger_room(r.queue, r.counted) END;
    IF r.counted < cardinality(r.ids) AND v_room > 0 THEN
      UPDATE executions_task t SET due_at = clock_timestamp() + make_interval(secs => p_resend)
      WHERE t.id = ANY (r.ids[1:v_room]) AND t.due_at IS NULL;
    END IF;
    v_sent := v_sent || r.ids[1:v_room];
    IF v_room < cardinality(r.ids) THEN
      PERFORM ledger_enter(r.queue, r.execution_id, r.ids[v_room + 1:]);
    END IF;
  END LOOP;
  PERFORM set_config('app.scope', v_scope, true);
  RETURN v_sent;
END $$;

-- A run leaves the backlog: it is paused, or over. What another transaction holds just now is dropped by the arbiter.
CREATE OR REPLACE FUNCTION ledger_backlog_leave(p_execution uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_paused boolean := (SELECT x.status = 'paused' FROM executions_execution x WHERE x.id = p_execution);
BEGIN
  DELETE FROM executions_backlog b WHERE b.task_id = ANY (ARRAY(
    SELECT o.task_id FROM executions_backlog o
    WHERE o.execution_id = p_execution
      AND (v_paused OR NOT EXISTS (SELECT 1 FROM executions_task t WHERE t.id = o.task_id AND t.status = 'dispatched'))
    FOR UPDATE SKIP LOCKED));
  IF v_paused THEN
    -- Messages that are out for it wake nobody, so they do not count.
    UPDATE executions_task t SET due_at = NULL WHERE t.id = ANY (ARRAY(
      SELECT o.id FROM executions_task o
      WHERE o.id >= ledger_task_id(p_execution, 0) AND o.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
        AND o.status = 'dispatched' AND o.due_at IS NOT NULL AND o.held IS DISTINCT FROM 'gate'
      FOR UPDATE SKIP LOCKED));
  END IF;
END $$;

-- A run comes back, with all its released tasks but those a gate has turned away. Returns what is to be sent.
CREATE OR REPLACE FUNCTION ledger_backlog_enter(p_execution uuid, p_resend double precision) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN ledger_hold(ARRAY(
    SELECT t.id FROM executions_task t
    WHERE t.id >= ledger_task_id(p_execution, 0) AND t.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
      AND t.status = 'dispatched' AND t.held IS DISTINCT FROM 'gate'
    ORDER BY t.id FOR UPDATE SKIP LOCKED), p_resend);
END $$;

-- Take some of the released tasks along: inline ones, and one other of the caller's queue if its time slice allows it and
-- nobody waits for that queue. One row per task taken or to be sent: with a payload if taken, else as the dispatcher sends it.
CREATE OR REPLACE FUNCTION ledger_hand_over(
  p_released uuid[], p_keep int, p_keep_queue text, p_worker text, p_lease_seconds double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
                 node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_kept uuid[] := '{}';
  v_left uuid[];
  v_free boolean;
BEGIN
  IF cardinality(p_released) = 0 THEN
    RETURN;
  END IF;
  IF p_keep > 0 THEN
    v_free := p_keep_queue <> '' AND ledger_waiting(p_keep_queue) = 0;
    SELECT coalesce(array_agg(c.task_id), '{}') INTO v_kept
    FROM (
      SELECT l.task_id, l.inline, l.queue,
             row_number() OVER (PARTITION BY l.inline, l.queue ORDER BY l.rank DESC, l.task_id) AS place
      FROM ledger_released(p_released) l WHERE l.owner = app_organization_id()
    ) c
    WHERE (c.inline AND c.place <= p_keep) OR (NOT c.inline AND v_free AND c.queue = p_keep_queue AND c.place = 1);
  END IF;
  IF cardinality(v_kept) > 0 THEN
    RETURN QUERY
        SELECT (k.payload ->> 'task')::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
               NULL::double precision, NULL::int, NULL::int, NULL::jsonb, k.payload
        FROM ledger_take(v_kept, p_keep_queue, p_worker, p_lease_seconds) AS k(payload);
  END IF;
  -- Of those kept, one that was turned away waits where it was turned away.
  v_left := ARRAY(
    SELECT u FROM unnest(p_released) u
    WHERE NOT u = ANY (v_kept)
      OR EXISTS (SELECT 1 FROM executions_task t WHERE t.id = u AND t.status = 'dispatched' AND t.held IS NULL));
  IF cardinality(v_left) > 0 THEN
    RETURN QUERY SELECT l.*, NULL::jsonb FROM ledger_released(ledger_hold(v_left)) l;
  END IF;
END $$;

-- Functions that run as the owner of the tables look for them nowhere else.
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION ledger_window(text, int) SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION ledger_waiting(text) SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION ledger_enter(text, uuid, uuid[]) SET search_path = %I, pg_temp', current_schema());
END $$;
