"""Many organizations at once: who has much waiting delays nobody else, and nobody has more waiting than there is room for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, staff, sweeping
from apps.triggers import services
from apps.triggers.errors import TooManyBackfills
from apps.triggers.kinds import Source
from apps.triggers.models import Firing, NamedEvent, Trigger
from apps.triggers.services import room
from apps.triggers.services import sweeping as sweep_steps
from apps.triggers.services.turns import new_events, ready_firings
from tests.apps.spending.conftest import as_worker
from tests.apps.triggers.conftest import NOON, MakeMelody, MakeTrigger, Sweep, everything

ApiOf = Callable[[User], APIClient]


@pytest.fixture
def of_bob(make_melody: MakeMelody, make_trigger: MakeTrigger, bob: User, home_of: Any) -> Callable[..., Trigger]:
    """A trigger of another organization, which is Bob's own."""
    melody = make_melody("bob's", bob, home_of(bob))
    return lambda kind, **given: make_trigger(kind, actor=bob, melody=melody, **given)


def wait(trigger: Trigger, times: int, since: Any = NOON) -> None:
    """So many firings that are due, a second after each other."""
    rows = [
        Firing(
            organization_id=trigger.organization_id,
            trigger=trigger,
            source=Source.MANUAL,
            key=f"manual:{since}:{number}",
            due_at=since + timedelta(seconds=number),
            ready_at=since + timedelta(seconds=number),
        )
        for number in range(times)
    ]
    with staff():
        Firing.objects.bulk_create(rows)


def test_one_of_each_organization_in_turn(make_trigger: MakeTrigger, of_bob: Any) -> None:
    many, one = make_trigger("manual"), of_bob("manual")
    wait(many, 6)
    wait(one, 2, NOON + timedelta(hours=1))
    with as_worker(), sweeping():
        taken = ready_firings(now=NOON + timedelta(hours=2), each=4, most=5)
        before = ready_firings(now=NOON + timedelta(seconds=2), each=4, most=5)
    home, bobs = many.organization_id, one.organization_id
    assert [organization for _, organization in taken] == [home, bobs, home, bobs, home]
    assert [organization for _, organization in before] == [home] * 3


def test_a_flood_delays_nobody_else(make_trigger: MakeTrigger, of_bob: Any, monkeypatch: Any) -> None:
    """In one pass that has no time for more than a round."""
    monkeypatch.setattr(sweep_steps, "EACH", 2)
    wait(make_trigger("manual"), 20)
    one = of_bob("manual")
    wait(one, 1, NOON + timedelta(minutes=1))
    clock = iter(range(100))
    monkeypatch.setattr(sweep_steps, "monotonic", lambda: float(next(clock)))
    with as_worker():
        assert sweep_steps.start_ready(now=NOON + timedelta(hours=1), until=2.5) == 2
    with staff():
        assert Firing.objects.get(trigger=one).state == "started"


def test_all_rounds_together_take_everything(make_trigger: MakeTrigger, sweep: Sweep, monkeypatch: Any) -> None:
    monkeypatch.setattr(sweep_steps, "EACH", 2)
    wait(make_trigger("manual"), 5)
    assert [firing.state for firing in sweep(NOON + timedelta(hours=1))] == ["started"] * 5


def tell(actor: User, organization: Organization, name: str = "x") -> NamedEvent:
    with acting_as(actor.pk):
        return services.send_event(actor=actor, organization=organization, name=name)[0]


def test_events_are_told_in_turn_and_wait_for_room(
    make_trigger: MakeTrigger, alice: User, bob: User, home_of: Any, orchestra: Organization, settings: Any
) -> None:
    settings.SYMPHONY_FIRINGS_WAITING_MAX = 4
    mine = [tell(alice, orchestra) for _ in range(3)]
    his = tell(bob, home_of(bob))
    with as_worker(), sweeping():
        assert new_events(each=2, most=5) == [mine[0].pk, his.pk, mine[1].pk]
    wait(make_trigger("manual"), 4)
    with as_worker(), sweeping():
        assert new_events(each=2, most=5) == [his.pk]


# -- bounds ------------------------------------------------------------------------------------------------------------
def test_an_event_finds_room_or_is_told_to_come_again(
    api_of: ApiOf, make_trigger: MakeTrigger, alice: User, orchestra: Organization, settings: Any, sweep: Sweep
) -> None:
    settings.SYMPHONY_FIRINGS_WAITING_MAX = 2
    client, body = api_of(alice), {"organization": orchestra.slug, "name": "x"}

    def send(key: str) -> Any:
        return client.post("/api/v1/events/", {**body, "key": key}, format="json")

    assert [send(key).status_code for key in "ab"] == [201, 201]
    refused = send("c")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_waiting")
    assert int(refused["Retry-After"]) > 0
    assert send("a").status_code == 200
    sweep()
    assert send("c").status_code == 201
    wait(make_trigger("manual"), 2)
    fired = client.post(f"/api/v1/triggers/{everything()[0].trigger_id}/fire/", {}, format="json")
    assert (fired.status_code, fired.json()["code"]) == (429, "too_many_waiting")


