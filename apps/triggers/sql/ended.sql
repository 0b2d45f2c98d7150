-- What the end of a run means to triggers: its firing runs no longer, who queued behind it may go, and what was to follow
-- it is written down in the transaction that ends it, so that it is never lost.

-- An id whose order is that of creation, as apps.core.ids makes them.
CREATE OR REPLACE FUNCTION triggers_new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(overlay(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6)
    PLACING set_byte(substring(uuid_send(gen_random_uuid()) FROM 7 FOR 1), 0,
                     (get_byte(uuid_send(gen_random_uuid()), 6) & 15) | 112) FROM 7 FOR 1), 'hex')::uuid
$$;

-- Runs for whoever ends a run, also for one from whom the trigger that follows is hidden: hence as the owner, whose
-- policies know of organizations and not of projects.
CREATE OR REPLACE FUNCTION triggers_run_ended() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
  v_lane text := '';
  v_depth int := 0;
BEGIN
  IF NEW.completed_at IS NULL THEN
    -- Retried: it is under way again.
    UPDATE triggers_firing SET running = true WHERE execution_id = NEW.id AND NOT running;
    RETURN NULL;
  END IF;
  IF NEW.trigger_id IS NOT NULL THEN
    UPDATE triggers_firing SET running = false WHERE execution_id = NEW.id RETURNING lane, depth INTO v_lane, v_depth;
    IF v_lane <> '' THEN
      -- Who is being looked at just now is left alone: it looks again by itself, a little later.
      UPDATE triggers_firing SET ready_at = clock_timestamp() WHERE id = (
        SELECT id FROM triggers_firing WHERE lane = v_lane AND state = 'pending' AND waiting = 'overlap'
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED);
    END IF;
  END IF;
  INSERT INTO triggers_firing (id, organization_id, trigger_id, source, key, due_at, ready_at, state, waiting, reason_code,
                               reason, payload, lane, depth, missed, tries, running)
  SELECT triggers_new_id(), t.organization_id, t.id, 'chain', NEW.id::text || '@' || extract(epoch FROM NEW.completed_at),
         NEW.completed_at, NEW.completed_at,
         CASE WHEN coalesce(v_depth, 0) < t.max_depth THEN 'pending' ELSE 'skipped' END, '',
         CASE WHEN coalesce(v_depth, 0) < t.max_depth THEN '' ELSE 'chain_too_deep' END,
         CASE WHEN coalesce(v_depth, 0) < t.max_depth THEN ''
              ELSE 'A chain of runs ends after ' || t.max_depth || ': each was started by the end of the one before.' END,
         jsonb_build_object('execution', NEW.id, 'status', NEW.status), '', least(coalesce(v_depth, 0) + 1, 32000), 0, 0, false
  FROM triggers_trigger t
  WHERE t.source_melody_id = NEW.melody_id AND t.organization_id = NEW.organization_id AND t.kind = 'chain'
    AND t.state = 'active' AND NEW.status = ANY (t.source_statuses)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION triggers_run_ended() FROM PUBLIC;

DROP TRIGGER IF EXISTS triggers_run_ended ON executions_execution;
CREATE TRIGGER triggers_run_ended AFTER UPDATE ON executions_execution FOR EACH ROW
  WHEN ((OLD.completed_at IS NULL) <> (NEW.completed_at IS NULL)) EXECUTE FUNCTION triggers_run_ended();
