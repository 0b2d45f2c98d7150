"""Edits of what several people edit at once: `ETag` says what was read, `If-Match` that it is still so, else 412.

In a view below `TenantAPIView`: answer with `headers={"ETag": etag_of(row)}`, and before a change call
`check_if_match(request, row)`. It locks the row for the rest of the request: of two who read the same, one is let through.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from django.db.models import Model
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.core.errors import PreconditionFailed

_LONGEST: Final = 4_000

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what you read: 412 if it has changed since, and then nothing is done. Left out, the last "
    "one to write wins.",
)
"""For `extend_schema(parameters=…)`."""


class Editable(Protocol):
    """A row that says when it was last changed."""

    pk: Any
    updated_at: datetime


def etag_of(row: Editable) -> str:
    """A strong ETag, with its quotes: new with each change of `updated_at`, and of no other row."""
    micros = int(row.updated_at.timestamp() * 1_000_000)
    key = row.pk.hex[-12:] if isinstance(row.pk, UUID) else str(row.pk)
    return f'"{key}-{micros:x}"'


def sent_etags(request: Request) -> frozenset[str] | None:
    """What `If-Match` names, with quotes; None where nothing is asked, because it is not sent or is `*`.

    Compressing proxies turn strong tags into weak ones: `W/` is passed over.
    """
    sent = request.headers.get("If-Match")
    if sent is None or sent.strip() == "*":
        return None
    return frozenset(tag.strip().removeprefix("W/") for tag in sent[:_LONGEST].split(","))


def check_if_match(request: Request, row: Editable) -> None:
    """Lock the row until the request ends; `PreconditionFailed` unless it is (still) one that `If-Match` names.

    Who may not change the row cannot lock it: then nothing is checked, for the service says better why not.
    """
    wanted = sent_etags(request)
    if wanted is None or not isinstance(row, Model):
        return
    locked = type(row)._base_manager.select_for_update(of=("self",)).only("pk", "updated_at")  # noqa: SLF001
    current = locked.filter(pk=row.pk).first()
    if current is not None and etag_of(current) not in wanted:
        raise PreconditionFailed(etag=etag_of(current))
