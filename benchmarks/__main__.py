"""`python -m benchmarks`: measure, show, write `benchmarks/results.json`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import arena, dag_race, latency, race, size
from benchmarks.figures import Figure, markdown, rewrite, table, write_json
from benchmarks.machine import machine
from symphony import stack
from symphony.errors import StackError
from symphony.stopping import Stopped, StopRequests

WORKLOADS = ("W1", "W2", "W3", "W4", "W5")
RESULTS = stack.BASE_DIR / "benchmarks" / "results.json"
README = stack.BASE_DIR / "README.md"


def main() -> int:
    options = _options()
    StopRequests()
    console = Console(stderr=True)
    root = Path(os.environ.get("SYMPHONY_HOME") or stack.BASE_DIR / ".symphony")
    _forget_settings()
    line = machine()
    try:
        with arena.opened(root) as opened:
            found = _measure(opened, options, console)
    except Stopped:
        console.print("Interrupted; everything is stopped, nothing was written.")
        return 130
    except StackError as error:
        console.print(f"[red]{error}[/red]")
        return 1
    Console(width=None if sys.stdout.isatty() else 140).print(table(found, line))
    write_json(options.output, found)
    if options.readme and README.exists():
        README.write_text(rewrite(README.read_text(encoding="utf-8"), markdown(found, line)), encoding="utf-8")
    return 0


def _measure(opened: arena.Arena, options: argparse.Namespace, console: Console) -> list[Figure]:
    def say(text: str) -> None:
        console.print(f"  {text}", style="dim", highlight=False)

    found: list[Figure] = []
    raced = [name for name in ("W1", "W2") if name in options.only]
    for events in (False, True) if raced else ():
        if events and options.no_events:
            continue
        samples = race.race(opened, raced, rounds=options.rounds, samples=options.samples, events=events, say=say)
        found += race.figures(samples, events=events)
    if "W3" in options.only:
        found += dag_race.race(opened, rounds=options.rounds, say=say)
    if "W4" in options.only:
        found += latency.measure(opened, rounds=options.rounds, say=say)
    if "W5" in options.only:
        found += size.broker_bytes(opened, say=say)
        found += size.large(opened, rounds=options.rounds, say=say)
    return sorted(found, key=lambda figure: figure.workload)


def _forget_settings() -> None:
    """What is measured are the product's defaults, not what this shell happens to set."""
    for name in list(os.environ):
        if name.startswith("SYMPHONY_") or name in {"DATABASE_URL", "BROKER_URL", "CACHE_URL"}:
            del os.environ[name]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", type=lambda text: text.upper().split(","), default=list(WORKLOADS), metavar="W1,W2,..."
    )
    parser.add_argument("--runs", type=int, default=3, help="measurements of each system (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one turn for each system, without events")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--output", type=Path, default=RESULTS, help="default: %(default)s")
    options = parser.parse_args()
    unknown = [name for name in options.only if name not in WORKLOADS]
    if unknown:
        parser.error(f"unknown workload {', '.join(unknown)}: choose from {', '.join(WORKLOADS)}")
    options.rounds, options.samples = (1, options.runs) if options.quick else (options.runs, 2)
    options.no_events = options.quick
    return options


if __name__ == "__main__":
    sys.exit(main())
