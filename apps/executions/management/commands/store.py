"""`manage.py store`: verify the artifact store, and copy it to another place."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from apps.accounts.models import Organization
from apps.core.errors import SymphonyError
from apps.core.tenancy import sweeping
from apps.executions.blobs.locations import LocationError
from apps.executions.blobs.places import current, place
from apps.executions.blobs.port import Backend
from apps.executions.services.moving import Moved, copy
from apps.executions.services.storekeeping import Keeper, faults_of


class Command(BaseCommand):
    help = "Verify the artifact store, or copy it to another place. docs/store.md says more."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        verify = actions.add_parser("verify", help="Read everything; fails and names what is missing or damaged.")
        verify.add_argument("--repair", action="store_true", help="Mend what can be mended; nothing is deleted.")
        verify.add_argument("--from", dest="source", metavar="URL", help="A place that whole bytes may be had from.")
        verify.add_argument("--at", metavar="URL", help="Another place than the one in the settings.")
        moving = actions.add_parser("copy", help="Copy all bytes; goes on where it was when it is started again.")
        moving.add_argument(
            "--to", required=True, metavar="URL", help="file:///folder or s3://bucket/prefix?endpoint=…"
        )
        moving.add_argument("--from", dest="source", metavar="URL", help="Another place than the one in the settings.")
        moving.add_argument("--threads", type=int, default=8, help="How many at a time (8).")
        for each in (verify, moving):
            each.add_argument("--organization", help="Only this one's, by id or slug.")

    def handle(self, *_args: Any, action: str, organization: str | None, **options: Any) -> None:
        if not _sees_rows():
            raise CommandError(
                "The rows of the store are seen by a worker's database login only: set SYMPHONY_ROLE=worker."
            )
        try:
            getattr(self, action)(organization=_organization(organization), **options)
        except SymphonyError as error:
            raise CommandError(error.detail) from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def verify(self, *, organization: UUID | None, repair: bool, source: str | None, at: str | None, **_: Any) -> None:
        if source and not repair:
            raise CommandError("--from is of use with --repair only.")
        keeper = Keeper(
            _place(at, "--at"),
            repair=repair,
            source=_place(source, "--from") if source else None,
            organization=organization,
        )
        report = keeper.verify()
        summary = f"{report.blobs} blobs, {report.bytes} bytes read, {report.mended} faults mended"
        for line in faults_of(report):
            self.stderr.write(line)
        if report.open:
            raise CommandError(f"{report.open} faults are open ({summary}).", returncode=1)
        self.stdout.write(f"The store at {keeper.place.url} is whole: {summary}.")

    def copy(self, *, organization: UUID | None, to: str, source: str | None, threads: int, **_: Any) -> None:
        if not 1 <= threads <= 64:
            raise CommandError("--threads is 1 to 64.")
        origin, target = _place(source, "--from"), _place(to, "--to")
        if origin.url == target.url:
            raise CommandError("--to is the place the bytes are in already.")
        moved = copy(origin, target, organization=organization, threads=threads, told=self._tell)
        for fault in moved.faults:
            self.stderr.write(fault)
        summary = f"{moved.copied} blobs copied to {target.url}, {moved.bytes} bytes; {moved.there} were there already"
        if moved.faults:
            raise CommandError(f"{len(moved.faults)} blobs could not be copied ({summary}).", returncode=1)
        self.stdout.write(f"{summary}.")

    def _tell(self, moved: Moved) -> None:
        self.stderr.write(f"{moved.copied + moved.there} blobs …")


def _sees_rows() -> bool:
    """Whether the policies for workers are this login's; to any other the store would look empty, and so whole."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(current_user, 'symphony_worker', 'USAGE')")
        return bool(cursor.fetchone()[0])


def _place(url: str | None, option: str) -> Backend:
    if url is None:
        return current()
    try:
        return place(url)
    except LocationError as error:
        raise CommandError(f"{option} names no place for bytes. {error}") from error


def _organization(named: str | None) -> UUID | None:
    if named is None:
        return None
    try:
        return UUID(named)
    except ValueError:
        with sweeping():
            found = Organization.objects.filter(slug=named).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no organization {named!r}.")
    return found
