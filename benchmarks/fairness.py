"""W10: one organization floods, nine others send a little: how much longer theirs take, and who gets what share."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.arena import Arena
from benchmarks.figures import Figure, Goal
from benchmarks.symphony_side import Symphony
from symphony.demo.client import Client

FLOOD: Final = 10_000
SMALL: Final = 10
OTHERS: Final = 9
SECONDS: Final = 0.02
"""What each step takes: long enough that slots, not the engine, are what is scarce."""
_WAITS: Final = """
    SELECT extract(epoch FROM t.started_at - x.created_at)::float8
      FROM executions_task t JOIN executions_execution x ON x.id = t.execution_id
     WHERE x.organization_id = ANY (%s::uuid[]) AND x.created_at > to_timestamp(%s) AND t.started_at IS NOT NULL
"""
_STARTED: Final = """
    SELECT count(*) FROM executions_task t
     WHERE t.organization_id = %s AND t.started_at > to_timestamp(%s) AND t.started_at <= to_timestamp(%s)
"""


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization and what speaks for it."""

    client: Client
    organization: str
    melodies: dict[int, str]

    def submit(self, steps: int) -> str:
        """Start a melody of so many steps that do not wait for each other."""
        if steps not in self.melodies:
            made = self.client.create_melody(json.dumps(_independent(steps)))
            self.melodies[steps] = str(made["id"])
        return str(self.client.execute(self.melodies[steps], {})["id"])


def measure(arena: Arena, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    ours = Symphony(arena, "Symphony")
    tenants = [Tenant(Client(arena.url, token), owned, {}) for token, owned in arena.people(OTHERS + 1)]
    flood, others = tenants[0], tenants[1:]
    for tenant in others:
        tenant.submit(SMALL)
    calm, busy, shares = list[float](), list[float](), list[float]()
    with arena.running(ours.processes(events=False)):
        _await_all(arena, tenants)
        for number in range(rounds):
            say(f"W10 round {number + 1}: nine alone, then beside a flood of {FLOOD:,}")
            calm.append(_p95_wait(arena, others))
            run = flood.submit(FLOOD)
            busy.append(_p95_wait(arena, others))
            flood.client.cancel(run)
            _await_all(arena, tenants)
        say("W10: all ten flood")
        shares.append(_jain(arena, tenants))
    return [
        Figure("W10", "p95 wait of small tenants beside a flood / without it", statistics.median(busy) * 1000, "ms",
               statistics.median(calm) * 1000, Goal("at most", 2.0)),
        Figure("W10", "Jain index of ten that flood alike", statistics.median(shares), "",
               goal=Goal("at least", 0.95, "value")),
    ]  # fmt: skip


def _independent(steps: int) -> dict[str, Any]:
    made = [{"name": f"s{number}", "type": "simulate", "seconds": SECONDS} for number in range(steps)]
    return {"workflow": {"name": f"{steps} side by side", "mode": "dag", "steps": made}}


def _p95_wait(arena: Arena, others: Sequence[Tenant]) -> float:
    """Seconds from a run's start over REST to the start of each of its steps, worst of twenty."""
    began = time.time()
    for tenant in others:
        tenant.submit(SMALL)
    owners = [tenant.organization for tenant in others]
    arena.wait(
        lambda: len(arena.select(_WAITS, owners, began)) == SMALL * len(others), "all small tenants", seconds=120
    )
    waits = sorted(row[0] for row in arena.select(_WAITS, owners, began))
    return float(waits[int(len(waits) * 0.95)])


def _jain(arena: Arena, tenants: Sequence[Tenant]) -> float:
    """Of what each gets in five seconds in which all have more to do than they get."""
    runs = [(tenant, tenant.submit(FLOOD // len(tenants) * 3)) for tenant in tenants]
    began = time.time()
    arena.wait(lambda: time.time() > began + 6, "five seconds", seconds=30, pause=0.2)
    got = [arena.select(_STARTED, tenant.organization, began + 1, began + 6)[0][0] for tenant in tenants]
    for tenant, run in runs:
        tenant.client.cancel(run)
    return float(sum(got) ** 2 / (len(got) * sum(share**2 for share in got)))


def _await_all(arena: Arena, tenants: Sequence[Tenant]) -> None:
    owners = [tenant.organization for tenant in tenants]
    query = (
        "SELECT count(*) FROM executions_execution WHERE organization_id = ANY (%s::uuid[]) AND completed_at IS NULL"
    )
    arena.wait(lambda: arena.select(query, owners)[0][0] == 0, "the end of all runs", seconds=120)
