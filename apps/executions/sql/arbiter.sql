-- The arbiter: whose turn it is in a queue.
--
-- Between organizations: start-time fair queueing. Each has a row in `executions_share` while it waits, with a virtual time
-- that grows by 1/weight with each grant; the least goes first, and who comes anew begins at the least there is. Inside an
-- organization: the run whose turn is least (see ledger_enter), and of that run the task of the highest rank. The pure model
-- is `workers/pit/arbiter.py`.
--
-- One at a time may arbitrate where several organizations wait: the lock is taken before every other one, and only in short
-- transactions. Where one waits alone nothing has to be counted, and nobody waits for anybody.

CREATE OR REPLACE FUNCTION ledger_arbitrate(p_queue text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF ledger_waiting(p_queue) > 1 THEN
    PERFORM pg_advisory_xact_lock(1397637730, hashtext(p_queue));
  END IF;
END $$;

-- Take the next task out of the backlog (of small steps, up to p_inline of its run). `ids` is empty when there is none.
-- Nothing is waited for: what somebody else holds is passed over.
CREATE OR REPLACE FUNCTION ledger_pick(p_queue text, p_inline int, OUT ids uuid[], OUT owner uuid)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  s record;
  b record;
  v_scope text := ledger_widen();
BEGIN
  ids := '{}';
  FOR s IN
    SELECT k.id, k.owner, k.weight FROM executions_share k WHERE k.queue = p_queue ORDER BY k.vtime, k.id
  LOOP
    LOOP
      SELECT f.task_id AS first, f.execution_id, n.task_id, n.turn, n.inline INTO b
      FROM (
        SELECT o.task_id, o.execution_id FROM executions_backlog o
        WHERE o.queue = p_queue AND o.organization_id = s.owner AND o.pool_id IS NULL
        ORDER BY o.turn LIMIT 1 FOR UPDATE SKIP LOCKED) f
      CROSS JOIN LATERAL (
        SELECT o.task_id, o.turn, o.inline FROM executions_backlog o
        WHERE o.execution_id = f.execution_id AND o.queue = p_queue AND o.pool_id IS NULL
        ORDER BY o.rank DESC, o.turn LIMIT 1 FOR UPDATE SKIP LOCKED) n;
      EXIT WHEN NOT FOUND;
      PERFORM 1 FROM executions_task t WHERE t.id = b.task_id AND t.status = 'dispatched' FOR UPDATE SKIP LOCKED;
      IF FOUND THEN
        ids := ARRAY[b.task_id];
      ELSE
        PERFORM 1 FROM executions_task t WHERE t.id = b.task_id AND t.status = 'dispatched';
        EXIT WHEN FOUND;
      END IF;
      -- The turn belongs to the run: who was to have it gets that of the one that goes instead.
      IF b.task_id <> b.first THEN
        UPDATE executions_backlog o SET turn = b.turn WHERE o.task_id = b.first;
      END IF;
      DELETE FROM executions_backlog o WHERE o.task_id = b.task_id;
      EXIT WHEN cardinality(ids) > 0;
    END LOOP;
    IF cardinality(ids) > 0 THEN
      owner := s.owner;
      IF b.inline AND p_inline > 1 THEN
        ids := ids || ledger_pick_small(b.execution_id, p_queue, p_inline - 1);
      END IF;
      IF EXISTS (SELECT 1 FROM executions_share o WHERE o.queue = p_queue AND o.id <> s.id) THEN
        UPDATE executions_share k SET vtime = k.vtime + (1 + 0.02 * (cardinality(ids) - 1)) / k.weight WHERE k.id = s.id;
      END IF;
      EXIT;
    END IF;
    -- Nothing of it is left, unless somebody is putting something in just now.
    IF NOT EXISTS (SELECT 1 FROM executions_backlog o
                   WHERE o.queue = p_queue AND o.organization_id = s.owner AND o.pool_id IS NULL)
       AND pg_try_advisory_xact_lock(1397246283, hashtext(p_queue))
       AND NOT EXISTS (SELECT 1 FROM executions_backlog o
                       WHERE o.queue = p_queue AND o.organization_id = s.owner AND o.pool_id IS NULL)
    THEN
      DELETE FROM executions_share k WHERE k.id = s.id;
    END IF;
  END LOOP;
  PERFORM set_config('app.scope', v_scope, true);
END $$;

-- More small steps of a run, for one slot to do together.
CREATE OR REPLACE FUNCTION ledger_pick_small(p_execution uuid, p_queue text, p_most int) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ids uuid[];
BEGIN
  v_ids := ARRAY(
    SELECT o.task_id FROM executions_backlog o
    WHERE o.execution_id = p_execution AND o.queue = p_queue AND o.pool_id IS NULL AND o.inline
    ORDER BY o.rank DESC, o.turn LIMIT p_most FOR UPDATE SKIP LOCKED);
  v_ids := ARRAY(
    SELECT t.id FROM executions_task t
    WHERE t.id = ANY (v_ids) AND t.status = 'dispatched' ORDER BY t.id FOR UPDATE SKIP LOCKED);
  DELETE FROM executions_backlog o WHERE o.task_id = ANY (v_ids);
  RETURN v_ids;
END $$;

-- Claim what is next in a queue, of whatever organization: as ledger_take. It works for that organization from here on.
CREATE OR REPLACE FUNCTION ledger_take_turn(p_queue text, p_inline int, p_worker text, p_lease_seconds double precision)
RETURNS SETOF jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  g record;
BEGIN
  FOR i IN 1 .. 8 LOOP
    SELECT * INTO g FROM ledger_pick(p_queue, p_inline);
    EXIT WHEN cardinality(g.ids) = 0;
    PERFORM set_config('app.organization_id', g.owner::text, true);
    RETURN QUERY SELECT k.payload FROM ledger_take(g.ids, NULL, p_worker, p_lease_seconds) AS k(payload);
    EXIT WHEN FOUND;
    -- Of a run that is paused, or over: then the sweep ends it.
    PERFORM ledger_park(k.execution_id, array_agg(k.id)) FROM executions_task k
    WHERE k.id = ANY (g.ids) AND k.status = 'dispatched' AND k.held IS NULL AND k.due_at IS NULL
    GROUP BY k.execution_id;
  END LOOP;
END $$;

-- A slot has nothing to go on with: what is next.
CREATE OR REPLACE FUNCTION ledger_grant(p_queue text, p_inline int, p_worker text, p_lease_seconds double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ledger_arbitrate(p_queue);
  RETURN QUERY
    SELECT (k.payload ->> 'task')::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
           NULL::double precision, NULL::int, NULL::int, NULL::jsonb, k.payload
    FROM ledger_take_turn(p_queue, p_inline, p_worker, p_lease_seconds) AS k(payload);
END $$;

-- Grant tasks to the messages that may go out: as many as there may be while others wait, and p_claimed more, whose messages are
-- about to be claimed. Those that nobody has claimed for p_patience seconds (lost, or all slots are at long steps) count only
-- against the whole window. Returns what is to be sent.
CREATE OR REPLACE FUNCTION ledger_topup(
  p_queue text, p_claimed int, p_resend double precision, p_patience double precision DEFAULT NULL
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_granted uuid[] := '{}';
  v_old int := 0;
  v_scope text;
  w record;
  g record;
BEGIN
  IF ledger_waiting(p_queue) = 0 THEN
    RETURN v_granted;
  END IF;
  v_scope := ledger_widen();
  PERFORM ledger_arbitrate(p_queue);
  SELECT * INTO w FROM ledger_window(p_queue, 0);
  IF p_patience IS NOT NULL THEN
    v_old := (SELECT count(*) FROM executions_task t
              WHERE t.queue = p_queue AND t.status = 'dispatched' AND t.held IS NULL
                AND t.due_at < clock_timestamp() + make_interval(secs => p_resend - p_patience));
  END IF;
  FOR i IN 1 .. least(ledger_wakeups(w.size) + p_claimed + v_old, w.size + p_claimed) - w.sent LOOP
    SELECT * INTO g FROM ledger_pick(p_queue, 1);
    EXIT WHEN cardinality(g.ids) = 0;
    v_granted := v_granted || g.ids;
  END LOOP;
  UPDATE executions_task t SET sends = 0, due_at = clock_timestamp() + make_interval(secs => p_resend)
  WHERE t.id = ANY (v_granted);
  PERFORM set_config('app.scope', v_scope, true);
  RETURN v_granted;
END $$;

-- What the sweep does for a queue: its window follows the slots that are there, and messages go out while there is room.
CREATE OR REPLACE FUNCTION ledger_tend(p_queue text, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_size int := greatest(8, 2 * ledger_workers(p_queue));
  v_granted uuid[];
BEGIN
  INSERT INTO executions_window AS w (queue, size) SELECT p_queue, v_size
  WHERE NOT EXISTS (SELECT 1 FROM executions_window o WHERE o.queue = p_queue AND o.size = v_size)
  ON CONFLICT ON CONSTRAINT executions_window_pkey DO UPDATE SET size = excluded.size;
  v_granted := ledger_topup(p_queue, 0, p_resend, p_patience => 2);
  RETURN QUERY SELECT l.* FROM ledger_released(v_granted) l;
END $$;

-- Another priority for a run in flight: its tasks in the backlog move with it.
CREATE OR REPLACE FUNCTION ledger_prioritize(p_execution uuid, p_priority int, p_head_start double precision)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_before double precision;
BEGIN
  SELECT x.head_start INTO v_before FROM executions_execution x WHERE x.id = p_execution FOR UPDATE;
  UPDATE executions_execution SET priority = p_priority, head_start = p_head_start WHERE id = p_execution;
  UPDATE executions_backlog b SET turn = b.turn + v_before - p_head_start
  WHERE b.task_id = ANY (ARRAY(SELECT o.task_id FROM executions_backlog o WHERE o.execution_id = p_execution FOR UPDATE SKIP LOCKED));
END $$;
