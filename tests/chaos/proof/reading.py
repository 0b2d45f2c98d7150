"""Reading a record from the database, past row-level security; and the witness, a trigger that sees every move.

The engine's own events are what it says of itself. The witness is independent of it: it writes down each change of a
row's status or lease, whoever made it and by whatever statement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from tests.chaos.proof.record import EventRow, FrameRow, Move, NodeRow, Record, RunRow, Slot, Stored, TaskRow

Query = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs a statement as somebody who sees every row, and gives JSON as what it holds."""

WITNESS = """
CREATE TABLE IF NOT EXISTS chaos_witness (
  id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), what text NOT NULL,
  execution uuid NOT NULL, subject uuid NOT NULL, before text, after text, attempt int, phase int, lease_before uuid,
  lease uuid, due_before timestamptz, gate text, parent uuid, resets int);
CREATE OR REPLACE FUNCTION chaos_see_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO public.chaos_witness (what, execution, subject, before, after, attempt, phase, lease_before, lease,
                                    due_before, gate, parent, resets)
  VALUES ('task', NEW.execution_id, NEW.id, CASE TG_OP WHEN 'UPDATE' THEN OLD.status END, NEW.status, NEW.attempt,
          NEW.phase, CASE TG_OP WHEN 'UPDATE' THEN OLD.lease END, NEW.lease,
          CASE TG_OP WHEN 'UPDATE' THEN OLD.due_at END, NEW.gate, NEW.parent_id, NEW.resets);
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION chaos_see_run() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO public.chaos_witness (what, execution, subject, before, after)
  VALUES ('run', NEW.id, NEW.id, CASE TG_OP WHEN 'UPDATE' THEN OLD.status END, NEW.status);
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION chaos_see_frame() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO public.chaos_witness (what, execution, subject, before, after, parent)
  VALUES ('frame', NEW.execution_id, NEW.id, CASE TG_OP WHEN 'UPDATE' THEN OLD.status END, NEW.status,
          NEW.parent_task_id);
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER chaos_begun AFTER INSERT ON executions_task FOR EACH ROW EXECUTE FUNCTION chaos_see_task();
CREATE OR REPLACE TRIGGER chaos_moved AFTER UPDATE ON executions_task FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.lease IS DISTINCT FROM NEW.lease)
  EXECUTE FUNCTION chaos_see_task();
CREATE OR REPLACE TRIGGER chaos_run AFTER INSERT OR UPDATE OF status ON executions_execution
  FOR EACH ROW EXECUTE FUNCTION chaos_see_run();
CREATE OR REPLACE TRIGGER chaos_frame AFTER INSERT OR UPDATE OF status ON executions_frame
  FOR EACH ROW EXECUTE FUNCTION chaos_see_frame();
"""
NO_WITNESS = """
DROP TRIGGER IF EXISTS chaos_begun ON executions_task;
DROP TRIGGER IF EXISTS chaos_moved ON executions_task;
DROP TRIGGER IF EXISTS chaos_run ON executions_execution;
DROP TRIGGER IF EXISTS chaos_frame ON executions_frame;
DROP FUNCTION IF EXISTS chaos_see_task, chaos_see_run, chaos_see_frame;
DROP TABLE IF EXISTS chaos_witness;
"""

