"""Events, chains and backfills."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, sweeping, working_for
from apps.executions import ledger
from apps.executions.models import Execution
from apps.executions.services import start_execution
from apps.melodies.models import Melody
from apps.triggers import services
from apps.triggers.errors import BackfillOver, TooManyTimes, TriggerInvalid
from apps.triggers.models import Backfill, Firing, Trigger
from tests.apps.triggers.conftest import NOON, MakeMelody, MakeTrigger, Sweep, everything

HOUR = timedelta(hours=1)


def inputs() -> list[dict[str, Any]]:
    with sweeping():
        return list(Execution.objects.order_by("id").values_list("input", flat=True))


def tell(actor: User, organization: Organization, name: str, payload: Any = None, **given: Any) -> bool:
    with acting_as(actor.pk):
        return services.send_event(actor=actor, organization=organization, name=name, payload=payload, **given)[1]


# -- events ----------------------------------------------------------------------------------------------------------------
def test_an_event_starts_who_waits_for_it(
    make_trigger: MakeTrigger, sweep: Sweep, alice: User, orchestra: Organization
) -> None:
    make_trigger("event", event_name="order.paid", mapping={"id": "{{payload.id}}", "name": "{{event.name}}"})
    make_trigger("event", event_name="order.sent")
    tell(alice, orchestra, "order.paid", {"id": 7})
    (firing,) = sweep()
    assert (firing.state, firing.source) == ("started", "event")
    assert inputs() == [{"id": 7, "name": "order.paid"}]


def test_without_a_mapping_the_payload_is_an_input(
    make_trigger: MakeTrigger, sweep: Sweep, alice: User, orchestra: Organization
) -> None:
    make_trigger("event", event_name="x", input={"fixed": 1})
    tell(alice, orchestra, "x", [1, 2])
    sweep()
    assert inputs() == [{"fixed": 1, "payload": [1, 2]}]


def test_a_filter_decides(make_trigger: MakeTrigger, sweep: Sweep, alice: User, orchestra: Organization) -> None:
    make_trigger("event", event_name="x", filter="payload.amount > 10")
    for amount in (5, 50):
        tell(alice, orchestra, "x", {"amount": amount})
    assert [(firing.state, firing.reason_code) for firing in sweep()] == [("skipped", "filtered"), ("started", "")]


def test_an_event_is_told_once_for_a_key(
    make_trigger: MakeTrigger, sweep: Sweep, alice: User, orchestra: Organization
) -> None:
    make_trigger("event", event_name="x")
    assert [tell(alice, orchestra, "x", key="7") for _ in range(2)] == [False, True]
    assert len(sweep()) == 1


def test_others_do_not_hear_of_it(
    make_trigger: MakeTrigger, sweep: Sweep, bob: User, home_of: Any, make_melody: MakeMelody
) -> None:
    make_trigger("event", event_name="x")
    tell(bob, home_of(bob), "x")
    assert sweep() == []


def test_a_payload_that_cannot_be_used_stops_no_other(
    make_trigger: MakeTrigger, sweep: Sweep, alice: User, orchestra: Organization
) -> None:
    trigger = make_trigger("event", event_name="x", mapping={"n": "{{join(payload)}}"})
    tell(alice, orchestra, "x", {"deep": 1})
    (firing,) = sweep()
    with sweeping():
        trigger.refresh_from_db()
    assert (firing.state, firing.reason_code) == ("failed", "expression_failed")
    assert "/n" in firing.reason
    assert (trigger.last_error_code, trigger.failures, trigger.backoff_until) == ("expression_failed", 0, None)


# -- chains ----------------------------------------------------------------------------------------------------------------
def run(actor: User, melody: Melody) -> Execution:
    with acting_as(actor.pk):
        return start_execution(actor=actor, melody=melody, input={"x": 1})


def end(execution: Execution) -> None:
    with working_for(execution.organization_id):
        ledger.cancel(execution.pk, "over")


def test_a_run_follows_the_end_of_another(
    make_trigger: MakeTrigger, make_melody: MakeMelody, sweep: Sweep, alice: User
) -> None:
    first = make_melody("first")
    mapping = {"status": "{{run.status}}", "of": "{{run.melody.name}}", "x": "{{run.input.x}}"}
    make_trigger("chain", source_melody=first.pk, source_statuses=["cancelled", "failed"], mapping=mapping)
    make_trigger("chain", source_melody=first.pk)
    execution = run(alice, first)
    assert everything() == []
    end(execution)
    (firing,) = sweep()
    assert (firing.state, firing.source, firing.depth) == ("started", "chain", 1)
    assert inputs()[1] == {"status": "cancelled", "of": "first", "x": 1}


def test_what_follows_is_written_with_the_end_or_not_at_all(
    make_trigger: MakeTrigger, make_melody: MakeMelody, alice: User
) -> None:
    first = make_melody("first")
    make_trigger("chain", source_melody=first.pk, source_statuses=["cancelled"])
    execution = run(alice, first)
    with pytest.raises(ZeroDivisionError):
        _end_and_fail(execution)
    assert everything() == []
    end(execution)
    assert [firing.state for firing in everything()] == ["pending"]


def _end_and_fail(execution: Execution) -> None:
    from django.db import transaction  # noqa: PLC0415

    with transaction.atomic():
        end(execution)
        raise ZeroDivisionError


def test_a_circle_comes_to_its_end(make_trigger: MakeTrigger, melody: Melody, sweep: Sweep, alice: User) -> None:
    make_trigger("chain", source_melody=melody.pk, source_statuses=["cancelled"], max_depth=2)
    end(run(alice, melody))
    for _ in range(4):
        sweep()
        with sweeping():
            for execution in Execution.objects.filter(completed_at__isnull=True):
                end(execution)
    found = sweep()
    assert [(firing.state, firing.reason_code, firing.depth) for firing in found] == [
        ("started", "", 1),
        ("started", "", 2),
        ("skipped", "chain_too_deep", 3),
    ]


# -- backfills -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def hourly(make_trigger: MakeTrigger) -> Trigger:
    return make_trigger(at=None, mapping={"at": "{{due_at}}"})


PAST = NOON.replace(year=2020)


def fill(actor: User, trigger: Trigger, hours: int = 4, **given: Any) -> Backfill:
    with acting_as(actor.pk):
        return services.create_backfill(actor=actor, trigger=trigger, since=PAST, until=PAST + hours * HOUR, **given)


def test_a_dry_run_counts_and_does_nothing(hourly: Trigger, alice: User) -> None:
    with acting_as(alice.pk):
        found = services.backfill_range(actor=alice, trigger=hourly, since=PAST, until=PAST + 4 * HOUR)
    assert (len(found.times), found.times[0], found.done) == (4, PAST, 0)
    assert everything() == []


def test_so_many_at_a_time(hourly: Trigger, alice: User, sweep: Sweep) -> None:
    backfill = fill(alice, hourly, parallel=2)
    for over in range(4):
        found = sweep()
        running = [firing for firing in found if firing.running]
        assert [(firing.due_at - PAST) // HOUR for firing in running] == list(range(over, min(over + 2, 4)))
        with working_for(hourly.organization_id):
            assert running[0].execution_id is not None
            ledger.cancel(running[0].execution_id, "over")
    sweep()
    with sweeping():
        backfill.refresh_from_db()
    assert (backfill.state, backfill.total) == ("completed", 4)
    assert inputs()[0] == {"at": PAST.isoformat()}


def test_what_was_fired_before_is_left_out_unless_it_is_wanted_again(
    hourly: Trigger, alice: User, sweep: Sweep
) -> None:
    fill(alice, hourly, hours=2, parallel=10)
    sweep()
    assert fill(alice, hourly, hours=3).total == 1
    assert fill(alice, hourly, hours=3, again=True).total == 3


def test_a_backfill_is_cancelled_with_what_it_runs(hourly: Trigger, alice: User, sweep: Sweep) -> None:
    backfill = fill(alice, hourly)
    sweep()
    with acting_as(alice.pk):
        backfill = services.cancel_backfill(actor=alice, backfill=backfill, cancel_runs=True)
        with pytest.raises(BackfillOver):
            services.cancel_backfill(actor=alice, backfill=backfill)
    found = sweep()
    assert [firing.state for firing in found] == ["started", "skipped", "skipped", "skipped"]
    assert not any(firing.running for firing in found)


def test_what_a_cancelled_backfill_never_started_can_be_made_up_for(hourly: Trigger, alice: User, sweep: Sweep) -> None:
    first = fill(alice, hourly, hours=6, parallel=2)
    sweep()
    with acting_as(alice.pk):
        services.cancel_backfill(actor=alice, backfill=first)
        found = services.backfill_range(actor=alice, trigger=hourly, since=PAST, until=PAST + 6 * HOUR)
    assert ([(due - PAST) // HOUR for due in found.times], found.done) == ([2, 3, 4, 5], 2)
    for expected in (4, 0):
        again = fill(alice, hourly, hours=6, parallel=10)
        assert again.total == expected
        sweep()
    with sweeping():
        started = Firing.objects.filter(state="started").order_by("due_at").values_list("due_at", flat=True)
        assert [(due - PAST) // HOUR for due in started] == list(range(6))
        assert Firing.objects.filter(backfill=first, reason_code="backfill_cancelled").count() == 4
    assert fill(alice, hourly, hours=6, again=True).total == 6


def test_due_times_that_were_let_go_can_be_made_up_for(make_trigger: MakeTrigger, alice: User, sweep: Sweep) -> None:
    trigger = make_trigger(at=PAST, misfire_policy="skip")
    (missed,) = sweep(PAST + 3 * HOUR - HOUR / 2)
    assert (missed.reason_code, missed.missed) == ("misfired", 3)
    assert fill(alice, trigger, hours=3).total == 3


def test_a_backfill_has_its_bounds(make_trigger: MakeTrigger, alice: User) -> None:
    trigger = make_trigger(cron=["* * * * *"], at=None)
    with pytest.raises(TooManyTimes):
        fill(alice, trigger, hours=1000)
    with pytest.raises(TriggerInvalid):
        fill(alice, trigger, hours=0)
    assert Firing.objects.count() == 0
