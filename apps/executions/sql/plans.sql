-- Planning these statements costs ten times their execution: always keep the plan. It may have been made when the tables were
-- all but empty, and then lives until they are analysed: whoever looks up rows by their ids, which all do but those that
-- read history, must not have a plan that reads a whole table, or a whole version's plan, for it. (Where the planner could
-- still choose one of those, the look-up above stands in a sub-query of its own, OFFSET 0, and what is to be changed is an
-- array of ids, for a sub-query that is joined may be asked anew for each of 10,000 rows.) And whoever takes what is next must
-- find it at the head of an index, not by sorting all that waits.
DO $$
DECLARE
  f record;
  v_way text;
BEGIN
  FOR f IN
    SELECT p.oid::regprocedure AS name,
           NOT p.proname ~ '^ledger_(count_stores|expired|explain|forget|free_blobs|gauges|likely|measure|pace|predict|refresh|spread|suspect)'
             AS by_id
    FROM pg_proc p
    JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
    WHERE p.proname LIKE 'ledger\_%' AND p.pronamespace = current_schema()::regnamespace
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan', f.name);
    FOREACH v_way IN ARRAY CASE
      WHEN f.name::text ~ '^ledger_pick' THEN ARRAY['seqscan', 'hashjoin', 'mergejoin', 'bitmapscan', 'sort']
      WHEN f.by_id THEN ARRAY['seqscan', 'hashjoin', 'mergejoin']
      ELSE '{}' END
    LOOP
      EXECUTE format('ALTER FUNCTION %s SET enable_%s = off', f.name, v_way);
    END LOOP;
  END LOOP;
END $$;
