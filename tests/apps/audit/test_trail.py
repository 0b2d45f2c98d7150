"""Traces become entries: who, what, where from; in the transaction of what they tell of, and by nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import Error, connection, transaction

from apps.accounts import services
from apps.accounts.models import Organization, User
from apps.audit.models import AuditChain, AuditEntry
from apps.core.origin import ADMIN, API, COMMAND, WORKER, Origin, coming_from, let_in_by
from apps.core.tenancy import acting_as, staff
from apps.core.trail import keeping_traces_for_later, leave_trace

pytestmark = pytest.mark.django_db

EntryOf = Callable[[str], AuditEntry]
REFUSED = r"stays as it is|permission denied|row-level security"


def test_a_trace_is_an_entry(alice: User, orchestra: Organization, seal: Callable[[], None], entry_of: EntryOf) -> None:
    seal()
    with staff():
        before = AuditEntry.objects.filter(chain=orchestra.pk).order_by("sequence").last()
    with coming_from(Origin("request-0001", "192.0.2.7", "curl/8", API)), acting_as(alice.pk):
        let_in_by("token")
        leave_trace(
            "orchestra.tuned",
            actor=alice,
            organization=orchestra,
            target=orchestra,
            before={"pitch": 440, "slug": "same"},
            after={"pitch": 442, "slug": "same", "password": "geheim"},
            correlation_id="run-1",
        )
    seal()
    entry = entry_of("orchestra.tuned")
    assert (entry.organization_id, entry.actor_id, entry.actor_kind) == (orchestra.pk, alice.pk, "token")
    assert (entry.request_id, entry.address, entry.user_agent, entry.channel) == (
        "request-0001",
        "192.0.2.7",
        "curl/8",
        "api",
    )
    assert (entry.target_type, entry.target_id) == ("accounts.organization", str(orchestra.pk))
    assert (entry.target_name, entry.correlation_id) == ("Orchestra", "run-1")
    assert (entry.before, entry.after) == ({"pitch": 440}, {"pitch": 442, "password": "[hidden]"})
    assert entry.chain == orchestra.pk
    assert entry.sequence == (before.sequence if before and before.sequence else 0) + 1
    assert entry.previous_hash == ((before.hash if before else "") or "")


@pytest.mark.parametrize(
    ("channel", "credential", "kind"),
    [
        (API, "session", "person"),
        (API, "token", "token"),
        (ADMIN, "", "staff"),
        (WORKER, "", "worker"),
        (COMMAND, "", "command"),
    ],
)
def test_what_kind_of_somebody_it_was(channel: str, credential: str, kind: str, entry_of: EntryOf) -> None:
    with coming_from(Origin(channel=channel, credential=credential)):
        leave_trace("thing.happened")
    assert entry_of("thing.happened").actor_kind == kind


def trace_in_vain(action: str, **told: Any) -> None:
    """In a transaction that comes to nothing."""
    with transaction.atomic():
        leave_trace(action, **told)
        transaction.set_rollback(True)


def test_it_is_written_with_what_it_tells_of_or_not_at_all(alice: User) -> None:
    trace_in_vain("thing.happened", actor=alice)
    with staff():
        assert not AuditEntry.objects.filter(action="thing.happened").exists()


def test_what_was_refused_is_told_after_the_requests_transaction(alice: User, entry_of: EntryOf) -> None:
    with keeping_traces_for_later() as later:
        trace_in_vain("sign_in.failed", target=alice, even_if_undone=True)
        for trace in later:
            trace()
    assert entry_of("sign_in.failed").chain == alice.pk


def test_one_round_trip(
    alice: User, orchestra: Organization, django_assert_num_queries: Callable[[int], object]
) -> None:
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        leave_trace("thing.happened", actor=alice, organization=orchestra)


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 10_000, "\n\x1b[31m"])
def test_hostile_texts_are_kept(text: str, alice: User, entry_of: EntryOf) -> None:
    with coming_from(Origin(user_agent=text, request_id="r" * 64)):
        leave_trace("thing.happened", actor=alice, before={text: text}, after={"n": 10**400})
    assert entry_of("thing.happened").after == {"n": "(a number of 1329 bits)"}


def test_chains_of_nobody_are_several(seal: Callable[[], None]) -> None:
    for _ in range(64):
        leave_trace("thing.happened")
    seal()
    with staff():
        chains = set(AuditEntry.objects.filter(action="thing.happened").values_list("chain", flat=True))
    assert 4 < len(chains) <= 16


def outcome_of(statement: str) -> str | int:
    """ "refused", or how many rows it reached."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            return int(cursor.rowcount)
    except Error as error:
        if re.search(REFUSED, str(error)):
            return "refused"
        raise


