"""Runs of the same key: one at a time, one after another, the newest only, the last of many."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.accounts.models import User
from apps.core.tenancy import acting_as, sweeping, working_for
from apps.executions import ledger
from apps.executions.models import Execution
from apps.triggers import services
from apps.triggers.models import Firing, Trigger
from tests.apps.triggers.conftest import NOON, MakeTrigger, Sweep

HOUR = timedelta(hours=1)


def states(firings: list[Firing]) -> list[tuple[str, str]]:
    return [(firing.state, firing.waiting or firing.reason_code) for firing in firings]


def end(firing: Firing) -> None:
    """Its run comes to an end."""
    assert firing.execution_id is not None
    with working_for(firing.organization_id):
        ledger.cancel(firing.execution_id, "over")


def fire(trigger: Trigger, actor: User, **given: Any) -> Firing:
    with acting_as(actor.pk):
        return services.fire_by_hand(actor=actor, trigger=trigger, **given)[0]


def test_by_default_runs_may_overlap(make_trigger: MakeTrigger, sweep: Sweep) -> None:
    make_trigger()
    sweep(NOON)
    assert states(sweep(NOON + HOUR)) == [("started", ""), ("started", "")]


def test_one_at_a_time_skips(make_trigger: MakeTrigger, sweep: Sweep) -> None:
    make_trigger(overlap="skip")
    sweep(NOON)
    found = sweep(NOON + HOUR)
    assert states(found) == [("started", ""), ("skipped", "overlap")]
    end(found[0])
    assert states(sweep(NOON + 2 * HOUR))[2] == ("started", "")


def test_one_after_another_queues_in_order(make_trigger: MakeTrigger, sweep: Sweep) -> None:
    make_trigger(overlap="queue", queue_limit=2)
    for hour in range(3):
        sweep(NOON + hour * HOUR)
    found = sweep(NOON + 3 * HOUR)
    assert states(found) == [
        ("started", ""),
        ("pending", "overlap"),
        ("pending", "overlap"),
        ("skipped", "queue_full"),
    ]
    end(found[0])
    found = sweep(NOON + 3 * HOUR + timedelta(minutes=1))
    assert states(found)[1:3] == [("started", ""), ("pending", "overlap")]


def test_the_end_of_a_run_wakes_who_waits_for_it(make_trigger: MakeTrigger, alice: User, sweep: Sweep) -> None:
    trigger = make_trigger("manual", overlap="queue")
    first, second = fire(trigger, alice), fire(trigger, alice)
    assert states([first, second]) == [("started", ""), ("pending", "overlap")]
    assert second.ready_at is not None
    assert second.ready_at > timezone.now() + timedelta(seconds=5)
    end(first)
    assert states(sweep())[1] == ("started", "")


def test_the_newest_only_cancels_the_one_before(make_trigger: MakeTrigger, sweep: Sweep) -> None:
    make_trigger(overlap="cancel_previous")
    sweep(NOON)
    found = sweep(NOON + HOUR)
    assert states(found) == [("started", ""), ("started", "")]
    assert [firing.running for firing in found] == [False, True]
    with sweeping():
        statuses = dict(Execution.objects.values_list("pk", "status"))
    assert statuses[UUID(str(found[0].execution_id))] == "cancelled"


def test_a_key_is_shared_by_the_triggers_of_a_melody(make_trigger: MakeTrigger, alice: User) -> None:
    key = {"overlap": "skip", "concurrency_key": "{{payload.customer}}"}
    one, other = make_trigger("manual", **key), make_trigger("manual", **key)
    found = [
        fire(one, alice, payload={"customer": 1}),
        fire(other, alice, payload={"customer": 2}),
        fire(other, alice, payload={"customer": 1}),
    ]
    assert states(found) == [("started", ""), ("started", ""), ("skipped", "overlap")]


def test_without_what_the_key_reads_all_share_one(make_trigger: MakeTrigger, alice: User) -> None:
    key = {"overlap": "skip", "concurrency_key": "{{payload.customer}}"}
    one, other = make_trigger("manual", **key), make_trigger("manual", **key)
    found = [fire(one, alice, payload={"id": 1}), fire(other, alice, payload={"customer": None}), fire(one, alice)]
    assert states(found) == [("started", ""), ("skipped", "overlap"), ("skipped", "overlap")]


def test_of_many_in_a_short_time_the_last_one_counts(make_trigger: MakeTrigger, alice: User, sweep: Sweep) -> None:
    trigger = make_trigger("manual", debounce_seconds=60, mapping={"n": "{{payload}}"})
    now = timezone.now()
    for number in range(3):
        fire(trigger, alice, payload=number)
    assert states(sweep(now)) == [("skipped", "debounced"), ("skipped", "debounced"), ("pending", "debounce")]
    found = sweep(now + timedelta(seconds=90))
    assert states(found)[2] == ("started", "")
    with sweeping():
        assert Execution.objects.get().input == {"n": 2}


def test_a_stream_that_never_pauses_fires_all_the_same(make_trigger: MakeTrigger, alice: User) -> None:
    trigger = make_trigger("manual", debounce_seconds=60)
    first = fire(trigger, alice)
    with acting_as(alice.pk):
        Firing.objects.filter(pk=first.pk).update(held_since=timezone.now() - timedelta(seconds=590))
    last = fire(trigger, alice)
    assert last.ready_at is not None
    assert last.ready_at < timezone.now() + timedelta(seconds=15)


def test_of_one_key_it_is_fired_once(make_trigger: MakeTrigger, alice: User) -> None:
    trigger = make_trigger("manual")
    one, other = fire(trigger, alice, key="order 7"), fire(trigger, alice, key="order 7")
    assert one.pk == other.pk
    with sweeping():
        assert Execution.objects.count() == 1


def test_a_retried_run_runs_again(make_trigger: MakeTrigger, alice: User) -> None:
    trigger = make_trigger("manual", overlap="skip")
    first = fire(trigger, alice)
    end(first)
    with sweeping():
        assert not Firing.objects.get(pk=first.pk).running
        # As the ledger does it, whatever else it does then.
        Execution.objects.filter(trigger_id=trigger.pk).update(completed_at=None)
        assert Firing.objects.get(pk=first.pk).running
    assert states([fire(trigger, alice)]) == [("skipped", "overlap")]
