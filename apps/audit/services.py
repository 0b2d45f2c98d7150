"""The only writer of the trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.audit.content import changes, text
from apps.audit.models import ActorKind
from apps.core.ids import uuid7
from apps.core.origin import ADMIN, WORKER, Origin, current_origin

_PERSON: Final = "accounts.user"
_RECORD: Final = f"SELECT audit_record({', '.join(['%s'] * 14)}, %s::jsonb, %s::jsonb)"


def record(
    *,
    action: str,
    actor_id: UUID | None = None,
    organization_id: UUID | None = None,
    target_type: str = "",
    target_id: str = "",
    target_name: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    correlation_id: UUID | str | None = None,
) -> UUID:
    """Write an entry in the transaction that is open; one round trip. It is sealed when that commits.

    Where it comes from is what `apps.core.origin` says. Returns the entry's id.
    """
    origin = current_origin()
    identifier = uuid7()
    old, new = changes(before or {}, after or {})
    parameters = [
        identifier,
        organization_id,
        _person(actor_id, target_type, target_id) if organization_id is None else None,
        text(action, 100),
        actor_id,
        actor_kind(actor_id, origin),
        text(origin.channel, 10),
        text(origin.request_id, 64),
        text(correlation_id or "", 64),
        text(origin.address, 45),
        text(origin.user_agent, 300),
        text(target_type, 100),
        text(target_id, 100),
        text(target_name, 200),
        json.dumps(old, ensure_ascii=False),
        json.dumps(new, ensure_ascii=False),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, parameters)
    return identifier


def actor_kind(actor_id: UUID | None, origin: Origin) -> str:
    """What kind of somebody it was, from the door they came in by."""
    if origin.channel == WORKER:
        return ActorKind.WORKER
    if origin.channel == ADMIN:
        return ActorKind.STAFF
    if origin.credential == "token":
        return ActorKind.TOKEN
    return ActorKind.PERSON if actor_id is not None or origin.channel in ("api", "pages") else ActorKind.COMMAND


def _person(actor_id: UUID | None, target_type: str, target_id: str) -> UUID | None:
    """Whom an entry without an organization is about, and whose chain it stands in."""
    if target_type == _PERSON:
        try:
            return UUID(target_id)
        except ValueError:
            return actor_id
    return actor_id
