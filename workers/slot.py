"""One message's worth of work: claim, run, record, and go on with what that released while the time slice lasts.

A worker that ended a step holds everything its successor needs: a free slot, an open connection, the row locks. So it
takes small steps along, and one other step of its own queue, without a broker hop, until the slice is over; then it is the
turn of what waits in its process, or in the broker. Each step is recorded one by one all the same.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from celery import current_task
from django.db import DataError

from apps.core.origin import work_on
from apps.executions import ledger
from apps.executions.ledger import NOTHING, HandOver, Keep
from workers import attempt, neighbours
from workers.carried import Carried
from workers.draining import draining
from workers.failing import after_failure, refusal_of
from workers.going_on import GoesOn, go_on
from workers.heart import heart
from workers.insisting import insist
from workers.outcomes import Outcome, refused
from workers.pit import tracker
from workers.queued import queued
from workers.slices import Slice

logger = logging.getLogger(__name__)

INLINE_BATCH = 64


def run_slot(organization_id: str, task_id: str, carried: Carried) -> None:
    """Run one released task and what follows it in this slot. A task that is not to be had is left alone."""
    if not queued.begun(task_id):
        return
    if draining():
        carried.pass_on()
        return
    worker = carrier_name(current_task.request.hostname, task_id)
    handed = ledger.claim(organization_id, task_id, worker)
    tracker.release(handed.released, at_once=not handed.taken, ending=not handed.taken)
    if handed.taken:
        _Slot(worker, handed.taken[0]["queue"], carried).work(handed.taken)


def carrier_name(hostname: str | None, message_id: str) -> str:
    """How a slot names itself in its claims, so that its parent process can report all of them lost."""
    return f"{hostname or 'unknown'}/{message_id}"


class _Slot:
    """What it runs may be of several organizations, one after the other."""

    def __init__(self, worker: str, queue: str, carried: Carried) -> None:
        self._worker = worker
        self._queue = queue
        self._carried = carried
        self._slice = Slice.here()
        self._held: set[str] = set()

    def work(self, claimed: list[dict[str, Any]]) -> None:
        """Run claimed tasks until none is left. Whatever goes wrong, their leases are not prolonged after that."""
        try:
            self._work(claimed)
        finally:
            for lease in self._held:
                heart.release(lease)
        neighbours.leave_offered()

    def _work(self, todo: list[dict[str, Any]]) -> None:
        """Small steps first, and recorded together."""
        for claimed in todo:
            self._hold(claimed)
        while todo:
            small = [claimed for claimed in todo if claimed["inline"]]
            if draining() and not small:
                self._hand_back(todo)
                return
            batch = small or [todo[0]]
            todo = [claimed for claimed in todo if not claimed["inline"]] if small else todo[1:]
            waiting = False
            for handed in self._run(batch, others=bool(todo)):
                waiting = waiting or handed.waiting
                for claimed in handed.taken:
                    self._hold(claimed)
                    self._carried.taken(claimed["task"])
                    todo.append(claimed)
                # Celery publishes what a message carries when the slot has ended: not for one that may yet go on.
                stays = bool(todo) or waiting or neighbours.there()
                released = handed.released if stays else self._carried.without_covered(handed.released)
                ends = not todo and not waiting
                tracker.release(released, taken=len(handed.taken), at_once=ends, ending=ends and self._slice.is_last())
            if not todo:
                todo = self._granted() if waiting else self._found()

    def _granted(self) -> list[dict[str, Any]]:
        """What the arbiter says is next in this slot's queue, while the slice lasts."""
        keep = self._keep(others=False)
        if not keep.queue:
            return []
        handed = insist(lambda: ledger.grant(keep.queue, keep.inline, self._worker))
        for claimed in handed.taken:
            self._hold(claimed)
        return handed.taken

    def _run(self, batch: Sequence[dict[str, Any]], *, others: bool) -> list[HandOver]:
        """Run a batch; what each recording call released."""
        outcomes: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
        handed: list[HandOver] = []
        for claimed in batch:
            try:
                work_on(execution_id=str(claimed["execution"]), task_id=str(claimed["task"]))
                with heart.running(claimed["lease"]) as cancelled:
                    result = attempt.run(claimed, cancelled)
                ended = (
                    result
                    if isinstance(result, Outcome)
                    else self._go_on(result, handed, others=others or len(batch) > 1)
                )
                if ended is not None:
                    outcomes[claimed["organization"], claimed["execution"], claimed["version"]].append(ended)
            except attempt.Abandoned:
                logger.info("task %s is not ours any more; its outcome is not recorded", claimed["task"])
                if claimed["pooled"]:
                    tracker.release(insist(partial(ledger.pool_stopped, claimed)), at_once=False)
        keep = self._keep(others=others or len(outcomes) > 1)
        for together in outcomes.values():
            handed.extend(self._finish(together, keep, others=others or len(outcomes) > 1))
        for claimed in batch:
            heart.release(claimed["lease"])
            self._held.discard(claimed["lease"])
        return handed

    def _hand_back(self, todo: Sequence[dict[str, Any]]) -> None:
        """What this slot holds and has not begun is for others: its worker is on its way out."""
        held: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for claimed in todo:
            held[claimed["organization"]].append((claimed["task"], claimed["lease"]))
        for organization, tasks in held.items():
            tracker.release(
                insist(partial(ledger.give_back, organization, tasks, "the worker was stopped before it began"))
            )

    def _hold(self, claimed: dict[str, Any]) -> None:
        heart.hold(claimed)
        self._held.add(claimed["lease"])

    def _go_on(self, result: GoesOn, handed: list[HandOver], *, others: bool) -> Outcome | None:
        """Let a task go on as a row. An outcome when it cannot."""
        after = go_on(result, self._worker, self._keep(others=others))
        if isinstance(after, Outcome):
            return after
        handed.append(after)
        return None

    def _finish(self, outcomes: Sequence[Outcome], keep: Keep, *, others: bool = True) -> list[HandOver]:
        """Record outcomes of one run and version. Those the database refuses have failed, and go the way of other failures."""
        try:
            rows = [outcome.as_row() for outcome in outcomes]
            return [self._record(rows, outcomes[0].claimed, keep, others=others)]
        except DataError as error:
            logger.exception("the database refused a result")
            if len(outcomes) > 1:
                return [handed for outcome in outcomes for handed in self._finish([outcome], NOTHING)]
            return self._refuse(outcomes[0], error)

    def _refuse(self, outcome: Outcome, error: DataError) -> list[HandOver]:
        claimed, handed = outcome.claimed, list[HandOver]()
        result = after_failure(claimed, refusal_of(error))
        try:
            instead = result if isinstance(result, Outcome) else self._go_on(result, handed, others=True)
            if instead is not None:
                handed.append(self._record([instead.as_row()], claimed, NOTHING))
        except DataError:
            handed.append(self._record([refused(outcome.as_row(), error)], claimed, NOTHING))
        return handed

    def _record(
        self, rows: Sequence[dict[str, Any]], claimed: Mapping[str, Any], keep: Keep, *, others: bool = True
    ) -> HandOver:
        handed = self._finish_or_claim(rows, claimed["organization"], keep, others=others)
        for task_id in handed.stale:
            logger.warning("the outcome of task %s came too late and was refused", task_id)
        return handed

    def _finish_or_claim(
        self, rows: Sequence[dict[str, Any]], organization_id: str, keep: Keep, *, others: bool
    ) -> HandOver:
        """Also claim what waits in this process, if there is nothing else to go on with."""
        waits = None if others else self._waiting_here()
        if waits is None:
            return insist(lambda: ledger.finish(organization_id, rows, self._worker, keep))
        return self._ask(waits[1], lambda: ledger.finish(organization_id, rows, self._worker, keep, waits), final=False)

    def _found(self) -> list[dict[str, Any]]:
        """What waits here and was not to be had with the outcome, or came to wait meanwhile: who released it has seen no idle
        slot."""
        while (waits := self._waiting_here()) is not None:
            handed = self._ask(waits[1], partial(ledger.claim, *waits, self._worker), final=True)
            tracker.release(handed.released, at_once=not handed.taken)
            for claimed in handed.taken:
                self._hold(claimed)
            if handed.taken:
                return handed.taken
        return []

    def _waiting_here(self) -> tuple[str, str] | None:
        if draining() or self._slice.is_last():
            return None
        return queued.choose(oldest=not self._slice.lasts())

    def _ask(self, task_id: str, call: Callable[[], HandOver], *, final: bool) -> HandOver:
        """Make a call that may claim a task that waits here; a `final` one does whenever the task is to be had at all."""
        try:
            handed = insist(call)
        except BaseException:
            queued.put_back(task_id)
            raise
        if queued.learn(task_id, handed, final=final) and not self._slice.lasts():
            self._slice.begin_anew()
        return handed

    def _keep(self, *, others: bool) -> Keep:
        """What to take along: nothing once the slice is over; no second long step beside one that waits already."""
        if draining() or not self._slice.lasts():
            return NOTHING
        return Keep(INLINE_BATCH, "" if others else self._queue)