class TestNobodyChangesIt:
    @pytest.mark.parametrize("role", ["web_role", "worker_role", None])
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_auditentry SET action = 'x'",
            "DELETE FROM audit_auditentry",
            "TRUNCATE audit_auditentry",
            "UPDATE audit_auditchain SET length = length - 1",
            "DELETE FROM audit_auditchain",
            (
                "INSERT INTO audit_auditentry (id, chain, action, actor_kind, channel, request_id, correlation_id, address,"
                " user_agent, target_type, target_id, target_name, before, after, occurred_at, transaction, previous_hash)"
                " VALUES (gen_random_uuid(), gen_random_uuid(), 'x', 'person', '', '', '', '', '', '', '', '', '{}', '{}',"
                " now(), 1, '')"
            ),
            "DELETE FROM audit_projecthistory",
            "UPDATE audit_organizationhistory SET name = 'x'",
            (
                "INSERT INTO audit_membershiphistory (pgh_created_at, pgh_label, pgh_obj_id, role)"
                " VALUES (now(), 'created', gen_random_uuid(), 'owner')"
            ),
        ],
    )
    def test_by_sql(
        self,
        role: str | None,
        statement: str,
        alice: User,
        orchestra: Organization,
        seal: Callable[[], None],
        request: pytest.FixtureRequest,
    ) -> None:
        leave_trace("thing.happened", actor=alice, organization=orchestra)
        seal()
        if role is not None:
            request.getfixturevalue(role)
        if statement.startswith("TRUNCATE"):
            with connection.cursor() as cursor:
                if role is None:
                    # Tests may empty the table, so the refusal is switched off for them.
                    cursor.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER audit_keep_all")
        # Whoever may do neither sees no row to change; whoever sees them is refused.
        with acting_as(alice.pk), staff():
            assert outcome_of(statement) in ("refused", 0)

    def test_by_the_owner_who_knows_how_entries_are_written(self, alice: User, seal: Callable[[], None]) -> None:
        leave_trace("thing.happened", actor=alice)
        seal()
        for statement in ("UPDATE audit_auditentry SET action = 'x'", "DELETE FROM audit_auditentry"):
            assert outcome_of(f"SELECT set_config('app.audit', 'writing', true); {statement}") == "refused"


class TestWhoReadsIt:
    def visible_to(self, user: User, organization: Organization | None) -> int:
        with acting_as(user.pk):
            return AuditEntry.objects.filter(organization=organization, action__startswith="thing.").count()

    def test_the_database_decides(
        self, alice: User, bob: User, carol: User, orchestra: Organization, web_role: None
    ) -> None:
        with acting_as(alice.pk):
            services.add_member(actor=alice, organization=orchestra, user=bob)
        leave_trace("thing.happened", actor=alice, organization=orchestra)
        leave_trace("thing.done", actor=bob, organization=orchestra)
        leave_trace("thing.signed_in", actor=alice)
        assert self.visible_to(alice, orchestra) == 2
        # A member sees what they did themselves, a stranger nothing.
        assert self.visible_to(bob, orchestra) == 1
        assert self.visible_to(carol, orchestra) == 0
        assert [self.visible_to(user, None) for user in (alice, bob, carol)] == [1, 0, 0]
        assert AuditEntry.objects.count() == 0

    def test_workers_read_nothing(self, worker_role: None) -> None:
        leave_trace("thing.happened")
        assert outcome_of("SELECT count(*) FROM audit_auditentry") == "refused"


def test_an_unknown_organization_harms_nothing(seal: Callable[[], None]) -> None:
    """It may be gone by now: entries refer to nothing by a key."""

    class Gone:
        pk = uuid4()

    leave_trace("organization.deleted", organization=Gone())
    seal()
    with staff():
        assert AuditEntry.objects.get(action="organization.deleted").sequence == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.audit', 'writing', true)")
        assert AuditChain.objects.get(pk=Gone.pk).length == 1
