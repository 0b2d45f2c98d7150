-- Pools: how many steps may run at once, of a queue, of an organization, or that name the same limit.
--
-- A slot is a row in `executions_poollease`, never a counter. A claim takes its rows, or its task waits in the backlog under
-- the pool that has no room; who returns slots sets them aside for those that wait longest, so that nobody who comes later
-- gets them. A trigger returns what a task has when it stops executing, whoever stops it.
--
-- One lock guards all pools of an organization (of everybody, where a pool holds for the whole installation): a task may need
-- several. It comes after the locks of tasks, and who holds it waits for nothing else.

CREATE OR REPLACE FUNCTION ledger_lock_pools(p_organization uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM executions_pool l WHERE l.organization_id IS NULL) THEN
    PERFORM pg_advisory_xact_lock(1397772108, 0);
  ELSE
    PERFORM pg_advisory_xact_lock(1397772108, hashtext(p_organization::text));
  END IF;
END $$;

-- Whether steps of an organization have to ask at all.
CREATE OR REPLACE FUNCTION ledger_is_pooled(p_organization uuid) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM executions_pool l
                 WHERE (l.organization_id = p_organization OR l.organization_id IS NULL) AND l.kind <> 'model');
END $$;

-- The pools a task needs slots of, and how many. Who asks for more than there is gets all there is.
CREATE OR REPLACE FUNCTION ledger_demands(p_organization uuid, p_queue text, p_limit jsonb)
RETURNS TABLE (pool uuid, cost int) LANGUAGE plpgsql STABLE ROWS 2 AS $$
BEGIN
  RETURN QUERY
    SELECT l.id, CASE l.kind WHEN 'key' THEN least(coalesce((p_limit ->> 'slots')::int, 1), l.slots) ELSE 1 END
    FROM executions_pool l
    WHERE (l.organization_id = p_organization OR l.organization_id IS NULL) AND (l.slots IS NOT NULL OR NOT l.open)
      AND (l.kind = 'organization' OR l.kind = 'queue' AND l.name IN (p_queue, split_part(p_queue, '+', 1))
           OR l.kind = 'key' AND l.name = p_limit ->> 'name')
    ORDER BY l.id;
END $$;

CREATE OR REPLACE FUNCTION ledger_taken(p_pool uuid) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (SELECT coalesce(sum(s.slots), 0) FROM executions_poollease s
          WHERE s.pool_id = p_pool AND s.returned_at IS NULL AND (s.until IS NULL OR s.until > clock_timestamp()));
END $$;

-- The first of a task's pools that has no room for it now; NULL: all have. Who has not been waiting (not p_first) goes behind
-- those that have. Slots set aside for the task are its own.
CREATE OR REPLACE FUNCTION ledger_short_of(p_task uuid, p_organization uuid, p_queue text, p_limit jsonb, p_first boolean)
RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  r record;
BEGIN
  FOR r IN
    SELECT d.pool, d.cost, l.slots, l.open FROM ledger_demands(p_organization, p_queue, p_limit) d
    JOIN executions_pool l ON l.id = d.pool ORDER BY d.pool
  LOOP
    CONTINUE WHEN EXISTS (SELECT 1 FROM executions_poollease s
                          WHERE s.task_id = p_task AND s.pool_id = r.pool AND s.returned_at IS NULL
                            AND s.taken_at IS NULL AND s.until > clock_timestamp());
    IF NOT r.open OR ledger_taken(r.pool) + r.cost > r.slots
       OR NOT p_first AND EXISTS (
         SELECT 1 FROM executions_backlog b JOIN executions_task t ON t.id = b.task_id AND t.status = 'dispatched'
         WHERE b.pool_id = r.pool AND b.task_id <> p_task)
    THEN
      RETURN r.pool;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

