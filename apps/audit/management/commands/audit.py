"""`manage.py audit`: verify the trail, hand it out, move old entries to files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.accounts.models import Organization
from apps.audit import archiving, queries
from apps.audit.records import Report, Unreadable, check, line, read
from apps.core.errors import SymphonyError
from apps.core.tenancy import staff


class Command(BaseCommand):
    help = "Verify the audit trail, export it, or move old entries to files."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        verify = actions.add_parser("verify", help="Recompute every chain; fails and names the first broken entries.")
        _which(verify)
        verify.add_argument("--archives", action="store_true", help="Read the archived files too.")
        verify.add_argument("--file", type=Path, help="Verify an export instead of the database.")
        export = actions.add_parser(
            "export", help="Write the trail as JSON lines; docs/audit.md says how to verify them."
        )
        _which(export)
        export.add_argument("--output", type=Path, help="A file instead of standard output.")
        archive = actions.add_parser("archive", help="Move old entries to files and keep the chains whole.")
        archive.add_argument("--older-than", type=int, default=archiving.ARCHIVED_AFTER.days, metavar="DAYS")
        archive.add_argument(
            "--keep", type=int, default=archiving.KEPT.days, metavar="DAYS", help="Remove files after so many days."
        )
        for each in (verify, archive):
            each.add_argument("--folder", type=Path, default=settings.SYMPHONY_AUDIT_DIR, help="Where the files are.")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, action)(**options)
        except SymphonyError as error:
            raise CommandError(error.detail) from error
        except Unreadable as error:
            raise CommandError(str(error)) from error

    def verify(self, *, folder: Path, archives: bool, file: Path | None, **which: Any) -> None:
        if file is not None:
            report = check(read(file))
        else:
            opened = archiving.Opened(folder) if archives else None
            with queries.snapshot():
                report = check(queries.records(_chain(which)), opened)
        self._tell(report)

    def _tell(self, report: Report) -> None:
        summary = f"{report.chains} chains, {report.entries} entries, {report.archived} more in archives"
        if not report.broken:
            self.stdout.write(f"The trail is whole: {summary}.")
            return
        for fault in report.faults:
            self.stderr.write(str(fault))
        raise CommandError(f"{report.broken} of the chains are broken ({summary}).", returncode=1)

    def export(self, *, output: Path | None, **which: Any) -> None:
        with queries.snapshot(), _opened(output, self.stdout) as file:
            for record in queries.records(_chain(which)):
                file.write(line(record))

    def archive(self, *, folder: Path, older_than: int, keep: int, **_: Any) -> None:
        if not 0 < older_than <= keep:
            raise CommandError("--older-than is at least one day, and --keep no less than that.")
        now = timezone.now()
        done = archiving.archive(
            folder=folder, older_than=now - timedelta(days=older_than), kept_since=now - timedelta(days=keep)
        )
        self.stdout.write(
            f"{done.entries} entries moved to {done.segments} files in {folder}; {done.discarded} files removed."
        )


def _which(parser: Any) -> None:
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--organization", help="Only this one, by id or slug.")
    only.add_argument("--chain", type=UUID, help="Only this chain; that of a person has the person's id.")


def _chain(which: dict[str, Any]) -> UUID | None:
    named = which.get("organization")
    if named is None:
        chain: UUID | None = which.get("chain")
        return chain
    try:
        return UUID(named)
    except ValueError:
        with staff():
            found = Organization.objects.filter(slug=named).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no organization {named!r}.")
    return found


@contextmanager
def _opened(output: Path | None, standard: Any) -> Iterator[IO[str]]:
    if output is None:
        yield standard
        return
    with output.open("w", encoding="utf-8") as file:
        yield file
