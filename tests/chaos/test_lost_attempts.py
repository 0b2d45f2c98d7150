"""How often a worker may be lost over one task, counted by the ledger, whatever part of the task it was at."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import connection

from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.executions import ledger
from apps.executions.models import Event, Task
from tests.workers.test_ledger import begin, claim, finish

LOOP = {
    "name": "loop",
    "type": "for_loop",
    "iterator": "item",
    "data_source": [1],
    "steps": [{"name": "inner", "type": "test_echo"}],
}


@pytest.mark.django_db
def test_a_loop_whose_collection_kills_every_worker_fails(alice: User) -> None:
    with acting_as(alice.pk), connection.cursor() as cursor:
        execution, (loop,) = begin(alice, {"workflow": {"name": "loop", "steps": [LOOP]}})
        taken = claim(loop)
        assert taken is not None
        (inner,) = ledger.expand(taken, [{"body": 0, "loop": {}}], limit=1, stop_on_failure=True, worker="t").released
        taken = claim(inner)
        assert taken is not None
        released = finish(taken).released
        cursor.execute("SELECT set_config('app.scope', 'sweep', true)")
        losses = 0
        while released:
            assert losses < settings.SYMPHONY_MAX_LOST_ATTEMPTS, "it would go on for ever"
            taken = claim(released[0])
            assert taken is not None
            assert taken["phase"] == 1
            Task.objects.filter(pk=taken["task"]).update(due_at="2020-01-01T00:00:00Z")
            released = ledger.sweep(100)
            losses += 1
        execution.refresh_from_db()
        assert execution.error_code == "worker_lost"
        assert Event.objects.filter(execution=execution, event_type="task_lost").count() == losses - 1
