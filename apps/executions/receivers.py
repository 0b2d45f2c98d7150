"""What executions answer to apps below them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.dispatch import receiver

from apps.accounts.events import person_erasing, personal_data_requested
from apps.accounts.models import User
from apps.billing.entitlements import Quota
from apps.billing.measures import measures
from apps.executions.models import Blob, Conversation, Decision, Execution, MelodyStatistics, PlanNode, Signal, Task
from apps.executions.states import TaskStatus
from apps.melodies.events import melodies_deleting

ERASED_PERSON = "somebody who has left"


@measures(Quota.CONCURRENT_EXECUTIONS)
def count_open_executions(organization_id: UUID) -> int:
    return Execution.objects.filter(organization_id=organization_id, completed_at__isnull=True).count()


@measures(Quota.CONCURRENT_TASKS)
def count_running_tasks(organization_id: UUID) -> int:
    """Of runs that are not over: the others have none."""
    alive = Execution.objects.filter(organization_id=organization_id, completed_at__isnull=True).values("pk")
    return Task.objects.filter(execution__in=alive, status=TaskStatus.EXECUTING).count()


@measures(Quota.STORAGE_BYTES)
def count_stored_bytes(organization_id: UUID) -> int:
    total = Blob.objects.filter(organization_id=organization_id).aggregate(bytes=Sum("size"))["bytes"]
    return int(total or 0)


@receiver(personal_data_requested, dispatch_uid="executions")
def tell_personal_data(*, user: User, **_: Any) -> tuple[str, Any]:
    runs = Execution.objects.filter(created_by=user).order_by("id")
    decisions = Decision.objects.filter(user=user)
    signals = Signal.objects.filter(sent_by=user)
    return "executions", {
        "started": list(
            runs.values("id", "melody_id", "status", "correlation_id", "input", "created_at", "completed_at")
        ),
        "decisions": list(decisions.values("execution_id", "task_id", "decision", "comment", "decided_at")),
        "signals": list(signals.values("execution_id", "name", "payload", "received_at")),
    }


@receiver(person_erasing, dispatch_uid="executions")
def forget_person(*, user: User, **_: Any) -> str:
    Decision.objects.filter(user=user).update(person=ERASED_PERSON)
    return (
        "Runs you started stay with their organizations. Your decisions in them are no longer under your name; the events and "
        "results of those runs still hold the address you decided under, until the organization lets the runs go."
    )


@receiver(melodies_deleting, dispatch_uid="executions")
def let_melodies_go(*, melody_ids: Sequence[UUID], **_: Any) -> None:
    """Rows no foreign key leads to. Runs keep their melody from being deleted."""
    PlanNode.objects.filter(version__melody_id__in=melody_ids).delete()
    MelodyStatistics.objects.filter(melody_id__in=melody_ids).delete()
    Conversation.objects.filter(scope__in=melody_ids).delete()
