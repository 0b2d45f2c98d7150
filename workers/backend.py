"""The Celery result backend: melody tasks belong to the ledger, all others to django-celery-results' TaskResult.

The outcome of a melody step is committed before its task function returns, so success needs no further word. What the
function could not report itself, a killed process, a hard time limit, a revocation, reaches Celery's parent process,
which tells the backend: then the step goes back to the ledger at once.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import states
from django.db import Error
from django_celery_results.backends import DatabaseBackend

from apps.core import metrics
from apps.executions import dispatch, ledger
from apps.executions.dispatch import STEP_TASK
from workers.slot import carrier_name
from workers.stopping import ended_itself

logger = logging.getLogger(__name__)


def _is_step(request: Any) -> bool:
    return request is not None and getattr(request, "task", None) == STEP_TASK


class SymphonyBackend(DatabaseBackend):  # type: ignore[misc]  # the package has no types
    """Outcomes of melody steps through the ledger; a chord of them is counted there too."""

    def store_result(self, task_id: str, result: Any, state: str, **kwargs: Any) -> Any:
        """Steps leave no TaskResult row."""
        if _is_step(kwargs.get("request")):
            return result
        return super().store_result(task_id, result, state, **kwargs)

    def mark_as_done(self, task_id: str, result: Any, request: Any = None, *args: Any, **kwargs: Any) -> None:
        """The outcome is committed already; what is left of a chord may go on."""
        if not _is_step(request):
            super().mark_as_done(task_id, result, request, *args, **kwargs)
        elif request.chord:
            self.on_chord_part_return(request, states.SUCCESS, result)

    def mark_as_failure(self, task_id: str, exc: BaseException, *args: Any, **kwargs: Any) -> None:
        """A step's task function never fails by itself: its worker was lost, or the database is away."""
        request = kwargs.get("request")
        if _is_step(request):
            if not ended_itself(exc):
                _give_back(request, type(exc).__name__)
        else:
            super().mark_as_failure(task_id, exc, *args, **kwargs)

    def mark_as_revoked(self, task_id: str, reason: str = "", request: Any = None, *args: Any, **kwargs: Any) -> None:
        """A terminated step runs again; a cancelled execution is not terminated this way, but in the ledger."""
        if _is_step(request):
            _give_back(request, "revoked")
        else:
            super().mark_as_revoked(task_id, reason, request, *args, **kwargs)

    def apply_chord(self, header_result_args: Any, body: Any, **kwargs: Any) -> None:
        """The join of a chord of steps is a row of the ledger; others get their counter."""
        if body.task != STEP_TASK:
            super().apply_chord(header_result_args, body, **kwargs)

    def on_chord_part_return(self, request: Any, state: str, result: Any, **kwargs: Any) -> None:
        """Publish the body. A request that still carries it belongs to the step whose outcome released the join."""
        if _is_step(request):
            self.app.signature(request.chord).apply_async(ignore_result=True)
        else:
            super().on_chord_part_return(request, state, result, **kwargs)


def _give_back(request: Any, reason: str) -> None:
    organization_id = request.args[0]
    metrics.count(metrics.WORKERS_LOST)
    try:
        released = ledger.report_lost(organization_id, carrier_name(request.hostname, request.id), reason)
    except Error as error:
        logger.warning("a lost step could not be given back, its lease will end: %s", error)
        return
    dispatch.send(released)
