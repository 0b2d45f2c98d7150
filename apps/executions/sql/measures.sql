-- What a run has used and how it went, taken once when it ends.

-- `used`: cpu_seconds of the steps' own threads, busy_seconds of their last attempts, peak_memory_mb of the processes
-- they ran in, model calls, artifacts. `measured`: seconds queued, running and paused, steps by outcome, attempts, and
-- milliseconds from dispatch to start and from start to end. Of a run that was retried the seconds are those of its last go. Steps that wait for people, timers or inner steps are not
-- busy meanwhile: those that were claimed more than once per attempt are left out of the times.
CREATE OR REPLACE FUNCTION ledger_measure(p_execution uuid, OUT used jsonb, OUT measured jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution%ROWTYPE;
  t record;
  a record;
  m record;
  v_end timestamptz := clock_timestamp();
BEGIN
  SELECT * INTO x FROM executions_execution WHERE id = p_execution;
  SELECT count(*) FILTER (WHERE s.status = 'completed') AS completed,
         count(*) FILTER (WHERE s.status = 'failed') AS failed,
         count(*) FILTER (WHERE s.status = 'skipped') AS skipped,
         count(*) FILTER (WHERE s.status = 'cancelled') AS cancelled,
         count(*) AS total, coalesce(sum(s.attempt), 0) AS attempts, coalesce(sum(s.retries), 0) AS retries,
         coalesce(sum(s.cpu_ms), 0) AS cpu_ms, max(s.memory_kb) AS memory_kb,
         coalesce(sum(extract(epoch FROM s.completed_at - s.started_at)) FILTER (WHERE s.phase = 0), 0) AS busy,
         percentile_cont(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (ORDER BY extract(epoch FROM s.completed_at - s.started_at) * 1000)
           FILTER (WHERE s.phase = 0 AND s.started_at IS NOT NULL AND s.completed_at IS NOT NULL) AS ran,
         percentile_cont(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (ORDER BY extract(epoch FROM s.started_at - s.dispatched_at) * 1000)
           FILTER (WHERE s.phase = 0 AND s.started_at IS NOT NULL AND s.dispatched_at IS NOT NULL) AS waited
  INTO t
  FROM executions_task s
  WHERE s.id >= ledger_task_id(p_execution, 0) AND s.id <= (left(p_execution::text, 28) || 'ffffffff')::uuid
    AND s.kind <> 'join' AND (s.kind <> 'compensation' OR s.started_at IS NOT NULL);
  SELECT count(*) AS count, coalesce(sum(size), 0) AS bytes INTO a
  FROM executions_artifact WHERE execution_id = p_execution;
  SELECT calls, spent_tokens, spent_usd INTO m FROM spending_runtotal WHERE execution_id = p_execution;
  used := jsonb_build_object(
    'cpu_seconds', round(t.cpu_ms / 1000.0, 3), 'busy_seconds', round(t.busy, 3),
    'peak_memory_mb', round(t.memory_kb / 1024.0, 1),
    'model_calls', coalesce(m.calls, 0), 'tokens', coalesce(m.spent_tokens, 0),
    'cost_usd', coalesce(m.spent_usd, 0)::text,
    'artifacts', a.count, 'artifact_bytes', a.bytes);
  measured := jsonb_build_object(
    'queued_seconds', round(extract(epoch FROM coalesce(x.started_at, v_end) - coalesce(x.retried_at, x.created_at)), 3),
    'running_seconds', round(extract(epoch FROM v_end - coalesce(x.started_at, v_end)) - x.paused_seconds::numeric, 3),
    'paused_seconds', round(x.paused_seconds::numeric, 3),
    'steps', jsonb_build_object('total', t.total, 'completed', t.completed, 'failed', t.failed, 'skipped', t.skipped,
                                'cancelled', t.cancelled),
    'attempts', t.attempts, 'retries', t.retries,
    'step_ms', ledger_spread(t.ran), 'wait_ms', ledger_spread(t.waited));
END $$;

CREATE OR REPLACE FUNCTION ledger_spread(p_values double precision[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_values IS NULL THEN NULL ELSE jsonb_build_object(
    'p50', round(p_values[1]::numeric, 1), 'p95', round(p_values[2]::numeric, 1), 'max', round(p_values[3]::numeric, 1)) END
$$;

-- What the engine says of a run while nobody has said anything else.
CREATE OR REPLACE FUNCTION ledger_message(p_status text, p_measured jsonb, p_error text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_status
    WHEN 'pending' THEN 'Waiting for a worker.'
    WHEN 'running' THEN 'Running.'
    WHEN 'failed' THEN coalesce(nullif(p_error, ''), 'It failed.')
    WHEN 'completed' THEN CASE
      WHEN p_measured -> 'steps' ->> 'total' = p_measured -> 'steps' ->> 'completed'
        THEN 'All ' || (p_measured -> 'steps' ->> 'total') || ' steps are completed.'
      ELSE (p_measured -> 'steps' ->> 'completed') || ' of ' || (p_measured -> 'steps' ->> 'total') || ' steps are completed.'
      END
    ELSE '' END
$$;

-- Steps of a run that is cancelled or out of time are over only after the run itself is: measured when they are.
CREATE OR REPLACE FUNCTION ledger_record_measures(p_execution uuid) RETURNS void
LANGUAGE sql VOLATILE AS $$
  UPDATE executions_execution x SET resource_usage = m.used, performance_metrics = m.measured
  FROM ledger_measure(p_execution) m WHERE x.id = p_execution
$$;
