"""What may befall a scene, and when: drawn from a seed, so that the same seed brings the same blows at the same moments.

Clocks: no clock of the machine is touched. What a step of the clock does to the engine is that moments it has written
down come sooner or later than it meant, so those are moved in the database: of leases, timers, retries and resends.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos.scene import SWEEPS, WEB, WORKERS, Scene, children_of

LONGEST_STANDSTILL = 4.0
"""Seconds; twice the lease, so that some of what stood still finds that it is not its own any more."""

Strike = Callable[[Scene, random.Random], bool | None]
"""False: there was nothing to strike."""


@dataclass(frozen=True, slots=True)
class Blow:
    at: float
    """Seconds after the storm has begun."""
    kind: str
    seed: int


def _kill_a_child(scene: Scene, chance: random.Random) -> None:
    for pid in chance.sample(children := children_of(scene.engine.named(WORKERS[0])), min(1, len(children))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _kill_a_worker(scene: Scene, chance: random.Random) -> None:
    scene.kill(chance.choice(WORKERS))


def _stop_a_worker(scene: Scene, chance: random.Random) -> None:
    scene.stand_still(chance.choice(WORKERS), chance.uniform(0.5, LONGEST_STANDSTILL))


def _end_a_worker(scene: Scene, chance: random.Random) -> None:
    """In order, as a deployment does."""
    with suppress(ProcessLookupError):
        scene.engine.named(chance.choice(WORKERS)).process.send_signal(signal.SIGTERM)


def _kill_a_sweep(scene: Scene, chance: random.Random) -> None:
    scene.kill(chance.choice(SWEEPS))


def _stop_a_sweep(scene: Scene, chance: random.Random) -> None:
    scene.stand_still(chance.choice(SWEEPS), chance.uniform(0.5, LONGEST_STANDSTILL))


def _kill_the_web(scene: Scene, chance: random.Random) -> bool:
    """One that is still starting is let start: on a slow machine nobody would ever be answered."""
    if not scene.web_listens():
        return False
    scene.kill(WEB)
    return True


def _stop_the_web(scene: Scene, chance: random.Random) -> None:
    scene.stand_still(WEB, chance.uniform(0.2, 1.5))


def _flush(scene: Scene, chance: random.Random) -> None:
    scene.broker.flush()


def _restart_the_broker(scene: Scene, chance: random.Random) -> None:
    scene.broker.kill()
    scene.broker.restart()


def _restart_the_database(scene: Scene, chance: random.Random) -> None:
    scene.database.kill()
    scene.database.restart()


def _double_messages(scene: Scene, chance: random.Random) -> None:
    scene.broker.double(chance.randint(1, 2))


def _reorder_messages(scene: Scene, chance: random.Random) -> None:
    scene.broker.shuffle(chance)


def _step_the_clock(scene: Scene, chance: random.Random) -> None:
    seconds = chance.choice([-1.0, 0.7, 1.5, 3600.0])
    scene.execute(
        "UPDATE executions_task SET due_at = due_at - make_interval(secs => %s)"
        " WHERE due_at IS NOT NULL AND status IN ('executing', 'waiting', 'dispatched')",
        (seconds,),
    )


FAULTS: Mapping[str, Strike] = {
    "worker child killed": _kill_a_child,
    "worker killed": _kill_a_worker,
    "worker stopped and continued": _stop_a_worker,
    "worker ended": _end_a_worker,
    "sweep killed": _kill_a_sweep,
    "sweep stopped and continued": _stop_a_sweep,
    "web killed": _kill_the_web,
    "web stopped and continued": _stop_the_web,
    "broker flushed": _flush,
    "broker killed": _restart_the_broker,
    "database killed": _restart_the_database,
    "messages doubled": _double_messages,
    "messages reordered": _reorder_messages,
    "clock stepped": _step_the_clock,
}


def schedule(seed: str, seconds: float, gap: float) -> list[Blow]:
    """Blows at random moments, about `gap` seconds apart; each kind comes before any comes again."""
    chance = random.Random(f"{seed}/blows")
    blows: list[Blow] = []
    at, kinds = 0.0, list[str]()
    while (at := at + chance.uniform(0.3, 1.7) * gap) < seconds:
        kinds = kinds or chance.sample(sorted(FAULTS), len(FAULTS))
        blows.append(Blow(at, kinds.pop(), chance.getrandbits(32)))
    return blows


def strike(scene: Scene, blow: Blow) -> bool:
    """Whether it fell."""
    return FAULTS[blow.kind](scene, random.Random(blow.seed)) is not False