_RUNS = """
SELECT x.id, x.organization_id, x.version_id, v.sha256, x.status, x.max_parallel, x.failures, x.compensation
FROM executions_execution x JOIN melodies_melodyversion v ON v.id = x.version_id
"""
_TASKS = """
SELECT t.id, t.execution_id, t.organization_id, t.version_id, t.seq, t.node, t.name, t.kind, t.status, t.phase, t.attempt,
       t.retries, t.lease, t.due_at, t.wait, t.gate,
       (t.held IS NOT NULL OR EXISTS (SELECT FROM executions_backlog b WHERE b.task_id = t.id)), t.frame_id, t.parent_id, t.total, t.need, t.wants,
       t.output_ref, t.kept_from IS NOT NULL, t.output
FROM executions_task t
"""
_FRAMES = "SELECT id, execution_id, organization_id, parent_task_id, status, version_id, label FROM executions_frame"
_NODES = """
SELECT version_id, node, kind, successors, edge_on, tolerates,
       CASE WHEN kind = 'compensation' THEN '1' WHEN kind = 'for_loop' THEN
         CASE WHEN (params -> 'parallel') = 'true' THEN coalesce(params ->> 'max_parallel', '5') ELSE '1' END END,
       options ? 'limit'
FROM executions_plannode
"""
_MOVES = """
SELECT id, at, what, execution, subject, before, after, coalesce(attempt, 0), coalesce(phase, 0), lease_before, lease,
       due_before, gate, parent, coalesce(resets, 0)
FROM chaos_witness ORDER BY id
"""
_EVENTS = "SELECT id, execution_id, organization_id, task_id, event_type, payload FROM executions_event ORDER BY id"
_SLOTS = """
SELECT p.id::text, p.slots, l.slots, l.task_id, l.granted_at, least(l.returned_at, l.until), l.attempt,
       l.taken_at IS NOT NULL
FROM executions_poollease l JOIN executions_pool p ON p.id = l.pool_id WHERE p.slots IS NOT NULL
"""
_NAMED = """
SELECT organization_id, output_ref FROM executions_task WHERE output_ref IS NOT NULL
UNION SELECT organization_id, content_hash FROM executions_artifact
UNION SELECT organization_id, output_ref FROM executions_cachedresult WHERE output_ref IS NOT NULL
"""
_OPEN = " WHERE x.completed_at IS NULL"
_OF_OPEN = " WHERE {table}.execution_id IN (SELECT x.id FROM executions_execution x WHERE x.completed_at IS NULL)"


BytesOf = Callable[[UUID, str], bytes | None]
"""What an organization's store gives for an address; None when it gives nothing."""


def read(query: Query, bytes_of: BytesOf | None = None) -> Record:
    """Everything. With `bytes_of`, what is stored at each address that a task or an artifact names is hashed."""
    record = _standing(query, "", "", "")
    record.moves = [Move(*row) for row in query(_MOVES, [])]
    record.events = [EventRow(*row) for row in query(_EVENTS, [])]
    record.slots = [Slot(*row) for row in query(_SLOTS, [])]
    if bytes_of is not None:
        record.stored = [_stored(bytes_of, *row) for row in query(_NAMED, [])]
    return record


def look(query: Query) -> Record:
    """The runs that have not ended, as they stand at one moment. To be called in a REPEATABLE READ transaction."""
    return _standing(query, _OPEN, _OF_OPEN.format(table="t"), _OF_OPEN.format(table="executions_frame"))


def _standing(query: Query, of_runs: str, of_tasks: str, of_frames: str) -> Record:
    record = Record()
    record.runs = {row[0]: RunRow(*row) for row in query(_RUNS + of_runs, [])}
    for row in query(_TASKS + of_tasks, []):
        record.tasks[row[0]] = TaskRow(*row[:-1])
        record.outputs[row[0]] = row[-1]
    record.frames = {row[0]: FrameRow(*row) for row in query(_FRAMES + of_frames, [])}
    for version, node, kind, successors, edge_on, tolerates, abreast, limited in query(_NODES, []):
        side_by_side = int(abreast) if abreast is not None and str(abreast).isdigit() else None
        record.nodes[version, node] = NodeRow(
            version, node, kind, tuple(successors), tuple(edge_on), tolerates, side_by_side, bool(limited)
        )
    return record


def _stored(bytes_of: BytesOf, organization: UUID, address: str) -> Stored:
    data = bytes_of(organization, address)
    return Stored(organization, address, None if data is None else hashlib.sha256(data).hexdigest())
