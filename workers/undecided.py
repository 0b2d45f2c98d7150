"""Tasks that have failed outside a worker: out of time in the queue or in all, silent, or their workers died too often.

What becomes of them, a further attempt, their handler, the end, is decided by whoever claims them next. The sweep claims
them itself: a step that waits for a worker in vain must not need one to fail.
"""

from __future__ import annotations

import socket
import threading
from functools import partial

from apps.executions import ledger
from apps.executions.ledger import NOTHING, Release
from workers import attempt
from workers.going_on import go_on
from workers.insisting import insist
from workers.outcomes import Outcome


def decide(failed: Release) -> list[Release]:
    """Claim such a task, decide, record it; what that released. Nothing when somebody else was first."""
    organization, task = str(failed.organization_id), str(failed.task_id)
    worker = f"sweep@{socket.gethostname()}/{task}"
    handed = insist(lambda: ledger.claim(organization, task, worker))
    released = list(handed.released)
    for claimed in handed.taken:
        try:
            result = attempt.run(claimed, threading.Event())
        except attempt.Abandoned:
            continue
        after = result if isinstance(result, Outcome) else go_on(result, worker, NOTHING)
        if isinstance(after, Outcome):
            after = insist(partial(ledger.finish, organization, [after.as_row()], worker, NOTHING))
        released += after.released
    return released
