"""Going through the artifact store: what is missing, damaged or unknown, and what can be mended.

Nothing is deleted here: bytes without a row get one, and the sweep frees them after the grace period if nothing names them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from apps.core.tenancy import sweeping
from apps.executions.blobs.addresses import Key
from apps.executions.blobs.port import Backend, Stored
from apps.executions.blobs.reading import verified
from apps.executions.errors import BlobDamaged, BlobMissing
from apps.executions.models import Artifact, Blob, Task
from apps.executions.services.moving import BATCH, batches, rows_of_blobs, transfer

logger = logging.getLogger(__name__)

_LEFT_BEHIND = timedelta(days=1)
MOST_FAULTS = 1000

_OPERATIONS = """
INSERT INTO executions_pitoperation
  (organization_id, execution_id, task_id, operation_type, operation_context, resource_allocations, performed_at)
SELECT n.organization_id, n.execution_id, n.task_id, 'artifact_storage', %(context)s::jsonb, '{}', clock_timestamp()
FROM (
  SELECT a.organization_id, a.execution_id, a.task_id FROM executions_artifact a
  WHERE a.organization_id = %(organization)s AND a.content_hash = %(sha256)s
  UNION
  SELECT t.organization_id, t.execution_id, t.id FROM executions_task t
  WHERE t.organization_id = %(organization)s AND t.output_ref = %(sha256)s
  LIMIT 20) n
"""
_NAMES_WITHOUT_ROW = """
SELECT DISTINCT n.organization_id, n.sha256 FROM (
  SELECT a.organization_id, a.content_hash AS sha256 FROM executions_artifact a
  UNION ALL
  SELECT t.organization_id, t.output_ref FROM executions_task t WHERE t.output_ref IS NOT NULL) n
WHERE (%(organization)s::uuid IS NULL OR n.organization_id = %(organization)s::uuid)
  AND NOT EXISTS (SELECT FROM executions_blob b WHERE b.organization_id = n.organization_id AND b.sha256 = n.sha256)
"""
_SUSPECT_ALL = """
UPDATE executions_blob SET suspect = true
WHERE id > %s AND id <= %s AND NOT suspect
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """`what`: missing, damaged, stray (no row), unlisted (a name without a row) or leftover."""

    what: str
    where: str
    mended: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.where}" + (f" ({self.mended})" if self.mended else "")


@dataclass(slots=True)
class Report:
    blobs: int = 0
    bytes: int = 0
    unnamed: int = 0
    open: int = 0
    mended: int = 0
    faults: list[Fault] = field(default_factory=list)
    """The first thousand of them."""

    def add(self, fault: Fault) -> None:
        if fault.mended:
            self.mended += 1
        else:
            self.open += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


