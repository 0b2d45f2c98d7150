"""The Celery tasks of the engine. Thin: claim, run, record happen in `workers.slot`."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.app.task import Task

from apps.core import metrics
from apps.executions.dispatch import STEP_TASK
from workers.carried import Carried
from workers.slot import run_slot


@shared_task(name=STEP_TASK, bind=True, ignore_result=True)
def step(self: Task[Any, Any], organization_id: str, task_id: str) -> None:
    """Run the task this message names, if it is still to be had, and what may follow in the same slot."""
    carried = Carried(self.request)
    with metrics.inside(metrics.SLOTS_BUSY):
        run_slot(organization_id, task_id, carried)
    carried.drop_unclaimed()
