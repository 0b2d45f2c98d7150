"""Whatever is done to the trail behind the database's back is found and named; what is archived stays verifiable."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Organization, User
from apps.audit import archiving, queries
from apps.audit.models import AuditEntry
from apps.audit.records import check
from apps.core.errors import Conflict
from apps.core.tenancy import staff
from apps.core.trail import leave_trace

Seal = Callable[[], None]


def verify(*arguments: str) -> str:
    """What the command says; its complaints when it fails."""
    out, complaints = StringIO(), StringIO()
    try:
        call_command("audit", "verify", *arguments, stdout=out, stderr=complaints)
    except CommandError as error:
        return f"{complaints.getvalue()}{error} ({error.returncode})"
    return out.getvalue()


def tamper(*statements: str, parameters: Any = ()) -> None:
    """As whoever has all power over the database: without triggers."""
    tables = ("audit_auditentry", "audit_auditchain", "audit_auditsegment")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("SELECT set_config('app.audit', 'writing', true)")
        for statement in statements:
            cursor.execute(statement, parameters)
            assert cursor.rowcount > 0
        cursor.execute("SELECT set_config('app.audit', '', true)")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def chain(alice: User, orchestra: Organization, seal: Seal) -> UUID:
    """Ten entries more, of all that an entry may hold."""
    for number in range(10):
        leave_trace(
            "score.changed",
            actor=alice if number % 2 else None,
            organization=orchestra,
            target=orchestra,
            before={"n": number, "text": 'quote " and \\ and \n and Ōsaka 🎻', "price": 1.50},
            after={"deep": [{"a": None}, True, 1e300]},
        )
    seal()
    return orchestra.pk


COPY_OF_THE_FIFTH = """
    INSERT INTO audit_auditentry (id, chain, action, actor_kind, channel, request_id, correlation_id, address, user_agent,
        target_type, target_id, target_name, before, after, occurred_at, transaction, previous_hash, organization_id)
    SELECT gen_random_uuid(), chain, action, actor_kind, channel, request_id, correlation_id, address, user_agent,
        target_type, target_id, target_name, before, after, occurred_at, transaction, '', organization_id
    FROM audit_auditentry WHERE chain = %s AND sequence = 5
