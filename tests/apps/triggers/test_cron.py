"""Cron triggers: each due time fires once, whatever happened to the clock and to those who look at it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Organization, User
from apps.billing.entitlements import TIERS
from apps.core.tenancy import acting_as, staff, sweeping
from apps.executions.models import Execution
from apps.melodies.models import Melody, MelodyStatus
from apps.triggers import services
from apps.triggers.models import Trigger
from tests.apps.triggers.conftest import NOON, MakeTrigger, Sweep

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_a_due_time_starts_a_run_as_the_owner(make_trigger: MakeTrigger, sweep: Sweep, alice: User) -> None:
    trigger = make_trigger(input={"x": 1}, mapping={"when": "{{due_at}}"})
    (firing,) = sweep(NOON + SECOND)
    with sweeping():
        run = Execution.objects.get()
        trigger.refresh_from_db()
    assert (firing.state, firing.due_at, firing.execution_id, firing.running) == ("started", NOON, run.pk, True)
    assert (run.created_by, run.trigger_id, run.correlation_id) == (alice, trigger.pk, firing.pk)
    assert run.input == {"x": 1, "when": NOON.isoformat()}
    assert trigger.next_due_at == NOON + HOUR


def test_before_its_time_nothing_happens(make_trigger: MakeTrigger, sweep: Sweep) -> None:
    make_trigger()
    assert sweep(NOON - SECOND) == []


def test_a_due_time_is_fired_once(make_trigger: MakeTrigger, sweep: Sweep) -> None:
    trigger = make_trigger()
    sweep(NOON)
    with sweeping():
        # Whatever sets it back: a clock, a restored backup, a hand.
        Trigger.objects.filter(pk=trigger.pk).update(next_due_at=NOON)
    assert len(sweep(NOON)) == 1


@pytest.mark.parametrize(
    ("policy", "states", "missed"),
    [
        ("skip", [("skipped", 0)], 4),
        ("fire_once", [("started", 3)], 3),
        ("fire_all", [("started", 1), ("started", 2), ("started", 3)], 1),
    ],
)
def test_due_times_nobody_saw(
    make_trigger: MakeTrigger, sweep: Sweep, policy: str, states: list[tuple[str, int]], missed: int
) -> None:
    trigger = make_trigger(misfire_policy=policy, misfire_limit=3)
    firings = sweep(NOON + 3 * HOUR + timedelta(minutes=10))
    with sweeping():
        trigger.refresh_from_db()
    assert [(firing.state, (firing.due_at - NOON) // HOUR) for firing in firings] == states
    assert sum(firing.missed for firing in firings) == missed
    assert trigger.next_due_at == NOON + 4 * HOUR


def test_jitter_waits(make_trigger: MakeTrigger, sweep: Sweep) -> None:
    make_trigger(jitter_seconds=600)
    (firing,) = sweep(NOON)
    assert firing.state == "pending"
    assert firing.ready_at is not None
    assert NOON < firing.ready_at <= NOON + timedelta(seconds=600)
    assert sweep(NOON + timedelta(seconds=601))[0].state == "started"


def test_after_its_end_it_is_over(make_trigger: MakeTrigger, sweep: Sweep) -> None:
    trigger = make_trigger(cron=["0 12 * * *"], ends_at=NOON + HOUR)
    assert [firing.state for firing in sweep(NOON)] == ["started"]
    with sweeping():
        trigger.refresh_from_db()
    assert (trigger.state, trigger.next_due_at) == ("ended", None)


def test_a_paused_one_does_not_fire_and_makes_up_for_nothing(
    make_trigger: MakeTrigger, sweep: Sweep, alice: User
) -> None:
    trigger = make_trigger()
    with acting_as(alice.pk):
        services.pause_trigger(actor=alice, trigger=trigger)
    assert sweep(NOON + 5 * HOUR) == []
    with acting_as(alice.pk):
        resumed = services.resume_trigger(actor=alice, trigger=trigger)
    assert resumed.next_due_at is not None
    assert sweep(resumed.next_due_at - SECOND) == []


def test_what_was_written_down_before_it_was_paused_is_skipped(
    make_trigger: MakeTrigger, sweep: Sweep, alice: User
) -> None:
    trigger = make_trigger(jitter_seconds=600)
    sweep(NOON)
    with acting_as(alice.pk):
        services.pause_trigger(actor=alice, trigger=trigger)
    (firing,) = sweep(NOON + HOUR / 2)
    assert (firing.state, firing.reason_code) == ("skipped", "trigger_paused")


def _colleague(melody: Melody, name: str, role: str) -> User:
    user = accounts.create_user(email=f"{name}@example.org", password=None, display_name=name)
    with staff():
        Membership.objects.create(organization_id=melody.organization_id, user=user, role=role)
    return user


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"role": "viewer"}, "owner_may_not"),
        (None, "owner_left"),
    ],
)
def test_an_owner_who_may_not_any_more_stops_it(
    make_trigger: MakeTrigger, sweep: Sweep, melody: Melody, change: dict[str, Any] | None, code: str
) -> None:
    dave = _colleague(melody, "dave", "member")
    trigger = make_trigger(actor=dave)
    other = make_trigger()
    with staff():
        mine = Membership.objects.filter(user=dave, organization_id=melody.organization_id)
        mine.update(**change) if change else mine.delete()
    states = {firing.trigger_id: (firing.state, firing.reason_code) for firing in sweep(NOON)}
    assert states == {trigger.pk: ("failed", code), other.pk: ("started", "")}
    with sweeping():
        trigger.refresh_from_db()
    assert (trigger.state, trigger.last_error_code, trigger.next_due_at) == ("stopped", code, None)
    assert "dave" in trigger.state_reason


def test_somebody_else_takes_it_over(make_trigger: MakeTrigger, sweep: Sweep, melody: Melody, alice: User) -> None:
    dave = _colleague(melody, "dave", "member")
    trigger = make_trigger(actor=dave)
    with staff():
        Membership.objects.filter(user=dave, organization_id=melody.organization_id).delete()
    sweep(NOON)
    with acting_as(alice.pk):
        trigger.refresh_from_db()
        trigger = services.take_over_trigger(actor=alice, trigger=trigger)
        trigger = services.resume_trigger(actor=alice, trigger=trigger)
    assert trigger.next_due_at is not None
    sweep(trigger.next_due_at)
    with sweeping():
        assert Execution.objects.filter(trigger_id=trigger.pk, created_by=alice).exists()


def test_one_that_fails_backs_off_and_stops_no_other(make_trigger: MakeTrigger, sweep: Sweep, make_melody: Any) -> None:
    archived = make_melody("old")
    failing = make_trigger(cron=["* * * * *"], melody=archived)
    other = make_trigger(cron=["* * * * *"])
    with staff():
        Melody.objects.filter(pk=archived.pk).update(status=MelodyStatus.ARCHIVED)
    for minute in range(4):
        sweep(NOON + timedelta(minutes=minute))
    by_trigger: dict[UUID, list[str]] = {}
    for firing in sweep(NOON + timedelta(minutes=4)):
        by_trigger.setdefault(firing.trigger_id, []).append(firing.state)
    assert by_trigger[other.pk] == ["started"] * 5
    # Tried again after 30 s, after one minute, and after two: not in the third.
    assert by_trigger[failing.pk] == ["failed"] * 4
    with sweeping():
        failing.refresh_from_db()
    assert (failing.state, failing.failures, failing.last_error_code) == ("active", 4, "melody_archived")


def test_without_room_it_waits_until_there_is(make_trigger: MakeTrigger, sweep: Sweep, settings: Any) -> None:
    settings.SYMPHONY_DEFAULT_TIER = "free"
    with staff():
        Organization.objects.update(subscription_tier="free")
    most = TIERS["free"].concurrent_executions
    assert most is not None
    trigger = make_trigger(cron=["* * * * *"])
    for minute in range(most + 1):
        sweep(NOON + timedelta(minutes=minute))
    late = sweep(NOON + timedelta(minutes=most + 1))[most]
    assert (late.state, late.waiting, late.reason_code) == ("pending", "quota", "quota_exceeded")
    with sweeping():
        trigger.refresh_from_db()
        Execution.objects.filter(status="pending").update(status="cancelled", completed_at=NOON)
    assert (trigger.state, trigger.last_error_code, trigger.failures) == ("active", "quota_exceeded", 0)
    late = sweep(NOON + timedelta(hours=1))[most]
    assert (late.state, late.running) == ("started", True)
