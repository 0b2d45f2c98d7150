"""Alice's orchestra with a melody that triggers start. The sweep runs on the database role of a worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, staff, sweeping
from apps.melodies.models import Melody
from apps.melodies.services import create_melody
from apps.triggers import services
from apps.triggers.models import Firing, Trigger
from apps.triggers.services import sweeping as sweep_steps
from tests.apps.spending.conftest import as_worker

NOON = datetime(2030, 6, 3, 12, 0, tzinfo=UTC)
"""A Monday."""
MELODY = {"name": "tune", "steps": [{"name": "only", "type": "test_echo", "value": "{{inputs.x}}"}]}

MakeMelody = Callable[..., Melody]
MakeTrigger = Callable[..., Trigger]
Sweep = Callable[..., list[Firing]]


@pytest.fixture
def make_melody(alice: User, orchestra: Organization) -> MakeMelody:
    def make(name: str = "tune", actor: User = alice, organization: Organization = orchestra, **given: Any) -> Melody:
        source = json.dumps({"workflow": {**MELODY, "name": name}})
        with acting_as(actor.pk):
            version = create_melody(
                actor=actor, organization=organization, source=source, media="json", path=name, **given
            )
        return version.melody

    return make


@pytest.fixture
def melody(make_melody: MakeMelody) -> Melody:
    return make_melody()


@pytest.fixture
def make_trigger(alice: User, melody: Melody) -> MakeTrigger:
    numbers = count()

    def make(kind: str = "cron", *, at: datetime | None = NOON, **given: Any) -> Trigger:
        options: dict[str, Any] = {"melody": melody, "actor": alice, "name": f"{kind} {next(numbers)}"}
        if kind == "cron":
            options["cron"] = ["@hourly"]
        options |= given
        with acting_as(options["actor"].pk):
            trigger = services.create_trigger(kind=kind, **options)
            if kind == "cron" and at is not None:
                Trigger.objects.filter(pk=trigger.pk).update(next_due_at=at)
            trigger.refresh_from_db()
        return trigger

    return make


@pytest.fixture
def sweep(db: None) -> Sweep:
    """A pass of the sweep at a moment; all firings after it, in the order they were due."""

    def run(now: datetime | None = None) -> list[Firing]:
        with as_worker():
            sweep_steps.write_down_due(now=now)
            sweep_steps.tell_events()
            sweep_steps.advance_backfills(now=now)
            sweep_steps.start_ready(now=now)
        return everything()

    return run


def everything() -> list[Firing]:
    with staff(), sweeping():
        return list(Firing.objects.order_by("due_at", "id"))