"""


@pytest.mark.django_db
class TestTampering:
    def test_a_whole_trail(self, chain: UUID) -> None:
        assert verify().startswith("The trail is whole")
        assert verify("--organization", "orchestra").startswith("The trail is whole: 1 chains")
        with pytest.raises(CommandError, match="no organization"):
            call_command("audit", "verify", "--organization", "nobody")

    @pytest.mark.parametrize(
        ("statement", "told"),
        [
            ("UPDATE audit_auditentry SET action = 'score.kept' WHERE chain = %s AND sequence = 5", "number 5, entry"),
            ("UPDATE audit_auditentry SET before = '{}' WHERE chain = %s AND sequence = 5", "it was changed"),
            (
                "UPDATE audit_auditentry SET actor_id = gen_random_uuid() WHERE chain = %s AND sequence = 5",
                "it was changed",
            ),
            (
                "UPDATE audit_auditentry SET occurred_at = occurred_at + interval '1 us' WHERE chain = %s AND sequence = 5",
                "it was changed",
            ),
            ("DELETE FROM audit_auditentry WHERE chain = %s AND sequence = 5", "1 entry is missing before number 6"),
            (
                "DELETE FROM audit_auditentry WHERE chain = %s AND sequence > 8",
                "are missing",
            ),
            ("DELETE FROM audit_auditentry WHERE chain = %s", "entries are missing"),
            ("UPDATE audit_auditchain SET length = 8 WHERE id = %s", "says that it ends at number 8"),
            ("DELETE FROM audit_auditchain WHERE id = %s", "the end of the chain is not on record"),
            (
                COPY_OF_THE_FIFTH,
                "it was never sealed",
            ),
        ],
    )
    def test_is_found(self, chain: UUID, statement: str, told: str) -> None:
        tamper(statement, parameters=[chain])
        said = verify()
        assert told in said
        assert str(chain) in said
        assert "1 of the chains" in said
        assert said.endswith("(1)")

    def test_two_entries_that_changed_places(self, chain: UUID) -> None:
        tamper(
            "UPDATE audit_auditentry SET sequence = 1005 WHERE chain = %s AND sequence = 5",
            "UPDATE audit_auditentry SET sequence = 5 WHERE chain = %s AND sequence = 6",
            "UPDATE audit_auditentry SET sequence = 6 WHERE chain = %s AND sequence = 1005",
            parameters=[chain],
        )
        assert "number 5, entry" in verify()

    def test_an_entry_that_was_hashed_anew(self, chain: UUID) -> None:
        tamper(
            "UPDATE audit_auditentry SET hash = encode(sha256('x'), 'hex') WHERE chain = %s AND sequence = 5",
            parameters=[chain],
        )
        assert "number 5, entry" in verify()

    def test_a_large_trail_is_never_in_memory(self, chain: UUID) -> None:
        held: list[int] = []
        with queries.snapshot():
            report = check(_counted(queries.records(), held))
        assert report.broken == 0
        assert report.entries + report.chains == len(held)


def _counted(records: Any, held: list[int]) -> Any:
    for record in records:
        held.append(1)
        yield record


@pytest.mark.django_db
class TestExport:
    def test_can_be_verified_without_the_database(self, chain: UUID, tmp_path: Path) -> None:
        path = tmp_path / "audit.jsonl"
        call_command("audit", "export", "--organization", str(chain), "--output", str(path))
        assert verify("--file", str(path)).startswith("The trail is whole: 1 chains")
        lines = path.read_text().splitlines()
        assert json.loads(lines[-1])["kind"] == "head"
        forged = json.loads(lines[3]) | {"action": "score.kept"}
        path.write_text("\n".join([*lines[:3], json.dumps(forged), *lines[4:]]) + "\n")
        assert "it was changed" in verify("--file", str(path))
        path.write_text("no export\n")
        assert "line 1" in verify("--file", str(path))

    def test_goes_to_standard_output(self, chain: UUID) -> None:
        out = StringIO()
        call_command("audit", "export", stdout=out)
        assert {json.loads(line)["kind"] for line in out.getvalue().splitlines()} == {"entry", "head"}


@pytest.mark.django_db
class TestArchive:
    def archive(self, folder: Path, *, days: float = 0, kept: float = 365) -> archiving.Archived:
        now = timezone.now()
        return archiving.archive(
            folder=folder, older_than=now - timedelta(days=days), kept_since=now - timedelta(days=kept)
        )

    def test_the_chain_goes_on_across_the_cut(
        self, chain: UUID, orchestra: Organization, tmp_path: Path, seal: Seal
    ) -> None:
        done = self.archive(tmp_path)
        assert done.entries >= 10
        with staff():
            assert not AuditEntry.objects.filter(chain=chain).exists()
        leave_trace("score.changed", organization=orchestra)
        seal()
        assert "The trail is whole" in verify("--archives", "--folder", str(tmp_path))
        again = self.archive(tmp_path)
        assert again.entries == 1
        assert "The trail is whole" in verify("--archives", "--folder", str(tmp_path))

    def test_young_entries_stay(self, chain: UUID, tmp_path: Path) -> None:
        assert self.archive(tmp_path, days=1) == archiving.Archived()
        assert list(tmp_path.iterdir()) == []

    def test_files_that_were_changed_or_lost_are_found(self, chain: UUID, tmp_path: Path) -> None:
        self.archive(tmp_path)
        (path,) = tmp_path.glob(f"{chain}-*")
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + b"x")
        assert "was changed" in verify("--archives", "--folder", str(tmp_path))
        path.unlink()
        assert "cannot be read" in verify("--archives", "--folder", str(tmp_path))
        # Without the files the anchors say enough to verify the rest.
        assert "The trail is whole" in verify()

    def test_what_is_broken_is_not_archived(self, chain: UUID, tmp_path: Path) -> None:
        tamper("UPDATE audit_auditentry SET action = 'x' WHERE chain = %s AND sequence = 5", parameters=[chain])
        with pytest.raises(Conflict, match="number 5"):
            self.archive(tmp_path)
        assert not list(tmp_path.glob(f"{chain}-*"))
        with staff():
            assert AuditEntry.objects.filter(chain=chain).count() >= 10

    def test_files_go_when_their_time_is_over(self, chain: UUID, tmp_path: Path) -> None:
        done = self.archive(tmp_path, kept=0)
        assert done.discarded == done.segments
        assert list(tmp_path.iterdir()) == []
        assert "The trail is whole" in verify("--archives", "--folder", str(tmp_path))

    def test_a_segment_is_a_reason_for_its_own_entries_only(
        self, chain: UUID, orchestra: Organization, tmp_path: Path, seal: Seal
    ) -> None:
        self.archive(tmp_path)
        leave_trace("score.changed", organization=orchestra)
        seal()
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.audit', 'writing', true)")
            with pytest.raises(IntegrityError, match="stays as it is"):
                cursor.execute("DELETE FROM audit_auditentry WHERE chain = %s", [chain])
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain_each(
    alice: User, orchestra: Organization, home_of: Callable[[User], Organization]
) -> None:
    """Threads that commit at the same moment, each to both organizations, in either order."""
    home = home_of(alice)
    threads, rounds = 6, 8
    barrier = Barrier(threads)

    def write(number: int) -> None:
        order = (orchestra, home) if number % 2 else (home, orchestra)
        barrier.wait(20)
        try:
            for _ in range(rounds):
                with transaction.atomic():
                    for organization in order:
                        leave_trace("score.changed", actor=alice, organization=organization)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(threads)))
    with queries.snapshot():
        report = check(queries.records())
    assert report.broken == 0
    with staff():
        assert AuditEntry.objects.filter(action="score.changed").count() == 2 * threads * rounds


@pytest.mark.django_db(transaction=True)
def test_a_long_transaction_keeps_no_other_waiting(alice: User, orchestra: Organization) -> None:
    """The chain is locked for a commit, not from the trace on."""

    def other() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '5s'")
                leave_trace("score.changed", actor=alice, organization=orchestra)
        finally:
            connection.close()

    with transaction.atomic():
        leave_trace("score.changed", actor=alice, organization=orchestra)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(other).result(20)
    with queries.snapshot():
        assert check(queries.records(orchestra.pk)).broken == 0


@pytest.mark.django_db
def test_many_entries_of_one_transaction_are_sealed_together(orchestra: Organization, seal: Seal) -> None:
    """In time that grows with their number, not with its square: 5,000 take a second or two."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(audit_record(gen_random_uuid(), %s, NULL, 'score.changed', NULL, 'person', '', '', '', '', '', '',"
            " '', '', '{}', '{}')) FROM generate_series(1, 5000)",
            [orchestra.pk],
        )
        cursor.execute("SET LOCAL statement_timeout = '20s'")
    seal()
    with queries.snapshot():
        report = check(queries.records(orchestra.pk))
    assert (report.broken, report.entries >= 5000) == (0, True)
