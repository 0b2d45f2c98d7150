"""`python -m benchmarks.api`: how long lists and details take with 100,000 melodies and 1,000,000 tasks in one
organization, beside a database that holds one page of each. Writes benchmarks/api-results.json."""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console

from benchmarks import arena, crowd
from benchmarks.figures import Figure, Goal, table, write_json
from benchmarks.machine import machine
from symphony import stack
from symphony.errors import StackError
from symphony.stopping import Stopped, StopRequests

RESULTS: Final = stack.BASE_DIR / "benchmarks" / "api-results.json"
PAGE: Final = 100
GOAL: Final = Goal("at most", 2.0)
Times = dict[str, list[float]]


def main() -> int:
    options = _options()
    StopRequests()
    say = Console(stderr=True, highlight=False, soft_wrap=True)
    root = Path(os.environ.get("SYMPHONY_HOME") or stack.BASE_DIR / ".symphony")
    # One client asks as fast as it can: it is not to be told to wait.
    os.environ["SYMPHONY_RATE_LIMITS"] = "off"
    load = os.getloadavg()[0]
    try:
        with arena.opened(root) as opened:
            line = f"{machine(opened)}; load before the start {load:.1f}"
            figures = measure(opened, options, lambda text: say.print(f"  {text}", style="dim"))
    except Stopped:
        return 130
    except StackError as error:
        say.print(f"[red]{error}[/red]")
        return 1
    Console(width=130).print(table(figures, line))
    write_json(RESULTS, figures)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--melodies", type=int, default=100_000)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=60, help="of each address in a round")
    parser.add_argument(
        "--rounds", type=int, default=3, help="the best counts: what disturbs a machine only makes it slower"
    )
    parser.add_argument("--only", default="", help="addresses whose name has this word")
    parser.add_argument("--tied", action="store_const", const=signal.SIGTERM, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(opened: arena.Arena, options: argparse.Namespace, say: Callable[[str], None]) -> list[Figure]:
    small, execution = crowd.samples(opened.client)
    crowd.grow(opened, small, execution, melodies=PAGE, executions=PAGE, alike=True)
    paths = {name: path for name, path in addresses(opened, small, execution).items() if options.only in name}
    say("one page of each")
    empty = timed(opened, paths, options)
    begun = time.monotonic()
    crowd.grow(opened, small, execution, melodies=options.melodies, executions=options.tasks // crowd.STEPS)
    ((tasks,),) = opened.select("SELECT count(*) FROM executions_task")
    say(f"{options.melodies:,} melodies and {tasks:,} tasks made in {time.monotonic() - begun:.0f} s")
    full = timed(opened, paths, options)
    return [
        Figure(name, which, take(full[name]), "ms", take(empty[name]), GOAL if which == "p95" else None)
        for name in paths
        for which, take in (("p50", statistics.median), ("p95", p95))
    ]


def addresses(opened: arena.Arena, small: str, execution: str) -> dict[str, str]:
    """By the name of the figure."""
    ((task,),) = opened.select("SELECT min(id::text) FROM executions_task WHERE execution_id = %s", execution)
    ((large,),) = opened.select("SELECT melody_id FROM executions_execution WHERE id = %s", execution)
    api = "/api/v1"
    return {
        "melodies": f"{api}/melodies/",
        "melodies by status": f"{api}/melodies/?status=active",
        "melodies by tag": f"{api}/melodies/?tag={crowd.ALIKE}",
        "melodies by name": f"{api}/melodies/?name={crowd.ALIKE}",
        "melodies searched": f"{api}/melodies/?search={crowd.ALIKE}",
        "melodies by tag, none": f"{api}/melodies/?tag=zugzwang",
        "melodies by name, none": f"{api}/melodies/?name=zugzwang",
        "melodies searched, none": f"{api}/melodies/?search=zugzwang",
        "melodies by change": f"{api}/melodies/?ordering=-updated_at",
        "a melody": f"{api}/melodies/{small}/",
        "its versions": f"{api}/melodies/{small}/versions/",
        "its runs": f"{api}/melodies/{large}/executions/",
        "its statistics": f"{api}/melodies/{large}/statistics/",
        "executions": f"{api}/executions/",
        "executions by status": f"{api}/executions/?status=queued",
        "executions completed": f"{api}/executions/?status=completed",
        "an execution": f"{api}/executions/{execution}/",
        "its tasks": f"{api}/executions/{execution}/tasks/",
        "its events": f"{api}/executions/{execution}/events/",
        "its artifacts": f"{api}/executions/{execution}/artifacts/",
        "its graph": f"{api}/executions/{execution}/graph/",
        "a task": f"{api}/tasks/{task}/",
        "approvals": f"{api}/approvals/",
        "organizations": f"{api}/organizations/",
    }


def timed(opened: arena.Arena, paths: dict[str, str], options: argparse.Namespace) -> Times:
    """Milliseconds of the best round, by name."""
    found: Times = {}
    headers = {"Authorization": f"Token {opened.token}"}
    with httpx.Client(base_url=opened.url, headers=headers, timeout=60) as client:
        for name, path in paths.items():
            rounds = [_round(client, path, options.requests) for _ in range(options.rounds)]
            found[name] = min(rounds, key=p95)
    return found


def _round(client: httpx.Client, path: str, count: int) -> list[float]:
    taken = []
    for number in range(count + 3):
        begun = time.perf_counter()
        response = client.get(path)
        if number >= 3:  # the first ones find nothing in any cache
            taken.append((time.perf_counter() - begun) * 1000)
        if response.status_code != httpx.codes.OK:
            raise StackError(f"GET {path} was answered {response.status_code}: {response.text[:500]}")
    return taken


def p95(taken: Any) -> float:
    return statistics.quantiles(taken, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
