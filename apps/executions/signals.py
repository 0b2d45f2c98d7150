"""Telling runs something by name."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.errors import Invalid, TooLarge
from apps.core.storable import problems_of as unstorable
from apps.executions import dispatch, ledger
from apps.executions.errors import ExecutionOver, PayloadRefused
from apps.executions.models import Execution, Signal
from apps.executions.payloads import SchemaBroken, problems_of
from apps.executions.states import EXECUTION_TERMINAL
from apps.executions.waiting import listeners
from apps.melodies.permissions import require_for

LONGEST_NAME = 200
LARGEST_PAYLOAD = 1_000_000
"""Bytes of JSON."""


def send(*, actor: User, execution: Execution, name: str, payload: Any = None, broadcast: bool = False) -> Signal:
    """Tell a run something: the step that has waited for it longest goes on, with `broadcast` all of them; a signal nobody
    waits for is kept for the first who will.

    Raises PayloadRefused when the step that would be woken has a schema the payload does not fit: then nothing is told.
    """
    require_for(actor=actor, melody=execution.melody, action=Action.WRITE)
    _check(name, payload)
    if execution.status in {status.value for status in EXECUTION_TERMINAL}:
        raise ExecutionOver
    with transaction.atomic():
        _check_schemas(execution, name, payload, broadcast=broadcast)
        releases = ledger.signal(execution.organization_id, execution.pk, name, payload, actor.pk, broadcast=broadcast)
        dispatch.send_after_commit(releases)
        # The ledger holds a lock on the name: the latest one is ours.
        return Signal.objects.filter(execution=execution, name=name).latest("received_at")


def _check(name: str, payload: Any) -> None:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        message = f"a signal's name has 1 to {LONGEST_NAME} printable characters"
        raise Invalid("This is no name.", errors=[{"code": "invalid", "message": message, "pointer": "/name"}])
    said = json.dumps(payload)
    if len(said) > LARGEST_PAYLOAD:
        raise TooLarge(f"The payload is larger than {LARGEST_PAYLOAD} bytes; keep large data in files.")
    if problems := unstorable(payload, "/payload", said):
        raise Invalid("The payload holds what cannot be stored.", errors=problems)


def _check_schemas(execution: Execution, name: str, payload: Any, *, broadcast: bool) -> None:
    waiting = listeners(execution, name)
    for task in waiting if broadcast else waiting[:1]:
        details = (task.carry or {}).get("details") or {}
        schema = details.get("schema")
        if schema is None:
            continue
        try:
            problems = problems_of(schema, payload)
        except SchemaBroken:
            # It was checked when the melody was; what it says now, the step itself will tell.
            continue
        if problems:
            raise PayloadRefused(
                f"The payload does not fit what step {task.name!r} waits for; it was not told.",
                errors=[
                    {"code": "schema", "message": problem["message"], "pointer": f"/payload{problem['pointer']}"}
                    for problem in problems
                ],
            )
