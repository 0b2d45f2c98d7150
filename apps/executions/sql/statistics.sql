-- What the runs of melodies say about them, counted by the sweep.

-- Count anew what has changed since the last count, as many melodies as allowed; how many were counted.
--
-- First every melody with runs that changed is marked: since the last marking, looking back a minute more for transactions
-- that were slow to commit. Then those marked are counted, each at most once a second and for at most a hundredth of the time.
CREATE OR REPLACE FUNCTION ledger_refresh_statistics(p_limit int) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int := 0;
  v_begin timestamptz := clock_timestamp();
  r record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(1398361684, 0) THEN
    RETURN 0;
  END IF;
  INSERT INTO executions_melodystatistics AS s
    (melody_id, organization_id, executions, completed, failed, timed_out, cancelled, cost_ms, marked_at)
  SELECT e.melody_id, e.organization_id, 0, 0, 0, 0, 0, 0, v_begin
  FROM executions_execution e
  WHERE e.updated_at > (SELECT coalesce(max(m.marked_at), '-infinity') FROM executions_melodystatistics m) - interval '1 minute'
  GROUP BY e.melody_id, e.organization_id
  HAVING NOT EXISTS (
    SELECT FROM executions_melodystatistics m
    WHERE m.melody_id = e.melody_id AND (m.stale OR m.refreshed_at > max(e.updated_at) + interval '5 seconds'))
  ORDER BY e.melody_id
  ON CONFLICT (melody_id) DO UPDATE SET stale = true, marked_at = excluded.marked_at;
  FOR r IN
    SELECT m.melody_id FROM executions_melodystatistics m
    WHERE m.stale AND (m.refreshed_at IS NULL OR m.refreshed_at < clock_timestamp() - make_interval(secs => 1 + m.cost_ms / 10))
    ORDER BY m.refreshed_at NULLS FIRST LIMIT p_limit
  LOOP
    v_begin := clock_timestamp();
    UPDATE executions_melodystatistics s
    SET executions = c.total, completed = c.completed, failed = c.failed, timed_out = c.timed_out, cancelled = c.cancelled,
        success_rate = c.completed::float8 / nullif(c.completed + c.failed + c.timed_out, 0), p50_ms = d.p50, p95_ms = d.p95,
        last_started_at = c.started_at, last_completed_at = c.completed_at, refreshed_at = v_begin,
        -- What changed a moment ago may have been in a transaction that this count has not seen.
        stale = coalesce(c.changed_at > v_begin - interval '5 seconds', false)
    FROM (
      SELECT count(*) AS total, count(*) FILTER (WHERE e.status = 'completed') AS completed,
             count(*) FILTER (WHERE e.status = 'failed') AS failed, count(*) FILTER (WHERE e.status = 'timeout') AS timed_out,
             count(*) FILTER (WHERE e.status = 'cancelled') AS cancelled, max(e.started_at) AS started_at,
             max(e.completed_at) AS completed_at, max(e.updated_at) AS changed_at
      FROM executions_execution e WHERE e.melody_id = r.melody_id
    ) AS c, (
      SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY w.ms) AS p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY w.ms) AS p95
      FROM (
        SELECT extract(epoch FROM e.completed_at - e.started_at) * 1000 AS ms FROM executions_execution e
        WHERE e.melody_id = r.melody_id AND e.status = 'completed' ORDER BY e.completed_at DESC NULLS LAST LIMIT 1000) w
    ) AS d
    WHERE s.melody_id = r.melody_id;
    UPDATE executions_melodystatistics s SET cost_ms = extract(epoch FROM clock_timestamp() - v_begin) * 1000
    WHERE s.melody_id = r.melody_id;
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END $$;
