"""Measure Symphony beside plain Celery, show a table, write benchmarks/results.json."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import (
    arena,
    control_flow,
    dag_race,
    endurance,
    fairness,
    history,
    language,
    latency,
    model_calls,
    race,
    rank,
    size,
)
from benchmarks.figures import Figure, markdown, rewrite, table, write_json
from benchmarks.machine import machine
from symphony import stack
from symphony.embedded.process import die_with
from symphony.errors import StackError
from symphony.stopping import Stopped, StopRequests

WORKLOADS = ("W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W10", "W11")
LONG = ("W9", "W12")
"""Half an hour and more each, and gigabytes of disk: only when they are asked for."""
RESULTS = stack.BASE_DIR / "benchmarks" / "results.json"
README = stack.BASE_DIR / "README.md"
WIDTH = 130


def main() -> int:
    options = _options()
    StopRequests()
    if options.tied:
        die_with(os.getppid(), signal.SIGTERM)
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    root = Path(os.environ.get("SYMPHONY_HOME") or stack.BASE_DIR / ".symphony")
    _forget_settings()
    load = os.getloadavg()[0]
    try:
        with arena.opened(root) as opened:
            line = f"{machine(opened)}; load before the start {load:.1f}"
            found = _measure(opened, options, lambda text: progress.print(f"  {text}", style="dim"))
    except Stopped:
        progress.print("Interrupted: everything is stopped, nothing was written.")
        return 130
    except StackError as error:
        progress.print(f"[red]{error}[/red]")
        return 1
    _report(found, line, options)
    return 0


def _measure(opened: arena.Arena, options: argparse.Namespace, say: Callable[[str], None]) -> list[Figure]:
    found: list[Figure] = []
    rounds = 1 if options.quick else options.runs
    samples = options.runs if options.quick else 2
    raced = [name for name in ("W1", "W2") if name in options.only]
    if raced:
        for events in (False,) if options.quick else (False, True):
            measured = race.race(opened, raced, rounds=rounds, samples=samples, events=events, say=say)
            found += race.figures(measured, events=events)
    if "W3" in options.only:
        found += dag_race.race(opened, rounds=rounds, samples=samples, say=say)
    if "W4" in options.only:
        found += latency.measure(opened, rounds=options.runs, say=say)
    if "W6" in options.only:
        found += model_calls.measure(opened, rounds=rounds, say=say)
    if "W8" in options.only:
        found += control_flow.measure(opened, rounds=rounds, say=say)
    if "W7" in options.only:
        found += language.measure(rounds=rounds, say=say)
    if "W10" in options.only:
        found += fairness.measure(opened, rounds=rounds, say=say)
    if "W11" in options.only:
        found += rank.measure(opened, rounds=rounds, say=say)
    if "W12" in options.only:
        found += endurance.measure(opened, say=say)
    if "W5" in options.only:
        found += size.broker_bytes(opened, say=say)
        # Last: what it starts is never run.
        found += size.large(opened, rounds=rounds, say=say)
    if "W9" in options.only:
        found += history.measure(opened, tasks=options.history, rounds=rounds, say=say)
    return sorted(found, key=lambda figure: int(figure.workload[1:]))


def _report(found: list[Figure], line: str, options: argparse.Namespace) -> None:
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=WIDTH)
    console.print(table(found, line))
    if options.output is not None:
        write_json(options.output, found)
        console.print(f"Written to {options.output}", highlight=False, soft_wrap=True)
    if options.readme and README.exists():
        README.write_text(rewrite(README.read_text(encoding="utf-8"), markdown(found, line)), encoding="utf-8")


def _forget_settings() -> None:
    """What is measured are the product's defaults, not what this shell happens to set."""
    for name in list(os.environ):
        if name.startswith("SYMPHONY_") or name in {"DATABASE_URL", "BROKER_URL", "CACHE_URL"}:
            del os.environ[name]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        type=lambda text: text.upper().split(","),
        metavar="W1,W2,...",
        help=f"these workloads (default: all but {' and '.join(LONG)})",
    )
    parser.add_argument("--runs", type=int, default=3, help="measurements of each system (default: %(default)s)")
    parser.add_argument(
        "--history", type=int, default=history.TASKS, help="tasks of the history of W9 (default: %(default)s)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one turn for each system (W4: three), and none with events on"
    )
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    parser.add_argument(
        "--output", type=Path, help=f"default: {RESULTS.relative_to(stack.BASE_DIR)} when everything is measured"
    )
    parser.add_argument("--tied", action="store_true", help="stop when the process that started this one is gone")
    options = parser.parse_args()
    partial = options.quick or options.only is not None
    options.only = options.only or list(WORKLOADS)
    unknown = [name for name in options.only if name not in WORKLOADS + LONG]
    if unknown:
        parser.error(f"unknown workload {', '.join(unknown)}: choose from {', '.join(WORKLOADS + LONG)}")
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    if options.output is None and not partial:
        options.output = RESULTS
    return options


if __name__ == "__main__":
    sys.exit(main())
