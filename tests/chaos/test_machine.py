"""The ledger under interleaved claims, ends, losses, pauses and cancels from several connections, held against a model."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase
from hypothesis import settings as rules
from hypothesis.stateful import run_state_machine_as_test

from apps.accounts.models import User
from apps.accounts.queries import organization_for
from apps.core.tenancy import acting_as
from apps.melodies.services import create_melody
from symphony.roles import DatabaseUrls
from tests.chaos.machine import Ground, machine
from tests.chaos.proof.reading import NO_WITNESS, WITNESS, Query
from tests.unit.compiler.melodies import EDGES, Sketch, document

MINUTES = float(os.environ.get("SYMPHONY_CHAOS_MINUTES") or 0)
EXAMPLES = max(10, int(MINUTES * 60))
MOST_SECONDS = 60.0
"""However many examples are asked for, no others begin after so long."""
STEPS = 50
MELODIES = 12


def sketch_of(chance: random.Random) -> list[Sketch]:
    steps: list[Sketch] = []
    for index in range(chance.randint(2, 6)):
        before = sorted(chance.sample(range(index), chance.randint(0, min(index, 3))))
        edges = tuple((source, chance.choice(["success", "success", *EDGES])) for source in before)
        join = chance.choice(["all", "all", "any", *range(1, len(edges) + 1)]) if edges else "all"
        steps.append(Sketch(edges, join, "completed", chance.random() < 0.3))
    return steps


@contextmanager
def owner_seeing_all(url: str) -> Iterator[Query]:
    with closing(psycopg2.connect(url)) as connected, connected, connected.cursor() as cursor:
        cursor.execute("SELECT set_config('app.staff', 'on', true)")

        def query(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

        yield query


@pytest.fixture
def ground(alice: User, transactional_db: None, test_database_urls: DatabaseUrls, settings: Any) -> Iterator[Ground]:
    # Whatever waits does so until the machine says that time has passed, also where the machine is slow.
    settings.SYMPHONY_LOSS_DELAY_SECONDS = 60.0
    settings.SYMPHONY_MAX_LOST_ATTEMPTS = 1000
    chance = random.Random(11)
    melodies = []
    for _ in range(MELODIES):
        sketches = sketch_of(chance)
        with acting_as(alice.pk):
            source = json.dumps(document(sketches))
            version = create_melody(
                actor=alice, organization=organization_for(actor=alice), source=source, media="json"
            )
        melodies.append((version, sketches))
    with connection.cursor() as cursor:
        cursor.execute(WITNESS)
    ready = Ground(alice, melodies, lambda: owner_seeing_all(test_database_urls.owner))
    try:
        yield ready
    finally:
        ready.close()
        with connection.cursor() as cursor:
            cursor.execute(NO_WITNESS)


def run_the_machine(ground: Ground, examples: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine(ground),
        settings=rules(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not MINUTES,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_comes_in_between_the_ledger_does_as_the_model_says(ground: Ground) -> None:
    ground.until = time.monotonic() + MOST_SECONDS
    run_the_machine(ground, EXAMPLES)
    assert ground.judged >= EXAMPLES // 2 or ground.time_is_up
    assert ground.judged > 4
    assert ground.claims > 2 * ground.judged


@contextmanager
def mutant(function: str, sound: str, broken: str) -> Iterator[None]:
    """For the block the ledger's function has a mistake in it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", [function])
        (definition,) = cursor.fetchone()
        assert sound in definition, f"{function} has changed: plant another mistake"
        cursor.execute(definition.replace(sound, broken, 1))
        try:
            yield
        finally:
            cursor.execute(definition)


MISTAKES = [
    pytest.param("ledger_finish", "AND t.lease = o.lease AND t.attempt = o.attempt", "", id="without fencing"),
    pytest.param("ledger_take", "x.status IN ('pending', 'running')", "x.status <> 'cancelled'", id="paused, claimed"),
    pytest.param("ledger_resume", "ledger_is_over(p_execution)", "false", id="a paused run that never ends"),
    pytest.param("ledger_end_run", "x.unsettled AND NOT ledger_is_over(p_execution)", "false", id="ended too early"),
    pytest.param("ledger_settle", "ledger_is_frayed(p_execution)", "false", id="ended never"),
]


@pytest.mark.parametrize(("function", "sound", "broken"), MISTAKES if MINUTES else MISTAKES[2:4])
def test_the_machine_finds_a_mistake_in_the_ledger(ground: Ground, function: str, sound: str, broken: str) -> None:
    with mutant(function, sound, broken), pytest.raises(AssertionError):
        run_the_machine(ground, 200 if MINUTES else 60, (Phase.generate,))
