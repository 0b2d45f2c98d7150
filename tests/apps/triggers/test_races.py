"""Many sweeps at once: nothing is fired twice, nothing waits for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.core.tenancy import acting_as, sweeping
from apps.executions.models import Execution
from apps.triggers import services
from apps.triggers.models import Firing, Trigger
from tests import emptying
from tests.apps.triggers.conftest import NOON, MakeTrigger
from tests.conftest import database_role

SWEEPS = 4


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    yield
    emptying.empty()


def at_once(work: list[object]) -> None:
    """Each in a thread and a connection of its own; what one of them raises is raised here."""
    barrier, errors = Barrier(len(work)), []

    def run(call: object) -> None:
        assert callable(call)
        try:
            barrier.wait(timeout=20)
            call()
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[call]) for call in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


@pytest.mark.django_db(transaction=True)
def test_sweeps_that_race_fire_each_due_time_once(committed: None, make_trigger: MakeTrigger, alice: User) -> None:
    triggers = [make_trigger(name=f"{number}", misfire_policy="fire_all") for number in range(12)]
    queued = make_trigger("manual", overlap="queue")
    with acting_as(alice.pk):
        for _ in range(4):
            services.fire_by_hand(actor=alice, trigger=queued)
    late = NOON + timedelta(hours=2, seconds=1)
    with database_role("symphony_worker"):
        at_once([lambda: services.fire_due(now=late, seconds=30)] * SWEEPS)
    with sweeping():
        fired = Counter(Firing.objects.filter(state="started").values_list("trigger_id", flat=True))
        runs = Counter(Execution.objects.values_list("trigger_id", flat=True))
        assert set(Trigger.objects.exclude(pk=queued.pk).values_list("next_due_at", flat=True)) == {
            NOON + timedelta(hours=3)
        }
    assert fired == runs
    assert fired == {trigger.pk: 3 for trigger in triggers} | {queued.pk: 1}


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_starts_one_run(committed: None, make_trigger: MakeTrigger, alice: User) -> None:
    trigger = make_trigger("manual")

    def fire() -> None:
        with acting_as(alice.pk):
            services.fire_by_hand(actor=alice, trigger=trigger, key="order 7")

    at_once([fire] * SWEEPS)
    with sweeping():
        assert Execution.objects.count() == Firing.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time_holds_however_many_ask(committed: None, make_trigger: MakeTrigger, alice: User) -> None:
    trigger = make_trigger("manual", overlap="skip")

    def fire() -> None:
        with acting_as(alice.pk):
            services.fire_by_hand(actor=alice, trigger=trigger)

    at_once([fire] * SWEEPS)
    with sweeping():
        assert sorted(Firing.objects.values_list("state", flat=True)) == ["skipped"] * (SWEEPS - 1) + ["started"]
