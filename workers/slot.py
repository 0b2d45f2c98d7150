"""One message's worth of work: claim, run, record, and go on with what that released while the time slice lasts.

A worker that ended a step holds everything its successor needs: a free slot, an open connection, the row locks. So it
takes small steps along, and one other step of its own queue, without a broker hop, until the slice is over; then the
rest goes through the broker, so that other runs get their turn. Each step is recorded one by one all the same.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from celery import current_task
from django.conf import settings
from django.db import DataError

from apps.core.origin import work_on
from apps.executions import ledger
from apps.executions.ledger import NOTHING, HandOver, Keep
from workers import attempt
from workers.carried import Carried
from workers.heart import heart
from workers.insisting import insist
from workers.outcomes import Compensation, Expansion, Outcome, Waiting, Watching, failed, refused
from workers.pit import tracker

logger = logging.getLogger(__name__)

INLINE_BATCH = 64


def run_slot(organization_id: str, task_id: str, carried: Carried) -> None:
    """Run one released task and what follows it in this slot. A task that is not to be had is left alone."""
    worker = carrier_name(current_task.request.hostname, task_id)
    handed = ledger.claim(organization_id, task_id, worker)
    if not handed.taken:
        return
    tracker.release(handed.released, at_once=False)
    _Slot(organization_id, worker, handed.taken[0]["queue"], carried).work(handed.taken)


def carrier_name(hostname: str | None, message_id: str) -> str:
    """How a slot names itself in its claims, so that its parent process can report all of them lost."""
    return f"{hostname or 'unknown'}/{message_id}"


class _Slot:
    def __init__(self, organization_id: str, worker: str, queue: str, carried: Carried) -> None:
        self._organization = organization_id
        self._worker = worker
        self._queue = queue
        self._carried = carried
        self._over = time.monotonic() + settings.SYMPHONY_SLICE_MS / 1000
        self._held: set[str] = set()

    def work(self, claimed: list[dict[str, Any]]) -> None:
        """Run claimed tasks until none is left. Whatever goes wrong, their leases are not prolonged after that."""
        try:
            self._work(claimed)
        finally:
            for lease in self._held:
                heart.release(lease)

    def _work(self, todo: list[dict[str, Any]]) -> None:
        """Small steps first, and recorded together."""
        for claimed in todo:
            self._hold(claimed)
        while todo:
            small = [claimed for claimed in todo if claimed["inline"]]
            batch = small or [todo[0]]
            todo = [claimed for claimed in todo if not claimed["inline"]] if small else todo[1:]
            for handed in self._run(batch, others=bool(todo)):
                for claimed in handed.taken:
                    self._hold(claimed)
                    self._carried.taken(claimed["task"])
                    todo.append(claimed)
                released = handed.released if todo else self._carried.without_covered(handed.released)
                tracker.release(released, taken=len(handed.taken), at_once=not todo)

    def _run(self, batch: Sequence[dict[str, Any]], *, others: bool) -> list[HandOver]:
        """Run a batch; what each recording call released."""
        outcomes: dict[str, list[dict[str, Any]]] = defaultdict(list)
        handed: list[HandOver] = []
        for claimed in batch:
            try:
                work_on(execution_id=str(claimed["execution"]), task_id=str(claimed["task"]))
                result = attempt.run(claimed, heart.cancelled(claimed["lease"]))
                ended = (
                    result
                    if isinstance(result, Outcome)
                    else self._go_on(result, handed, others=others or len(batch) > 1)
                )
                if ended is not None:
                    outcomes[claimed["version"]].append(ended.as_row())
            except attempt.Abandoned:
                logger.info("task %s is not ours any more; its outcome is not recorded", claimed["task"])
        keep = self._keep(others=others or len(outcomes) > 1)
        handed.extend(self._finish(of_version, keep) for of_version in outcomes.values())
        for claimed in batch:
            heart.release(claimed["lease"])
            self._held.discard(claimed["lease"])
        return handed

    def _hold(self, claimed: dict[str, Any]) -> None:
        heart.hold(claimed)
        self._held.add(claimed["lease"])

    def _go_on(
        self, result: Expansion | Waiting | Watching | Compensation, handed: list[HandOver], *, others: bool
    ) -> Outcome | None:
        """Let a task go on as a row. An outcome when it cannot."""
        try:
            handed.append(insist(lambda: self._as_row(result, others=others)))
        except ledger.TooManySteps:
            message = "The run would have more steps than resource_limits.max_total_steps allows."
            return failed(result.claimed, {"code": "too_many_steps", "message": message})
        if isinstance(result, Compensation) and not (handed[-1].taken or handed[-1].released):
            return Outcome(result.claimed, "completed", {"success": True, "compensated": []})
        return None

    def _as_row(self, result: Expansion | Waiting | Watching | Compensation, *, others: bool) -> HandOver:
        if isinstance(result, Expansion):
            return ledger.expand(
                result.claimed,
                result.frames,
                limit=result.limit,
                stop_on_failure=result.stop_on_failure,
                watch=result.watch,
                phase=result.phase,
                error=result.error,
                due_at=result.due_at,
                events=result.events,
                worker=self._worker,
                keep=self._keep(others=others),
            )
        if isinstance(result, Watching):
            return ledger.keep_waiting(result.claimed, result.seen, result.due_at)
        if isinstance(result, Compensation):
            return ledger.compensate(result.claimed)
        return ledger.wait(
            result.claimed,
            result.reason,
            result.due_at,
            key=result.key,
            output=result.output,
            carry=result.carry,
            error=result.error,
            events=result.events,
        )

    def _finish(self, outcomes: Sequence[dict[str, Any]], keep: Keep) -> HandOver:
        try:
            handed = insist(lambda: ledger.finish(self._organization, outcomes, self._worker, keep))
        except DataError as error:
            logger.exception("the database refused a result")
            instead = [refused(outcome, error) for outcome in outcomes]
            handed = insist(lambda: ledger.finish(self._organization, instead, self._worker, keep))
        for task_id in handed.stale:
            logger.warning("the outcome of task %s came too late and was refused", task_id)
        return handed

    def _keep(self, *, others: bool) -> Keep:
        """What to take along: nothing once the slice is over; no second long step beside one that waits already."""
        if time.monotonic() >= self._over:
            return NOTHING
        return Keep(INLINE_BATCH, "" if others else self._queue)
