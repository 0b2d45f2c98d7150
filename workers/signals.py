"""Celery signals → lifecycle events the ledger does not see: a worker received a message, or refused a revoked one."""

from __future__ import annotations

import re
import sys
import threading
from time import time
from typing import Any

from celery import signals
from celery.concurrency.thread import TaskPool

from apps.core import metrics
from apps.core.garbage import spare_what_is_loaded
from apps.core.origin import WORKER, Origin, arrive, depart
from apps.executions import dispatch
from apps.executions.dispatch import REQUEST_HEADER, SENT_HEADER, STEP_TASK
from workers import warming
from workers.compiler.canvas import RANK_HEADER
from workers.departing import departure
from workers.pit import tracker
from workers.pit.journal import journal
from workers.presence import presence
from workers.queued import queued

_IDS = 2
"""Arguments of a step's message: organization and task."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@signals.task_prerun.connect
def take_up_request(task: Any, args: Any, **_: Any) -> None:
    """Lines of the log name the request that led here, and the task of the message."""
    message = task.request
    sent = message.get(SENT_HEADER)
    if isinstance(sent, float):
        metrics.observe(metrics.HOP_SECONDS, time() - sent, _queue_of(message))
    task_id = str(args[1]) if task.name == STEP_TASK and len(args) > 1 else ""
    message.came_from = arrive(
        Origin(request_id=str(message.get(REQUEST_HEADER) or "")[:64], channel=WORKER, task_id=task_id)
    )


def _queue_of(message: Any) -> str:
    return str((message.delivery_info or {}).get("routing_key") or "unknown")


@signals.task_postrun.connect
def leave_request(task: Any, **_: Any) -> None:
    token = task.request.__dict__.pop("came_from", None)
    if token is not None:
        depart(token)


@signals.task_received.connect
def record_received(sender: Any, request: Any, **_: Any) -> None:
    """Runs in the worker's parent process, for every message: only remembered here, written in batches."""
    # Not `name`: that is what the message calls itself in logs and in Flower.
    if request.type != STEP_TASK:
        return
    _event(request.argsrepr, "task_received", {"worker": request.hostname})
    ids = [str(argument) for argument in request.args]
    # What names no task fails by itself: asked for with an outcome it would have that refused.
    if isinstance(sender.pool, TaskPool) and len(ids) == _IDS and all(map(_UUID.fullmatch, ids)):
        rank = request.request_dict.get(RANK_HEADER)
        queued.arrived(ids[0], ids[1], rank if isinstance(rank, float) else 0.0)


@signals.task_revoked.connect
def record_revoked(request: Any, *, terminated: bool, **_: Any) -> None:
    """An operator revoked a step (in Flower). The ledger goes on with it; cancelling is done to the execution."""
    if STEP_TASK in (getattr(request, "task", None), getattr(request, "type", None)):
        _event(getattr(request, "argsrepr", "") or str(request.args), "task_revoked", {"terminated": bool(terminated)})


@signals.worker_process_init.connect
@signals.worker_ready.connect
def connect_early(**_: Any) -> None:
    """In a thread: a broker that does not answer must not keep a pool process from starting."""
    threading.Thread(target=dispatch.warm_up, name="symphony-warm-up", daemon=True).start()


@signals.worker_init.connect
@signals.worker_ready.connect
def spare_modules(**_: Any) -> None:
    """Before the pool is forked, and once more what the worker itself has made since."""
    spare_what_is_loaded()


@signals.worker_process_init.connect
def spare_inherited(**_: Any) -> None:
    """In a process of the pool."""
    spare_what_is_loaded(collect=False)


@signals.worker_ready.connect
def rehearse(sender: Any, **_: Any) -> None:
    """Threads share their sessions; a process of a pool has one of its own."""
    if isinstance(sender.pool, TaskPool):
        warming.warm_up(sender.pool.num_processes)


@signals.worker_init.connect
def hand_over_often(**_: Any) -> None:
    """Slots that are threads hold the interpreter for microseconds between two waits for the database. With Python's
    default a thread whose answer has come may wait 5 ms for one that computes."""
    sys.setswitchinterval(0.0005)


def _event(arguments: str | None, event_type: str, payload: dict[str, Any]) -> None:
    found = _UUID.findall(arguments or "")
    if len(found) == 2:
        journal.event(found[0], task_id=found[1], event_type=event_type, payload=payload)


@signals.worker_ready.connect
def be_there(sender: Any, **_: Any) -> None:
    """In the parent process: from now on it gives signs of life."""
    presence.begin(sender)


@signals.worker_shutting_down.connect
def go(how: str, **_: Any) -> None:
    """In the parent process, within the handler of the signal that ends it."""
    departure.begin(at_once=how != "Warm")


@signals.worker_shutdown.connect
def be_gone(**_: Any) -> None:
    """In the parent process, when its pool has ended."""
    departure.end()


@signals.worker_process_shutdown.connect
def write_the_rest(**_: Any) -> None:
    """In a process of the pool that ends in order, also when it is replaced: what is released or collected is not lost."""
    tracker.drain(5)
    journal.flush()
