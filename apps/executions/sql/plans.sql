-- Planning these statements costs ten times their execution: always keep the plan. It may have been made when the tables were
-- all but empty, and then lives until they are analysed: whoever looks up rows by their ids, which all do but those that
-- read history, must not have a plan that reads a whole table, or a whole version's plan, for it. (Where the planner could
-- still choose one of those, the look-up above stands in a sub-query of its own, OFFSET 0.)
DO $$
DECLARE
  f record;
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
    IF f.by_id THEN
      EXECUTE format('ALTER FUNCTION %s SET enable_seqscan = off', f.name);
      EXECUTE format('ALTER FUNCTION %s SET enable_hashjoin = off', f.name);
      EXECUTE format('ALTER FUNCTION %s SET enable_mergejoin = off', f.name);
    END IF;
  END LOOP;
END $$;
