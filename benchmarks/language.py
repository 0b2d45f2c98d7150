"""W7: the language itself. A melody of 10,000 steps from text to plan, and what one evaluation of an expression takes.

`python -m benchmarks.language` measures this alone; it needs no servers.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.figures import Figure, Goal, table, write_json
from benchmarks.mixed_melody import EXPRESSIONS

BASE_DIR = Path(__file__).resolve().parent.parent
STEPS = 10_000
SECONDS_LIMIT = 2.0
MICROSECONDS_LIMIT = 20.0
Costs = Mapping[str, float]


def measure(*, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Medians of processes of their own, one per round."""
    costs = []
    for number in range(rounds):
        say(f"W7 round {number + 1}: a melody of {STEPS:,} steps, {len(EXPRESSIONS)} expressions")
        costs.append(_inside(number))
    return figures({name: statistics.median(cost[name] for cost in costs) for name in costs[0]})


def _inside(seed: int) -> Costs:
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "symphony.settings"}
    command = [sys.executable, "-m", "benchmarks.inside.language", str(STEPS), str(seed)]
    done = subprocess.run(command, cwd=BASE_DIR, env=environ, stdout=subprocess.PIPE, check=True, text=True)
    costs: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return costs


def figures(cost: Costs) -> list[Figure]:
    """The rows of the table. Parsing is held against PyYAML's C loader on the same text, evaluation against the sandbox of
    Jinja if it is installed."""
    size = f"{cost['steps']:,.0f} mixed steps"
    total = cost["parse"] + cost["validate"] + cost["plan"]
    return [
        Figure("W7", f"parse / PyYAML load, {size}", cost["parse"], "s", cost["yaml"]),
        Figure("W7", f"validate, {size}", cost["validate"], "s"),
        Figure("W7", f"plan, {size}", cost["plan"], "s"),
        Figure("W7", f"from text to plan, {size}", total, "s", goal=Goal("at most", SECONDS_LIMIT, "value")),
        *(_evaluation(text, number, cost) for number, text in enumerate(EXPRESSIONS)),
    ]


def _evaluation(text: str, number: int, cost: Costs) -> Figure:
    peer = cost.get(f"jinja {number}")
    return Figure(
        "W7",
        f"evaluate `{text}`" + (" / Jinja sandbox" if peer else ""),
        cost[f"evaluate {number}"] * 1e6,
        "µs",
        peer * 1e6 if peer else None,
        Goal("at most", MICROSECONDS_LIMIT, "value"),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="measurements (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="write the figures there as JSON")
    options = parser.parse_args(arguments)
    progress = Console(stderr=True, highlight=False)
    found = measure(rounds=max(1, options.runs), say=lambda text: progress.print(f"  {text}", style="dim"))
    Console(width=130).print(table(found, f"The language; load now {os.getloadavg()[0]:.1f}"))
    if options.output is not None:
        write_json(options.output, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