def test_a_due_time_without_room_is_skipped_and_says_so(make_trigger: MakeTrigger, settings: Any, sweep: Sweep) -> None:
    settings.SYMPHONY_FIRINGS_WAITING_MAX = 2
    cron = make_trigger(at=NOON)
    wait(make_trigger("manual"), 2, NOON + timedelta(days=1))
    (firing,) = (firing for firing in sweep(NOON) if firing.trigger_id == cron.pk)
    assert (firing.state, firing.reason_code) == ("skipped", "too_many_waiting")


def test_an_organization_is_told_so_much_in_a_minute(
    api_of: ApiOf, alice: User, orchestra: Organization, settings: Any
) -> None:
    settings.SYMPHONY_OCCASIONS_PER_MINUTE = 2
    client, body = api_of(alice), {"organization": orchestra.slug, "name": "x"}
    answers = [client.post("/api/v1/events/", body, format="json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2].json()["code"] == "occasions_rate_limited"


def create(client: APIClient, melody: Any, name: str, **given: Any) -> Any:
    return client.post(f"/api/v1/melodies/{melody.pk}/triggers/", {"name": name, **given}, format="json")


def test_an_organization_has_so_many_triggers(
    api_of: ApiOf, alice: User, make_melody: MakeMelody, settings: Any
) -> None:
    settings.SYMPHONY_TRIGGERS_MAX = 2
    client = api_of(alice)
    answers = [create(client, make_melody(name), name, kind="manual") for name in "abc"]
    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert answers[2].json()["code"] == "too_many_triggers"


@pytest.mark.parametrize("kind", ["event", "chain"])
def test_so_many_hear_the_same(
    api_of: ApiOf, alice: User, make_melody: MakeMelody, monkeypatch: Any, kind: str
) -> None:
    monkeypatch.setattr(room, "MOST_LISTENERS", 2)
    client, melody, sources = api_of(alice), make_melody(), [make_melody(name) for name in "xy"]
    names = ["x", "y"] if kind == "event" else [str(source.pk) for source in sources]
    field = "event" if kind == "event" else "source_melody"
    found = [create(client, melody, f"{at}", kind=kind, **{field: names[0]}) for at in range(3)]
    assert [answer.status_code for answer in found] == [201, 201, 422]
    assert found[2].json()["errors"][0]["pointer"] == f"/{field}"
    other = create(client, melody, "other", kind=kind, **{field: names[1]}).json()
    url = f"/api/v1/triggers/{other['id']}/"
    etag = client.get(url)["ETag"]
    changed = client.patch(url, {field: names[0]}, format="json", headers={"If-Match": etag})
    assert (changed.status_code, changed.json()["code"]) == (422, "too_many_triggers")
    kept = client.patch(f"/api/v1/triggers/{found[0].json()['id']}/", {field: names[0]}, format="json")
    assert kept.status_code in (200, 428), kept.content


def test_so_many_backfills_run(make_trigger: MakeTrigger, alice: User, monkeypatch: Any) -> None:
    monkeypatch.setattr(room, "MOST_BACKFILLS", 2)
    trigger, since = make_trigger(at=None), timezone.now() - timedelta(hours=5)

    def fill() -> Any:
        with acting_as(alice.pk):
            return services.create_backfill(
                actor=alice, trigger=trigger, since=since, until=since + timedelta(hours=2), again=True
            )

    first, _ = fill(), fill()
    with pytest.raises(TooManyBackfills):
        fill()
    with acting_as(alice.pk):
        services.cancel_backfill(actor=alice, backfill=first)
    fill()


def test_every_running_backfill_goes_on(make_trigger: MakeTrigger, alice: User, sweep: Sweep, monkeypatch: Any) -> None:
    monkeypatch.setattr(sweep_steps, "BACKFILLS", 1)
    trigger, since = make_trigger(at=None), timezone.now() - timedelta(hours=5)
    with acting_as(alice.pk):
        for _ in range(3):
            services.create_backfill(
                actor=alice, trigger=trigger, since=since, until=since + timedelta(hours=3), again=True
            )
    running = {firing.backfill_id for firing in sweep() if firing.running}
    assert len(running) == 3