-- Slots for a task in all its pools: taken now, or set aside until p_until.
CREATE OR REPLACE FUNCTION ledger_lease_slots(
  p_task uuid, p_organization uuid, p_execution uuid, p_attempt int, p_queue text, p_limit jsonb, p_until timestamptz
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  d record;
  v_now timestamptz := clock_timestamp();
BEGIN
  FOR d IN SELECT * FROM ledger_demands(p_organization, p_queue, p_limit) LOOP
    UPDATE executions_poollease s SET taken_at = CASE WHEN p_until IS NULL THEN v_now END, until = p_until, attempt = p_attempt
    WHERE s.task_id = p_task AND s.pool_id = d.pool AND s.returned_at IS NULL AND s.taken_at IS NULL AND s.until > v_now;
    IF NOT FOUND THEN
      INSERT INTO executions_poollease
        (organization_id, execution_id, pool_id, task_id, attempt, slots, granted_at, taken_at, until)
      VALUES (p_organization, p_execution, d.pool, p_task, p_attempt, d.cost, v_now,
              CASE WHEN p_until IS NULL THEN v_now END, p_until);
    END IF;
    UPDATE executions_pool l SET state = 'active', state_since = v_now, used_at = v_now
    WHERE l.id = d.pool AND l.state <> 'active';
  END LOOP;
END $$;

-- Which of these tasks, whose rows the caller has locked, get the slots they need. The others wait under their pool.
CREATE OR REPLACE FUNCTION ledger_open_pools(p_tasks uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_open uuid[] := '{}';
  v_locked boolean := false;
  v_pool uuid;
  v_scope text := ledger_widen();
  r record;
BEGIN
  FOR r IN
    SELECT t.id, t.organization_id, t.execution_id, t.queue, t.attempt + (t.phase = 0)::int AS attempt, t.held,
           p.options -> 'limit' AS asked, p.rank, x.head_start,
           x.pooled AND NOT p.inline AND t.phase < 2
             AND NOT p.bodies @? '$[*] ? (@.field != "on_error" && @.field != "compensate")' AS subject
    FROM executions_task t
    JOIN executions_execution x ON x.id = t.execution_id
    JOIN executions_plannode p ON p.version_id = t.version_id AND p.node = t.node
    WHERE t.id = ANY (p_tasks) ORDER BY t.id
  LOOP
    IF r.subject AND NOT v_locked THEN
      PERFORM ledger_lock_pools(r.organization_id);
      v_locked := true;
    END IF;
    v_pool := CASE WHEN r.subject THEN ledger_short_of(r.id, r.organization_id, r.queue, r.asked, false) END;
    IF v_pool IS NOT NULL THEN
      PERFORM ledger_block(r.id, r.organization_id, r.execution_id, r.queue, r.rank, r.head_start, v_pool,
                           r.held IS DISTINCT FROM 'limit');
      CONTINUE;
    END IF;
    IF r.subject THEN
      PERFORM ledger_lease_slots(r.id, r.organization_id, r.execution_id, r.attempt, r.queue, r.asked, NULL);
    END IF;
    v_open := v_open || r.id;
  END LOOP;
  PERFORM set_config('app.scope', v_scope, true);
  RETURN v_open;
END $$;

-- A task waits for a pool; p_tell for the first time.
CREATE OR REPLACE FUNCTION ledger_block(
  p_task uuid, p_organization uuid, p_execution uuid, p_queue text, p_rank double precision, p_head_start double precision,
  p_pool uuid, p_tell boolean
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO executions_backlog (task_id, organization_id, execution_id, queue, inline, turn, rank, pool_id, entered_at)
  VALUES (p_task, p_organization, p_execution, p_queue, false, extract(epoch FROM v_now) - p_head_start, p_rank, p_pool, v_now)
  ON CONFLICT (task_id) DO UPDATE SET pool_id = excluded.pool_id;
  UPDATE executions_task t SET held = 'limit', due_at = NULL WHERE t.id = p_task;
  IF p_tell THEN
    INSERT INTO executions_pitoperation
      (organization_id, execution_id, task_id, operation_type, operation_context, resource_allocations, performed_at)
    SELECT p_organization, p_execution, p_task, 'pool_allocation', jsonb_build_object(
             'decision', 'deferred', 'reason', CASE WHEN l.open THEN 'no_slot' ELSE 'closed' END, 'pool', l.id,
             'kind', l.kind, 'name', l.name, 'slots', l.slots, 'taken', ledger_taken(l.id)), '{}', v_now
    FROM executions_pool l WHERE l.id = p_pool;
  END IF;
END $$;

-- Set slots of pools aside for those that wait, longest first; of a pool of the whole installation first those of the
-- organization that has least of it by weight, of several that have nothing the one whose turn is longest ago. Returns tasks that may go: their messages are to be sent at once.
CREATE OR REPLACE FUNCTION ledger_serve_pools(p_pools uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ids uuid[] := '{}';
  v_pool uuid;
  v_short uuid;
  v_shared boolean;
  r record;
BEGIN
  FOREACH v_pool IN ARRAY p_pools LOOP
    v_shared := EXISTS (SELECT 1 FROM executions_pool l WHERE l.id = v_pool AND l.organization_id IS NULL);
    LOOP
      SELECT b.task_id, t.organization_id, t.execution_id, t.queue, t.attempt + (t.phase = 0)::int AS attempt,
             p.options -> 'limit' AS asked
      INTO r
      FROM executions_backlog b
      JOIN executions_task t ON t.id = b.task_id AND t.status = 'dispatched'
      JOIN executions_plannode p ON p.version_id = t.version_id AND p.node = t.node
      LEFT JOIN (SELECT s.organization_id, sum(s.slots) AS slots FROM executions_poollease s
                 WHERE s.pool_id = v_pool AND s.returned_at IS NULL AND (s.until IS NULL OR s.until > clock_timestamp())
                 GROUP BY s.organization_id) s ON s.organization_id = b.organization_id
      LEFT JOIN (SELECT o.organization_id, max(o.id) AS id FROM (
                   SELECT h.organization_id, h.id FROM executions_poollease h
                   WHERE v_shared AND h.pool_id = v_pool ORDER BY h.id DESC LIMIT 200) o
                 GROUP BY o.organization_id) g ON g.organization_id = b.organization_id
      LEFT JOIN executions_execution x ON x.id = b.execution_id
      WHERE b.pool_id = v_pool
      ORDER BY coalesce(s.slots, 0) / x.weight, coalesce(g.id, 0), b.turn LIMIT 1
      -- Whoever holds the task (a run that is resumed) puts it into the backlog again: it is left to them.
      FOR UPDATE OF b, t SKIP LOCKED;
      EXIT WHEN NOT FOUND;
      v_short := ledger_short_of(r.task_id, r.organization_id, r.queue, r.asked, true);
      EXIT WHEN v_short = v_pool;
      IF v_short IS NOT NULL THEN
        UPDATE executions_backlog b SET pool_id = v_short WHERE b.task_id = r.task_id;
        CONTINUE;
      END IF;
      PERFORM ledger_lease_slots(r.task_id, r.organization_id, r.execution_id, r.attempt, r.queue, r.asked,
                                 clock_timestamp() + interval '30 s');
      DELETE FROM executions_backlog b WHERE b.task_id = r.task_id;
      v_ids := v_ids || r.task_id;
    END LOOP;
  END LOOP;
  UPDATE executions_task t SET due_at = clock_timestamp() + interval '10 s' WHERE t.id = ANY (v_ids);
  RETURN v_ids;
END $$;

-- Tasks that had slots have ended: who waits for those? Returns tasks of any organization; ledger_hold sends them.
CREATE OR REPLACE FUNCTION ledger_unblock(p_organization uuid, p_tasks uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_pools uuid[] := ARRAY(SELECT DISTINCT s.pool_id FROM executions_poollease s WHERE s.task_id = ANY (p_tasks) ORDER BY 1);
  v_ids uuid[];
  v_scope text;
BEGIN
  IF cardinality(v_pools) = 0 THEN
    RETURN '{}';
  END IF;
  v_scope := ledger_widen();
  -- Whoever is being turned away just now is waited for, or nobody would ever call it.
  PERFORM ledger_lock_pools(p_organization);
  v_pools := ARRAY(SELECT u FROM unnest(v_pools) u WHERE EXISTS (SELECT 1 FROM executions_backlog b WHERE b.pool_id = u));
  v_ids := ledger_serve_pools(v_pools);
  PERFORM set_config('app.scope', v_scope, true);
  RETURN v_ids;
END $$;

-- The same for all pools that somebody waits for: slots that came back by themselves, limits that were raised.
CREATE OR REPLACE FUNCTION ledger_tend_pools(p_idle_seconds double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ids uuid[] := '{}';
  v_now timestamptz := clock_timestamp();
  r record;
BEGIN
  UPDATE executions_pool l
  SET state_since = v_now,
      state = CASE l.state WHEN 'active' THEN 'ready' WHEN 'ready' THEN 'cooling' ELSE 'unloaded' END,
      used_at = CASE l.state WHEN 'active' THEN v_now ELSE l.used_at END
  WHERE l.id = ANY (ARRAY(
    SELECT o.id FROM executions_pool o
    WHERE o.state = 'active' AND ledger_taken(o.id) = 0
       OR o.state IN ('ready', 'cooling', 'loading', 'warming') AND o.state_since < v_now - make_interval(secs => p_idle_seconds)
    FOR UPDATE SKIP LOCKED));
  UPDATE executions_pool l SET health = 'degraded', recovers_at = NULL
  WHERE l.health = 'unhealthy' AND l.recovers_at < v_now;
  DELETE FROM executions_backlog b WHERE b.task_id = ANY (ARRAY(
    SELECT o.task_id FROM executions_backlog o
    WHERE o.pool_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM executions_task t WHERE t.id = o.task_id AND t.status = 'dispatched')
    -- In the order of the index that has only these: the plan is made when there are no others either.
    ORDER BY o.pool_id FOR UPDATE SKIP LOCKED));
  FOR r IN
    SELECT b.pool_id, min(b.organization_id::text)::uuid AS organization_id FROM executions_backlog b
    WHERE b.pool_id IS NOT NULL GROUP BY b.pool_id ORDER BY b.pool_id
  LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(1397772108, CASE
      WHEN EXISTS (SELECT 1 FROM executions_pool l WHERE l.organization_id IS NULL) THEN 0
      ELSE hashtext(r.organization_id::text) END);
    v_ids := v_ids || ledger_serve_pools(ARRAY[r.pool_id]);
  END LOOP;
  DELETE FROM executions_pooltokens k WHERE k.second < v_now - interval '2 minutes';
  RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(v_ids)) l;
END $$;

-- A task stops executing. Who cancels it cannot know that its step has stopped: its slots stay taken until the worker says
-- so (ledger_pool_stopped), or its lease would have been over.
CREATE OR REPLACE FUNCTION ledger_return_slots() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_scope text := ledger_widen();
BEGIN
  IF NEW.status = 'cancelled' OR NEW.phase = 3 THEN
    UPDATE executions_poollease s SET until = coalesce(OLD.due_at, clock_timestamp())
    WHERE s.task_id = OLD.id AND s.returned_at IS NULL;
  ELSE
    UPDATE executions_poollease s SET returned_at = clock_timestamp() WHERE s.task_id = OLD.id AND s.returned_at IS NULL;
  END IF;
  PERFORM set_config('app.scope', v_scope, true);
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER executions_task_slots AFTER UPDATE OF status ON executions_task FOR EACH ROW
  WHEN (OLD.pooled AND OLD.status = 'executing' AND NEW.status <> 'executing')
  EXECUTE FUNCTION ledger_return_slots();

-- A step that was told to stop has stopped. Returns what may go instead.
CREATE OR REPLACE FUNCTION ledger_pool_stopped(p_organization uuid, p_task uuid, p_attempt int)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision,
               shift int, node int, ahead jsonb)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  UPDATE executions_poollease s SET returned_at = clock_timestamp()
  WHERE s.task_id = p_task AND s.attempt = p_attempt AND s.returned_at IS NULL AND s.taken_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM executions_task t
                    WHERE t.id = p_task AND t.status = 'executing' AND t.attempt = p_attempt);
  IF FOUND THEN
    RETURN QUERY SELECT l.* FROM ledger_released(ledger_hold(ledger_unblock(p_organization, ARRAY[p_task]))) l;
  END IF;
END $$;

-- A pool has come, gone or changed: runs that are under way have to ask from now on, or no longer.
CREATE OR REPLACE FUNCTION ledger_mark_pooled() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_organization uuid := CASE TG_OP WHEN 'DELETE' THEN OLD.organization_id ELSE NEW.organization_id END;
  v_scope text := ledger_widen();
BEGIN
  UPDATE executions_execution x SET pooled = NOT x.pooled
  WHERE x.completed_at IS NULL AND (v_organization IS NULL OR x.organization_id = v_organization)
    AND x.pooled <> ledger_is_pooled(x.organization_id);
  PERFORM set_config('app.scope', v_scope, true);
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER executions_pool_marks AFTER INSERT OR DELETE ON executions_pool FOR EACH ROW
  EXECUTE FUNCTION ledger_mark_pooled();

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION ledger_return_slots() SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION ledger_mark_pooled() SET search_path = %I, pg_temp', current_schema());
END $$;

-- What plans allow at once, as pools of the organizations; those that are not named here have none any more.
CREATE OR REPLACE FUNCTION ledger_keep_plan_pools(p_organizations uuid[], p_slots int[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  DELETE FROM executions_pool l WHERE l.by_plan AND NOT l.organization_id = ANY (p_organizations);
  UPDATE executions_pool l SET slots = w.slots, updated_at = clock_timestamp()
  FROM unnest(p_organizations, p_slots) AS w(id, slots)
  WHERE l.by_plan AND l.organization_id = w.id AND l.slots <> w.slots;
  INSERT INTO executions_pool (id, organization_id, kind, name, slots, by_plan, state, health, updated_at)
  SELECT gen_random_uuid(), w.id, 'organization', '', w.slots, true, 'unloaded', 'unknown', clock_timestamp()
  FROM unnest(p_organizations, p_slots) AS w(id, slots)
  ON CONFLICT ON CONSTRAINT pool_name DO NOTHING;
END $$;
