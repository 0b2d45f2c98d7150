"""What may be read of the trail and of the history, and by whom; and all of it as records, for those who verify."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from heapq import merge
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from apps.accounts import queries as accounts
from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.audit.models import HISTORIES, AuditEntry, RowHistory, rows_of
from apps.audit.records import ENTRY, HEAD, SEGMENT, Record
from apps.core.errors import NotFound
from apps.core.tenancy import staff


def entries(*, actor: User, organization: Organization) -> QuerySet[AuditEntry]:
    """What happened in an organization, to its admins. Evaluate it while acting as the actor."""
    require(actor=actor, organization=organization, action=Action.ADMINISTER)
    return AuditEntry.objects.filter(organization=organization).select_related("actor")


def activity(*, actor: User) -> QuerySet[AuditEntry]:
    """What the actor did, and what concerns their account. Evaluate it while acting as them."""
    own = accounts.organizations(actor=actor).values("pk")
    mine = (
        Q(organization=None, chain=actor.pk) | Q(organization=None, actor=actor) | Q(actor=actor, organization__in=own)
    )
    return AuditEntry.objects.filter(mine).select_related("actor")


def history(*, actor: User, kind: str, object_id: UUID) -> QuerySet[RowHistory]:
    """What became of a thing, newest first, to whoever sees it; to admins also when it is gone."""
    unseen = NotFound("There is no such thing, or it is not yours to see.")
    if kind not in HISTORIES:
        raise unseen
    found = rows_of(HISTORIES[kind], object_id)
    newest = found.first()
    if newest is None:
        raise unseen
    organization_id = object_id if kind == "organization" else newest.organization  # type: ignore[attr-defined]
    if organization_id is not None and not accounts.organizations(actor=actor).filter(pk=organization_id).exists():
        raise unseen
    return found


_ENTRIES: Final = """
    SELECT e.previous_hash, e.chain::text, e.sequence::text, e.id::text, e.organization_id::text, e.action,
           e.actor_id::text, e.actor_kind, e.channel, e.request_id, e.correlation_id, e.address, e.user_agent,
           e.target_type, e.target_id, e.target_name, e.before::text, e.after::text,
           to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.hash
    FROM audit_auditentry e WHERE {where} ORDER BY e.chain, e.sequence
"""
_COLUMNS: Final = (
    "previous_hash", "chain", "sequence", "id", "organization", "action", "actor", "actor_kind", "channel", "request_id",
    "correlation_id", "address", "user_agent", "target_type", "target_id", "target_name", "before", "after",
    "occurred_at", "hash",
)  # fmt: skip
_SEGMENTS: Final = """
    SELECT chain::text, first_sequence, last_sequence, previous_hash, last_hash, file, file_sha256,
           discarded_at IS NOT NULL
    FROM audit_auditsegment WHERE {where} ORDER BY chain, first_sequence
"""
_SEGMENT_COLUMNS: Final = (
    "chain", "first_sequence", "last_sequence", "previous_hash", "last_hash", "file", "file_sha256", "discarded",
)  # fmt: skip
_HEADS: Final = "SELECT id::text, length, hash FROM audit_auditchain WHERE {where} ORDER BY id"
_RANK: Final = {SEGMENT: 0, ENTRY: 1, HEAD: 2}
_AT_ONCE: Final = 2_000


@contextmanager
def snapshot() -> Iterator[None]:
    """The trail of everybody, as it is at one moment however long reading it takes. As the owner of the tables."""
    fresh = not connection.in_atomic_block
    with transaction.atomic():
        if fresh:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with staff():
            yield


def records(chain: UUID | None = None) -> Iterator[Record]:
    """All records, or those of one chain; call it in a `snapshot`."""
    of_chain = "chain = %s" if chain else "true"
    parameters = [chain] if chain else []
    heads = _HEADS.format(where="id = %s" if chain else "true")
    streams = (
        _stream(SEGMENT, _SEGMENT_COLUMNS, _SEGMENTS.format(where=of_chain), parameters),
        _stream(ENTRY, _COLUMNS, _ENTRIES.format(where=of_chain), parameters),
        _stream(HEAD, ("chain", "length", "hash"), heads, parameters),
    )
    return merge(*streams, key=lambda record: (record["chain"], _RANK[record["kind"]]))


def entry_records(chain: UUID, first: int, last: int) -> Iterator[Record]:
    """Some entries of a chain, by their numbers; call it in a transaction, as staff."""
    where = "chain = %s AND sequence BETWEEN %s AND %s"
    return _stream(ENTRY, _COLUMNS, _ENTRIES.format(where=where), [chain, first, last])


def _stream(kind: str, columns: tuple[str, ...], sql: str, parameters: list[Any]) -> Iterator[Record]:
    """By a cursor of the server: rows come as they are read."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(_AT_ONCE):
            for row in rows:
                yield {"kind": kind, **dict(zip(columns, row, strict=True))}


__all__ = ["activity", "entries", "entry_records", "history", "records", "snapshot"]