@dataclass(slots=True)
class Keeper:
    """Verifies one place. With `repair` it mends what can be mended, `source` being where whole bytes may be had from."""

    place: Backend
    repair: bool = False
    source: Backend | None = None
    organization: UUID | None = None
    report: Report = field(default_factory=Report)
    _told: set[Key] = field(default_factory=set)

    def verify(self) -> Report:
        for blob in rows_of_blobs(self.organization):
            self._check(Key(str(blob.organization_id), blob.sha256))
        for organization, sha256 in self._names_without_row():
            self._unlisted(Key(str(organization), sha256))
        for some in batches(self.place.listing(str(self.organization) if self.organization else None)):
            self._compare(some)
        self._clear_leftovers()
        if self.repair:
            self._suspect_all()
        return self.report

    def _check(self, key: Key) -> None:
        self.report.blobs += 1
        try:
            self.report.bytes += _size(self.place, key)
        except BlobMissing:
            if not _named(key):
                # Its writer is about to store it, or has died before it could.
                self.report.unnamed += 1
            elif _row(key) is not None:
                self._fault("missing", key, self._restore(key))
        except BlobDamaged:
            self._fault("damaged", key, self._replace(key))

    def _unlisted(self, key: Key) -> None:
        self._told.add(key)
        try:
            size = _size(self.place, key)
        except (BlobMissing, BlobDamaged):
            self._fault("missing", key, self._replace(key))
            return
        self._fault("unlisted", key, self._adopt(key, size))

    def _compare(self, some: list[Stored]) -> None:
        with sweeping():
            known = {
                (str(organization), sha256): stored
                for organization, sha256, stored in Blob.objects.filter(
                    sha256__in=[stored.key.sha256 for stored in some]
                ).values_list("organization_id", "sha256", "stored_size")
            }
        for stored in some:
            place = (stored.key.organization, stored.key.sha256)
            if place not in known:
                self._stray(stored)
            elif known[place] is None and self.repair:
                _set_stored_size(stored)

    def _stray(self, stored: Stored) -> None:
        if stored.key in self._told or _row(stored.key) is not None or self.place.stat(stored.key) is None:
            return  # stored, or freed, since they were listed
        try:
            size = _size(self.place, stored.key)
        except BlobMissing:
            return
        except BlobDamaged:
            self._fault("damaged", stored.key, self._set_aside(stored.key))
            return
        self._fault("stray", stored.key, self._adopt(stored.key, size))

    def _fault(self, what: str, key: Key, mended: str) -> None:
        self.report.add(Fault(what, f"{key.organization}/{key.sha256}", mended))
        context = {"sha256": key.sha256, "fault": f"blob_{what}", "found_by": "verify", "mended": mended or None}
        with sweeping(), connection.cursor() as cursor:
            cursor.execute(
                _OPERATIONS,
                {"context": json.dumps(context), "organization": key.organization, "sha256": key.sha256},
            )

    def _set_aside(self, key: Key) -> str:
        if not self.repair:
            return ""
        self.place.set_aside(key)
        return "set aside"

    def _replace(self, key: Key) -> str:
        """Damaged bytes are taken away, so that whole ones can come: now, or from whoever stores the same again."""
        if not self.repair:
            return ""
        self.place.set_aside(key)
        return self._restore(key)

    def _restore(self, key: Key) -> str:
        if not self.repair or self.source is None:
            return ""
        try:
            transfer(self.source, self.place, key)
        except (BlobMissing, BlobDamaged):
            return ""
        return f"restored from {self.source.url}"

    def _adopt(self, key: Key, size: int) -> str:
        if not self.repair:
            return ""
        stored = self.place.stat(key)
        with sweeping():
            Blob.objects.bulk_create(
                [
                    Blob(
                        organization_id=UUID(key.organization),
                        sha256=key.sha256,
                        size=size,
                        stored_size=stored.size if stored else None,
                    )
                ],
                ignore_conflicts=True,
            )
        return "given a row"

    def _clear_leftovers(self) -> None:
        if self.repair and self.organization is None:
            for name in self.place.leftovers(datetime.now(UTC) - _LEFT_BEHIND):
                self.report.add(Fault("leftover", name, "deleted"))

    def _names_without_row(self) -> list[tuple[UUID, str]]:
        with sweeping(), connection.cursor() as cursor:
            cursor.execute(_NAMES_WITHOUT_ROW, {"organization": self.organization})
            found: list[tuple[UUID, str]] = cursor.fetchall()
        return found

    def _suspect_all(self) -> None:
        """Names may have gone in a way that left no word, such as rows deleted by hand: the sweep looks at all anew."""
        with sweeping():
            last = Blob.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        for start in range(0, last, 10 * BATCH):
            with sweeping(), connection.cursor() as cursor:
                cursor.execute(_SUSPECT_ALL, [start, start + 10 * BATCH])


def _size(place: Backend, key: Key) -> int:
    """How many bytes are at an address, all of them read."""
    return sum(len(piece) for piece in verified(key, place.get(key)))


def _row(key: Key) -> Blob | None:
    with sweeping():
        return Blob.objects.filter(organization_id=key.organization, sha256=key.sha256).first()


def _named(key: Key) -> bool:
    with sweeping(), transaction.atomic():
        return (
            Artifact.objects.filter(organization_id=key.organization, content_hash=key.sha256).exists()
            or Task.objects.filter(organization_id=key.organization, output_ref=key.sha256).exists()
        )


def _set_stored_size(stored: Stored) -> None:
    with sweeping():
        Blob.objects.filter(
            organization_id=stored.key.organization, sha256=stored.key.sha256, stored_size__isnull=True
        ).update(stored_size=stored.size)


def faults_of(report: Report) -> Iterator[str]:
    yield from map(str, report.faults)
    hidden = report.open + report.mended - len(report.faults)
    if hidden:
        yield f"and {hidden} more"
