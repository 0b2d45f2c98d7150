-- Planning these statements costs ten times their execution: always keep the plan. Where the planner could still choose
-- a scan of a whole version's plan, the look-up above stands in a sub-query of its own (OFFSET 0).
DO $$
DECLARE
  f record;
BEGIN
  FOR f IN
    SELECT p.oid::regprocedure AS name FROM pg_proc p
    JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
    WHERE p.proname LIKE 'ledger\_%' AND p.pronamespace = current_schema()::regnamespace
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan', f.name);
  END LOOP;
END $$;
