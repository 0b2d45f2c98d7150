-- The artifact store: which bytes are named, which may go, and what they come to.
--
-- A row of executions_blob stands for the bytes from before they are stored until they are deleted. Who stores touches it
-- first; who names locks it (KEY SHARE) until the name is committed; who frees holds it (UPDATE) while the bytes are deleted.
-- So no name is ever without bytes, and bytes without a name are found by an index, however large the store is.

-- Somebody is about to store these bytes: nobody frees them for a while. Whether their row is new.
CREATE OR REPLACE FUNCTION ledger_touch_blob(p_organization uuid, p_sha256 text, p_size bigint, p_stored bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_suspect boolean;
  v_new boolean;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  SELECT suspect INTO v_suspect FROM executions_blob WHERE organization_id = p_organization AND sha256 = p_sha256;
  -- Named: were all its names to go in this moment, it would still rest for a while from then on.
  IF v_suspect IS FALSE THEN
    RETURN false;
  END IF;
  INSERT INTO executions_blob AS b (organization_id, sha256, size, stored_size, created_at, touched_at, suspect)
  VALUES (p_organization, p_sha256, p_size, p_stored, clock_timestamp(), clock_timestamp(), true)
  ON CONFLICT (organization_id, sha256) DO UPDATE
  SET touched_at = clock_timestamp(), suspect = true, stored_size = excluded.stored_size
  RETURNING xmax = 0 INTO v_new;
  PERFORM ledger_store_changed(p_organization);
  RETURN v_new;
END $$;

CREATE OR REPLACE FUNCTION ledger_keep_artifacts(
  p_organization uuid, p_execution uuid, p_task uuid, p_attempt int, p_artifacts jsonb
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_artifacts IS NULL THEN
    RETURN;
  END IF;
  -- Bytes have a row before they are stored. Without one they were freed since, a grace period later: no name without bytes.
  IF (SELECT count(*) FROM (
        SELECT FROM executions_blob b
        WHERE b.organization_id = p_organization
          AND b.sha256 = ANY (ARRAY(SELECT a.sha256 FROM jsonb_to_recordset(p_artifacts) AS a(sha256 text)))
        ORDER BY b.sha256 FOR KEY SHARE) k)
     < (SELECT count(DISTINCT a.sha256) FROM jsonb_to_recordset(p_artifacts) AS a(sha256 text))
  THEN
    RAISE EXCEPTION 'bytes of an artifact of task % are not stored any more', p_task USING ERRCODE = 'data_exception';
  END IF;
  INSERT INTO executions_artifact (id, organization_id, execution_id, task_id, attempt, melody_id, name, artifact_type,
                                   content_type, content_hash, size, metadata, quality_metrics, created_at)
  SELECT a.id, p_organization, p_execution, p_task, p_attempt, x.melody_id, a.name, a.artifact_type, a.content_type,
         a.sha256, a.size, coalesce(a.metadata, '{}'), '{}', clock_timestamp()
  FROM jsonb_to_recordset(p_artifacts) AS
         a(id uuid, name text, artifact_type text, content_type text, sha256 text, size bigint, metadata jsonb),
       executions_execution x
  WHERE x.id = p_execution AND a.name IS NOT NULL;
END $$;

-- Names of these bytes have gone: whether others are left is looked at a while from now.
CREATE OR REPLACE FUNCTION ledger_suspect_blobs(p_organization uuid, p_addresses text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM executions_blob b
  WHERE b.organization_id = p_organization AND b.sha256 = ANY (p_addresses) ORDER BY b.sha256 FOR NO KEY UPDATE;
  UPDATE executions_blob b SET suspect = true, touched_at = clock_timestamp()
  WHERE b.organization_id = p_organization AND b.sha256 = ANY (p_addresses);
END $$;

-- Suspects that have rested since p_before, locked: nobody names them until this transaction ends.
CREATE OR REPLACE FUNCTION ledger_suspects(p_before timestamptz, p_limit int) RETURNS SETOF bigint
LANGUAGE sql VOLATILE AS $$
  SELECT b.id FROM executions_blob b
  WHERE b.suspect AND b.touched_at < p_before
  ORDER BY b.touched_at LIMIT p_limit
  FOR UPDATE SKIP LOCKED
$$;

-- Of these, which the caller has locked: those that are named are no suspects any more, the others' rows are deleted. Their
-- bytes must be deleted in this transaction.
CREATE OR REPLACE FUNCTION ledger_free_blobs(p_blobs bigint[])
RETURNS TABLE (organization uuid, address text, bytes bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE executions_blob b SET suspect = false
  WHERE b.id = ANY (p_blobs) AND (
    EXISTS (SELECT FROM executions_artifact a WHERE a.organization_id = b.organization_id AND a.content_hash = b.sha256)
    OR EXISTS (SELECT FROM executions_task t WHERE t.organization_id = b.organization_id AND t.output_ref = b.sha256)
    OR EXISTS (SELECT FROM executions_cachedresult c
               WHERE c.organization_id = b.organization_id AND c.output_ref = b.sha256));
  RETURN QUERY
    DELETE FROM executions_blob b WHERE b.id = ANY (p_blobs) AND b.suspect
    RETURNING b.organization_id, b.sha256::text, b.size;
END $$;

-- Results that are no longer kept for later runs go; their bytes are looked at.
CREATE OR REPLACE FUNCTION ledger_forget_results(p_limit int) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int := 0;
  r record;
BEGIN
  FOR r IN
    WITH gone AS (
      DELETE FROM executions_cachedresult c
      WHERE c.id = ANY (ARRAY(SELECT k.id FROM executions_cachedresult k
                     WHERE k.expires_at < clock_timestamp() ORDER BY k.id LIMIT p_limit FOR UPDATE SKIP LOCKED))
      RETURNING c.organization_id, c.output_ref)
    SELECT g.organization_id, count(*) AS count, array_agg(g.output_ref) FILTER (WHERE g.output_ref IS NOT NULL) AS refs
    FROM gone g GROUP BY g.organization_id ORDER BY g.organization_id
  LOOP
    v_count := v_count + r.count;
    IF r.refs IS NOT NULL THEN
      PERFORM ledger_suspect_blobs(r.organization_id, r.refs);
    END IF;
  END LOOP;
  RETURN v_count;
END $$;

-- The store of an organization is to be counted anew. Marked at most every half minute, and in a row nobody else waits for.
CREATE OR REPLACE FUNCTION ledger_store_changed(p_organization uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM executions_storestatistics s
  WHERE s.organization_id = p_organization AND s.changed_at > clock_timestamp() - interval '30 seconds';
  IF FOUND THEN
    RETURN;
  END IF;
  INSERT INTO executions_storestatistics AS s
    (organization_id, artifacts, artifact_bytes, results, result_bytes, blobs, unique_bytes, stored_bytes, cost_ms, changed_at)
  VALUES (p_organization, 0, 0, 0, 0, 0, 0, 0, 0, clock_timestamp())
  ON CONFLICT (organization_id) DO UPDATE SET changed_at = clock_timestamp();
END $$;

-- Count anew what organizations keep whose stores have changed; how many were counted. A name is committed a while after
-- its bytes are stored: so what has changed is counted for a quarter of an hour. The longer it takes, the less often.
CREATE OR REPLACE FUNCTION ledger_count_stores(p_limit int, p_seconds double precision) RETURNS int
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_count int := 0;
  v_began timestamptz;
  v_organization uuid;
BEGIN
  FOR v_organization IN
    SELECT s.organization_id FROM executions_storestatistics s
    WHERE s.changed_at > clock_timestamp() - interval '1 day'
      AND (s.refreshed_at IS NULL
           OR s.changed_at > s.refreshed_at - interval '15 minutes'
              AND s.refreshed_at < clock_timestamp() - make_interval(secs => greatest(p_seconds, s.cost_ms / 10)))
    ORDER BY s.refreshed_at NULLS FIRST LIMIT p_limit FOR UPDATE SKIP LOCKED
  LOOP
    v_began := clock_timestamp();
    UPDATE executions_storestatistics s
    SET artifacts = a.count, artifact_bytes = a.bytes, results = r.count, result_bytes = r.bytes,
        blobs = b.count, unique_bytes = b.bytes, stored_bytes = b.stored, refreshed_at = v_began,
        cost_ms = extract(epoch FROM clock_timestamp() - v_began) * 1000
    FROM (SELECT count(*) AS count, coalesce(sum(size), 0) AS bytes
          FROM executions_artifact WHERE organization_id = v_organization) a,
         (SELECT count(*) AS count, coalesce(sum(k.size), 0) AS bytes
          FROM executions_task t JOIN executions_blob k ON k.organization_id = t.organization_id AND k.sha256 = t.output_ref
          WHERE t.organization_id = v_organization AND t.output_ref IS NOT NULL) r,
         (SELECT count(*) AS count, coalesce(sum(size), 0) AS bytes, coalesce(sum(coalesce(stored_size, size)), 0) AS stored
          FROM executions_blob WHERE organization_id = v_organization) b
    WHERE s.organization_id = v_organization;
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END $$;
