"""Moving old entries to files, so that the trail stays whole across the cut.

A segment of a chain is written, read back and verified before its rows go; the row that says so is what later entries
are anchored to. As the owner of the tables: nobody else may remove an entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.audit import queries
from apps.audit.chain import Walk
from apps.audit.models import AuditEntry, AuditSegment
from apps.audit.records import Record, Unreadable, read, sha256_of, write_packed
from apps.core.errors import Conflict
from apps.core.tenancy import local_setting, staff

ARCHIVED_AFTER: Final = timedelta(days=182)
KEPT: Final = timedelta(days=365)
LARGEST_SEGMENT: Final = 50_000


@dataclass(frozen=True, slots=True)
class Archived:
    segments: int = 0
    entries: int = 0
    discarded: int = 0


def archive(*, folder: Path, older_than: datetime, kept_since: datetime | None = None) -> Archived:
    """Move entries from before `older_than` to files in `folder`; remove files that end before `kept_since`.

    Raises `Conflict` where a chain is broken: what cannot be verified is not moved.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    segments = entries = 0
    for chain in _chains(older_than):
        while (written := _archive_next(folder, chain, older_than)) is not None:
            segments += 1
            entries += written
    return Archived(segments, entries, 0 if kept_since is None else _discard(folder, kept_since))


@dataclass(frozen=True, slots=True)
class Opened:
    """The entries of a segment, from its file; raises `Unreadable` when that is not the file that was written."""

    folder: Path

    def __call__(self, segment: Record) -> Iterator[Record]:
        path = self.folder / Path(segment["file"]).name
        try:
            found = sha256_of(path)
        except OSError as error:
            raise Unreadable(f"the archive {path.name} cannot be read: {error.strerror}") from error
        if found != segment["file_sha256"]:
            raise Unreadable(f"the archive {path.name} was changed")
        return read(path)


def _chains(older_than: datetime) -> list[UUID]:
    with staff():
        old = AuditEntry.objects.filter(occurred_at__lt=older_than, sequence__isnull=False)
        return list(old.order_by("chain").values_list("chain", flat=True).distinct())


def _archive_next(folder: Path, chain: UUID, older_than: datetime) -> int | None:
    """One segment, in one transaction; the number of its entries, or None when nothing old is left."""
    with transaction.atomic(), staff():
        anchor = AuditSegment.objects.filter(chain=chain).order_by("last_sequence").last()
        first = anchor.last_sequence + 1 if anchor else 1
        last = min(_last_old(chain, older_than), first + LARGEST_SEGMENT - 1)
        if last < first:
            return None
        begin = Walk(str(chain), first - 1, anchor.last_hash if anchor else "")
        path = folder / f"{chain}-{first:012d}-{last:012d}.jsonl.gz"
        write_packed(path, queries.entry_records(chain, first, last))
        end = _verified(begin, path, last)
        _replace_by_file(chain, first, begin.hash, end, path)
        return last - first + 1


def _last_old(chain: UUID, older_than: datetime) -> int:
    """The number up to which all entries are old; numbers are given at commit, times before it."""
    rows = AuditEntry.objects.filter(chain=chain, sequence__isnull=False)
    young = rows.filter(occurred_at__gte=older_than).order_by("sequence").values_list("sequence", flat=True).first()
    if young is not None:
        return young - 1
    return rows.order_by("-sequence").values_list("sequence", flat=True).first() or 0


def _verified(begin: Walk, path: Path, last: int) -> Walk:
    walk = Walk(begin.chain, begin.sequence, begin.hash)
    for record in read(path):
        walk.entry(record, record["hash"])
    if walk.fault is None:
        walk.head(last, walk.hash)
    if walk.fault is not None:
        path.unlink()
        raise Conflict(f"Nothing more is archived, for the trail is broken: {walk.fault}.")
    return walk


def _replace_by_file(chain: UUID, first: int, previous_hash: str, end: Walk, path: Path) -> None:
    rows = AuditEntry.objects.filter(chain=chain, sequence__gte=first, sequence__lte=end.sequence)
    newest = rows.order_by("-occurred_at").values_list("occurred_at", flat=True)[0]
    with local_setting("app.audit", "writing"):
        AuditSegment.objects.create(
            chain=chain,
            first_sequence=first,
            last_sequence=end.sequence,
            previous_hash=previous_hash,
            last_hash=end.hash,
            last_occurred_at=newest,
            file=path.name,
            file_sha256=sha256_of(path),
            archived_at=timezone.now(),
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM audit_auditentry WHERE chain = %s AND sequence BETWEEN %s AND %s",
                [chain, first, end.sequence],
            )
            if cursor.rowcount != end.sequence - first + 1:
                raise Conflict(f"The chain {chain} changed while it was archived; nothing was removed.")


def _discard(folder: Path, kept_since: datetime) -> int:
    """Files whose time is over go; the row stays, as the anchor of what follows."""
    with staff():
        over = list(AuditSegment.objects.filter(last_occurred_at__lt=kept_since, discarded_at=None))
    for segment in over:
        (folder / Path(segment.file).name).unlink(missing_ok=True)
        with local_setting("app.audit", "writing"):
            AuditSegment.objects.filter(pk=segment.pk).update(discarded_at=timezone.now())
    return len(over)
