-- The ledger: the one writer of task outcomes. Each function is one round trip and one transaction.
--
-- A task counts its incoming edges down. `open` edges are undecided; `met` are satisfied; `neutral` are success edges
-- whose predecessor was skipped; `hard` can never be met because something upstream failed. An arrival is counted in
-- the transaction that ends its predecessor, and a predecessor ends once, so no arrival is counted twice.
--
-- The rules of the countdown, as pure functions. `workers/compiler/countdown.py` has them in Python.

CREATE OR REPLACE FUNCTION ledger_task_id(p_execution uuid, p_seq int) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (left(p_execution::text, 28) || lpad(to_hex(p_seq), 8, '0'))::uuid
$$;

-- What an outcome means for an edge: m(et), n(eutral), s(oft: not met), h(ard: not met, because of a failure).
-- Rows are edges (success, failure, skipped, done, order), columns outcomes
-- (1 completed, 2 failed but tolerated, 3 failed, 4 skipped, 5 cancelled). 8 and more: an edge counted in stripes.
CREATE OR REPLACE FUNCTION ledger_effect(p_edge int, p_outcome int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT substr('mmhnhsmmshsssmsmmmmmmmhmh', p_edge % 8 * 5 + p_outcome, 1)
$$;

-- What a task's counters decide: r(eady), w(ait), s(kip), c(ancel: something it needs has failed).
CREATE OR REPLACE FUNCTION ledger_verdict(
  p_open int, p_met int, p_neutral int, p_hard int, p_total int, p_need int, p_wants int
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN p_need < p_total AND p_met >= p_need THEN 'r'
    WHEN p_open > 0 THEN 'w'
    WHEN p_met + p_neutral >= p_need AND NOT (p_wants > 0 AND p_neutral = p_wants) THEN 'r'
    WHEN p_hard > 0 THEN 'c'
    ELSE 's'
  END
$$;

CREATE OR REPLACE FUNCTION ledger_outcome_code(p_status text, p_tolerates boolean) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE p_status
    WHEN 'completed' THEN 1
    WHEN 'failed' THEN CASE WHEN p_tolerates THEN 2 ELSE 3 END
    WHEN 'skipped' THEN 4
    ELSE 5
  END
$$;
