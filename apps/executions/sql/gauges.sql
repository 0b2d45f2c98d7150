-- Gauges: what can be counted of all runs just now, for monitoring. Under `sweeping()` or `staff()`; by indexes that hold
-- only what is under way, so that history costs nothing.

-- How many leases the sweeps have taken back, all of them together: a count that no transaction waits for.
CREATE SEQUENCE IF NOT EXISTS executions_lease_expiries MINVALUE 0 START 0;
GRANT USAGE, SELECT ON SEQUENCE executions_lease_expiries TO symphony_web, symphony_worker;
SELECT nextval('executions_lease_expiries') WHERE NOT (SELECT is_called FROM executions_lease_expiries);

-- queues: tasks of runs that are not paused for which a worker was called, seconds since the oldest was released, and tasks
-- that execute. held: the same of released tasks that wait in the backlog for their turn. waiting: tasks that wait for something outside the engine or for a moment;
-- those that wait for their inner steps only are not counted. overdue_seconds: how long the sweep has left undone what
-- is due. workers: slots by base queue and state. ended: runs that are kept, as the statistics have counted them.
-- organizations (only with p_names): of the hundred with the most steps under way.
CREATE OR REPLACE FUNCTION ledger_gauges(p_names boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_queues jsonb;
  v_tasks jsonb;
  v_waiting jsonb;
  v_overdue double precision;
  v_leases int;
BEGIN
  WITH counted AS MATERIALIZED (
    SELECT t.status, t.queue, t.wait, count(*) AS n,
           count(*) FILTER (WHERE x.status IN ('pending', 'running')) AS ready,
           min(t.dispatched_at) FILTER (WHERE t.status = 'dispatched' AND x.status IN ('pending', 'running')) AS oldest,
           min(t.due_at) FILTER (WHERE t.status IN ('executing', 'waiting')) AS due,
           count(*) FILTER (WHERE t.status = 'executing' AND t.due_at < clock_timestamp()) AS over
    FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
    WHERE t.due_at IS NOT NULL
    GROUP BY t.status, t.queue, t.wait
  )
  SELECT
    (SELECT jsonb_object_agg(q.queue, jsonb_build_object('ready', q.ready, 'executing', q.executing,
                                                         'oldest_seconds', q.oldest_seconds))
     FROM (SELECT c.queue, coalesce(sum(c.ready) FILTER (WHERE c.status = 'dispatched'), 0) AS ready,
                  coalesce(sum(c.n) FILTER (WHERE c.status = 'executing'), 0) AS executing,
                  coalesce(extract(epoch FROM clock_timestamp() - min(c.oldest)), 0) AS oldest_seconds
           FROM counted c GROUP BY c.queue ORDER BY c.queue LIMIT 200) q),
    (SELECT jsonb_object_agg(s.status, s.n) FROM (SELECT c.status, sum(c.n) AS n FROM counted c GROUP BY c.status) s),
    (SELECT jsonb_object_agg(w.wait, w.n) FROM (
       SELECT a.wait, sum(a.n) AS n FROM (
         SELECT c.wait, c.n FROM counted c WHERE c.status = 'waiting' AND c.wait IS NOT NULL
         UNION ALL
         SELECT t.wait, 1 FROM executions_task t
         WHERE t.status = 'waiting' AND t.wait IN ('approval', 'signal') AND t.due_at IS NULL) a
       GROUP BY a.wait) w),
    (SELECT greatest(extract(epoch FROM clock_timestamp() - min(c.due)), 0) FROM counted c),
    (SELECT sum(c.over) FROM counted c)
  INTO v_queues, v_tasks, v_waiting, v_overdue, v_leases;
  RETURN jsonb_build_object(
    'queues', coalesce(v_queues, '{}'), 'tasks', coalesce(v_tasks, '{}'), 'waiting', coalesce(v_waiting, '{}'),
    'held', coalesce((
      SELECT jsonb_object_agg(b.queue, jsonb_build_object('held', b.n, 'oldest_seconds', b.age)) FROM (
        SELECT o.queue, count(*) AS n, extract(epoch FROM clock_timestamp() - min(t.dispatched_at)) AS age
        FROM executions_backlog o JOIN executions_task t ON t.id = o.task_id AND t.status = 'dispatched'
        JOIN executions_execution x ON x.id = o.execution_id AND x.status IN ('pending', 'running')
        GROUP BY o.queue ORDER BY o.queue LIMIT 200) b), '{}'),
    'pools', coalesce((
      SELECT jsonb_object_agg(p.kind, jsonb_build_object('slots', p.slots, 'taken', p.taken)) FROM (
        SELECT k.kind, coalesce(sum(k.slots), 0) AS slots, coalesce(sum(l.taken), 0) AS taken
        FROM executions_pool k LEFT JOIN (
          SELECT e.pool_id, sum(e.slots) AS taken FROM executions_poollease e WHERE e.returned_at IS NULL GROUP BY e.pool_id
        ) l ON l.pool_id = k.id
        GROUP BY k.kind) p), '{}'),
    'overdue_seconds', coalesce(v_overdue, 0), 'leases_over', coalesce(v_leases, 0),
    'lease_expiries', (SELECT last_value FROM executions_lease_expiries),
    'executions', coalesce((
      SELECT jsonb_object_agg(e.status, e.n) FROM (
        SELECT x.status, count(*) AS n FROM executions_execution x
        WHERE x.status IN ('queued', 'pending', 'running', 'paused') GROUP BY x.status) e), '{}'),
    'ended', (
      SELECT jsonb_build_object('completed', coalesce(sum(m.completed), 0), 'failed', coalesce(sum(m.failed), 0),
                                'timeout', coalesce(sum(m.timed_out), 0), 'cancelled', coalesce(sum(m.cancelled), 0))
      FROM executions_melodystatistics m),
    'organizations', CASE WHEN p_names THEN coalesce((
      SELECT jsonb_object_agg(o.slug, jsonb_build_object('ready', o.ready, 'executing', o.executing)) FROM (
        SELECT a.slug, count(*) FILTER (WHERE k.status = 'dispatched') AS ready,
               count(*) FILTER (WHERE k.status = 'executing') AS executing
        FROM (
          SELECT t.organization_id, t.status FROM executions_task t
          WHERE t.due_at IS NOT NULL AND t.status IN ('dispatched', 'executing')
          UNION ALL
          SELECT b.organization_id, 'dispatched' FROM executions_backlog b) k
        JOIN accounts_organization a ON a.id = k.organization_id
        GROUP BY a.slug ORDER BY count(*) DESC LIMIT 100) o), '{}') END,
    'workers', coalesce((
      SELECT jsonb_agg(to_jsonb(w)) FROM (
        SELECT q.queue, k.state, count(*) AS workers, sum(k.slots) AS slots, sum(k.stuck) AS stuck
        FROM executions_worker k CROSS JOIN unnest(k.queues) AS q(queue)
        WHERE k.state <> 'gone' GROUP BY q.queue, k.state ORDER BY q.queue, k.state LIMIT 200) w), '[]'));
END $$;
