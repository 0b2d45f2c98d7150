"""Deciding about tasks that wait for people."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.errors import Forbidden, Invalid
from apps.core.storable import text_is_sound
from apps.core.trail import leave_trace
from apps.executions import dispatch, ledger
from apps.executions.errors import AlreadyDecided, NotWaiting
from apps.executions.models import Decision, Task
from apps.executions.waiting import DECIDING, waiting_for
from apps.melodies.permissions import require_for

LONGEST_COMMENT = 2000
CHOICES = ("approve", "reject")


def decide(*, actor: User, task: Task, decision: str, comment: str = "") -> Decision:
    """Record what somebody says to a task that waits for approval; the last vote that is needed lets it go on.

    Raises NotWaiting, AlreadyDecided, or Forbidden for a role that does not suffice and for whoever may not judge their
    own run.
    """
    role = require_for(actor=actor, melody=task.execution.melody, action=Action.WRITE)
    if decision not in CHOICES:
        raise Invalid("`decision` is approve or reject.", errors=[_problem("decision", "it is approve or reject")])
    if len(comment) > LONGEST_COMMENT:
        raise Invalid("The comment is too long.", errors=[_problem("comment", f"at most {LONGEST_COMMENT} characters")])
    if not text_is_sound(comment):
        raise Invalid("The comment is no text.", errors=[_problem("comment", "it holds a NUL or half a character")])
    with transaction.atomic():
        # Asked anew meanwhile, the task may need another role, or another question may be meant.
        present = Task.objects.select_for_update().get(pk=task.pk)
        if present.attempt != task.attempt:
            raise NotWaiting
        _decide(actor, role, present, decision, comment)
    task.refresh_from_db()
    return Decision.objects.filter(task_id=task.pk, user=actor).latest("id")


def _decide(actor: User, role: str, task: Task, decision: str, comment: str) -> None:
    asked = waiting_for(task)
    if asked is None or asked.reason != "approval":
        raise NotWaiting
    if asked.role not in DECIDING.get(role, ()):
        raise Forbidden(f"This needs the role {asked.role} or above; you are {role} of {task.organization.name}.")
    if asked.details.get("exclude_submitter") is True and task.execution.created_by_id == actor.pk:
        raise Forbidden("You have started this run; somebody else must decide.")
    decided = ledger.decide(task.pk, actor.pk, actor.email, role, decision, comment)
    if decided.outcome == "already":
        raise AlreadyDecided
    if decided.outcome == "not_waiting":
        raise NotWaiting
    leave_trace(
        "approval.decided",
        actor=actor,
        organization=task.organization,
        target=task.execution,
        after={"step": task.name, "decision": decision, "comment": comment},
        correlation_id=task.execution.correlation_id,
    )
    dispatch.send_after_commit(decided.released)


def _problem(field: str, message: str) -> dict[str, str]:
    return {"code": "invalid", "message": message, "pointer": f"/{field}"}
