-- The dispatch window: which released tasks are sent, which are held back.

-- Tasks that became ready, as the dispatcher sends them.
CREATE OR REPLACE FUNCTION ledger_released(p_tasks uuid[])
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
               node int, ahead jsonb)
LANGUAGE sql STABLE AS $$
  SELECT t.id, t.organization_id, t.name, t.kind, t.queue, p.inline, p.rank, t.seq - t.node, t.node, p.ahead
  FROM executions_task t
  JOIN executions_plannode p ON p.version_id = t.version_id AND p.node = t.node
  WHERE t.id = ANY (p_tasks)
  ORDER BY p.rank DESC, t.id
$$;

-- The dispatch window: of many tasks released at once, the 64 of the highest rank are to be sent, the others are held
-- back for slots that become free. Returns those to be sent.
CREATE OR REPLACE FUNCTION ledger_hold(p_released uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_sent uuid[];
BEGIN
  IF cardinality(p_released) <= 64 THEN
    RETURN p_released;
  END IF;
  v_sent := ARRAY(SELECT l.task_id FROM ledger_released(p_released) l LIMIT 64);
  UPDATE executions_task t SET held = CASE WHEN p.inline THEN 'inline' ELSE t.queue END
  FROM executions_plannode p
  WHERE t.id = ANY (p_released) AND NOT t.id = ANY (v_sent) AND t.status = 'dispatched'
    AND p.version_id = t.version_id AND p.node = t.node;
  RETURN v_sent;
END $$;

-- Tasks of a run that the dispatch window holds back: one of the queue, else small ones, as many as asked for.
CREATE OR REPLACE FUNCTION ledger_held(p_execution uuid, p_queue text, p_inline int) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ids uuid[];
BEGIN
  IF p_queue <> '' THEN
    v_ids := ARRAY(
      SELECT t.id FROM executions_task t
      WHERE t.execution_id = p_execution AND t.held = p_queue LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF cardinality(v_ids) > 0 THEN
      RETURN v_ids;
    END IF;
  END IF;
  RETURN ARRAY(
    SELECT t.id FROM executions_task t
    WHERE t.execution_id = p_execution AND t.held = 'inline' LIMIT p_inline FOR UPDATE SKIP LOCKED);
END $$;

-- Take some of the released tasks along: inline ones, and one other of the caller's queue if its time slice allows it.
-- One row per released task: with a payload if taken, else as the dispatcher sends it.
CREATE OR REPLACE FUNCTION ledger_hand_over(
  p_released uuid[], p_keep int, p_keep_queue text, p_worker text, p_lease_seconds double precision
) RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
                 node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_kept uuid[] := '{}';
BEGIN
  IF cardinality(p_released) = 0 THEN
    RETURN;
  END IF;
  IF p_keep > 0 AND cardinality(p_released) = 1 THEN
    v_kept := p_released;
  ELSIF p_keep > 0 THEN
    SELECT coalesce(array_agg(c.task_id), '{}') INTO v_kept
    FROM (
      SELECT l.task_id, l.inline, l.queue,
             row_number() OVER (PARTITION BY l.inline, l.queue ORDER BY l.rank DESC, l.task_id) AS place
      FROM ledger_released(p_released) l
    ) c
    WHERE (c.inline AND c.place <= p_keep) OR (NOT c.inline AND c.queue = p_keep_queue AND c.place = 1);
  END IF;
  IF cardinality(v_kept) > 0 THEN
    RETURN QUERY
        SELECT (k.payload ->> 'task')::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::boolean,
               NULL::double precision, NULL::int, NULL::int, NULL::jsonb, k.payload
        FROM ledger_take(v_kept, p_keep_queue, p_worker, p_lease_seconds) AS k(payload);
    IF FOUND AND cardinality(p_released) = 1 THEN
      RETURN;
    END IF;
  END IF;
  IF cardinality(p_released) > 1 THEN
    p_released := ledger_hold(ARRAY(SELECT u FROM unnest(p_released) u WHERE NOT (u = ANY (v_kept))));
  END IF;
  RETURN QUERY SELECT l.*, NULL::jsonb FROM ledger_released(p_released) l;
END $$;
