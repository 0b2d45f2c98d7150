from __future__ import annotations

from typing import Any, Final

from django.dispatch import receiver

from apps.accounts.events import person_erasing, personal_data_requested
from apps.accounts.models import User
from apps.audit import queries, services
from apps.core.trail import traced

MOST_EXPORTED: Final = 10_000


@receiver(traced)
def keep_trace(signal: Any, sender: Any, **trace: Any) -> None:
    """In the transaction of what it tells of: neither is there without the other."""
    services.record(**trace)


@receiver(personal_data_requested)
def export_activity(user: User, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    """What they did and what concerns their account, newest first."""
    fields = (
        "action",
        "occurred_at",
        "organization_id",
        "address",
        "user_agent",
        "target_type",
        "target_name",
        "before",
        "after",
    )
    found = queries.activity(actor=user).values(*fields)[:MOST_EXPORTED]
    return "activity", [
        {
            **entry,
            "occurred_at": entry["occurred_at"].isoformat(),
            "organization_id": None if entry["organization_id"] is None else str(entry["organization_id"]),
        }
        for entry in found
    ]


@receiver(person_erasing)
def say_what_stays(user: User, **_: Any) -> str:
    return (
        "What you did stays in the audit trail, and in the history of what you edited together with others, for as long as "
        "those are kept (the trail for a year): nobody can change them."
    )
