"""Measure Symphony beside other engines, show ratios, write benchmarks/peers.json."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from benchmarks import arena
from benchmarks.figures import Figure, table
from benchmarks.machine import machine
from benchmarks.peers import answers, environments, stage
from benchmarks.peers.answers import Answer, Measure, checked
from benchmarks.peers.playing import SLOTS
from benchmarks.peers.roster import Peer, chosen
from benchmarks.peers.workloads import NAMES, SMALL, Sizes, Workload, chain, workloads
from benchmarks.spans import Span
from benchmarks.symphony_side import Symphony
from symphony import stack
from symphony.embedded.process import die_with
from symphony.errors import StackError
from symphony.stopping import Stopped, StopRequests

RESULTS = stack.BASE_DIR / "benchmarks" / "peers.json"
WIDTH = 140
WARM_UP = 5
Say = Callable[[str], None]

_STEPS = """
    SELECT name, extract(epoch FROM started_at)::float8, extract(epoch FROM completed_at)::float8
      FROM executions_task WHERE execution_id = %s AND started_at IS NOT NULL
"""


def _nothing() -> dict[str, list[Answer]]:
    return defaultdict(list)


@dataclass(slots=True)
class Run:
    """What one command has measured so far."""

    sizes: Sizes
    ours: dict[str, list[Answer]] = field(default_factory=_nothing)
    theirs: dict[Peer, dict[str, list[Answer]]] = field(default_factory=lambda: defaultdict(_nothing))
    failed: dict[Peer, str] = field(default_factory=dict)

    def numbers(self, found: Mapping[str, Sequence[Answer]]) -> dict[Measure, float]:
        known = {workload.name: workload.job for workload in workloads(self.sizes)}
        said = [answers.numbers(name, known[name], given) for name, given in found.items() if given]
        return {measure: value for one in said for measure, value in one.items()}

    def figures(self) -> list[Figure]:
        return answers.figures(
            self.numbers(self.ours), {peer: self.numbers(found) for peer, found in self.theirs.items()}
        )

    def as_dict(self, line: str) -> dict[str, Any]:
        def plain(found: Mapping[str, Sequence[Answer]]) -> dict[str, float]:
            return {f"{one.workload} {one.name}": float(f"{value:.6g}") for one, value in self.numbers(found).items()}

        return {
            "machine": line,
            "slots": SLOTS,
            "sizes": asdict(self.sizes),
            "symphony": plain(self.ours),
            "peers": {
                peer.name: {"timers": peer.timers, "measured": plain(found)} for peer, found in self.theirs.items()
            },
            "failed": {peer.name: reason for peer, reason in self.failed.items()},
            "figures": [figure.as_dict() for figure in self.figures()],
        }


def main() -> int:
    options = _options()
    StopRequests()
    if options.tied:
        die_with(os.getppid(), signal.SIGTERM)
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    root = Path(os.environ.get("SYMPHONY_HOME") or stack.BASE_DIR / ".symphony").absolute()
    for name in list(os.environ):
        if name.startswith("SYMPHONY_") or name in {"DATABASE_URL", "BROKER_URL", "CACHE_URL"}:
            del os.environ[name]
    load = os.getloadavg()[0]
    run = Run(SMALL if options.small else Sizes())
    try:
        installed = _installed(run, options.peers, root / "peers", lambda text: progress.print(text, style="dim"))
        with arena.opened(root) as opened:
            line = f"{machine(opened)}; {SLOTS} slots each; load before the start {load:.1f}"
            _measure(run, opened, installed, options, lambda text: progress.print(f"  {text}", style="dim"))
    except Stopped:
        progress.print("Interrupted: everything is stopped, nothing was written.")
        return 130
    except StackError as error:
        progress.print(f"[red]{error}[/red]")
        return 1
    _report(run, line, options.output)
    return 1 if run.failed else 0


def _installed(run: Run, peers: Sequence[Peer], root: Path, say: Say) -> dict[Peer, Path]:
    """Environments first: nothing is measured while packages are being unpacked."""
    found: dict[Peer, Path] = {}
    for peer in peers:
        log = _logs(root) / f"{peer.name}-install.log"
        try:
            found[peer] = environments.ready(peer, root, log, say)
        except StackError as error:
            run.failed[peer] = str(error)
    return found


def _measure(
    run: Run, opened: arena.Arena, installed: Mapping[Peer, Path], options: argparse.Namespace, say: Say
) -> None:
    """Symphony before and after all others: what the machine does meanwhile should show in both turns."""
    logs = _logs(opened.home.root.parent.parent / "peers")
    _our_turn(run, opened, options, say)
    for peer, binaries in installed.items():
        begun = time.monotonic()
        found = run.theirs[peer]
        for old in logs.glob(f"{peer.name}-[!i]*.log"):
            old.unlink()
        try:
            with stage.staged(peer, opened, binaries, logs) as staged:
                staged.play(chain(WARM_UP))
                for workload in _of(run, options, peer.plays):
                    say(f"{peer.label}: {workload.name}")
                    for _ in range(workload.repeats if workload.repeats > 1 else 1 if peer.slow else options.runs):
                        found[workload.name].append(staged.play(workload.job))
        except StackError as error:
            run.failed[peer] = str(error)
        say(f"{peer.label}: {time.monotonic() - begun:.0f} s")
    _our_turn(run, opened, options, say)


def _our_turn(run: Run, opened: arena.Arena, options: argparse.Namespace, say: Say) -> None:
    ours = Symphony(opened, "Symphony", threads=SLOTS)
    with opened.running(ours.processes(events=False)):
        for workload in _of(run, options, NAMES):
            say(f"Symphony: {workload.name}")
            for _ in range(2):  # to warm up, and to have its melody compiled
                _play(ours, opened, workload)
            for _ in range(max(workload.repeats, options.runs)):
                run.ours[workload.name].append(_play(ours, opened, workload))


def _play(ours: Symphony, opened: arena.Arena, workload: Workload) -> Answer:
    melody = ours.melody(workload.document)
    submitted = time.time()
    execution = opened.client.execute(melody, {})["id"]
    ours.ended(execution, len(workload.job))
    spans, recorded = _recorded(opened, execution, workload)
    return checked(workload.job, Answer(spans, submitted, recorded))


def _recorded(opened: arena.Arena, execution: str, workload: Workload) -> tuple[tuple[Span, ...], float]:
    """Spans in the order of the graph, and when the last step was recorded, as Symphony's own tables say."""
    names = [step["name"] for step in workload.document["workflow"]["steps"]]
    rows = opened.select(_STEPS, execution)
    if {name for name, *_ in rows} != set(names):
        raise StackError(f"Symphony: {len(rows)} steps of {len(names)} ran")
    spans = {name: Span(started, ended) for name, started, ended in rows}
    return tuple(spans[name] for name in names), max(span.ended for span in spans.values())


def _of(run: Run, options: argparse.Namespace, plays: Sequence[str]) -> list[Workload]:
    return [one for one in workloads(run.sizes) if one.name in options.only and one.name in plays]


def _logs(root: Path) -> Path:
    log = root / "log"
    log.mkdir(parents=True, exist_ok=True)
    return log


def _report(run: Run, line: str, output: Path | None) -> None:
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=WIDTH)
    if figures := run.figures():
        console.print(table(figures, line))
        console.print("value: Symphony; baseline: the peer; ratio: Symphony / peer. Fixed timers, no cost of a step:")
    for peer in (peer for peer, found in run.theirs.items() if found):
        console.print(f"  {peer.label}: {peer.timers}.", highlight=False)
    for peer, reason in run.failed.items():
        console.print(f"[red]{peer.label}[/red]: {escape(reason)}", highlight=False, soft_wrap=True)
    if output is not None:
        output.write_text(json.dumps(run.as_dict(line), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        console.print(f"Written to {output}", highlight=False, soft_wrap=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--peers", default="", help="names with commas between (default: all there are)")
    parser.add_argument(
        "--only", type=lambda text: text.upper().split(","), metavar="W1,W2,...", help="these workloads"
    )
    parser.add_argument("--runs", type=int, default=3, help="of each workload (default: %(default)s; slow peers: one)")
    parser.add_argument("--small", action="store_true", help="a fifth of each workload, to see whether all of it works")
    parser.add_argument(
        "--output", type=Path, help=f"default: {RESULTS.relative_to(stack.BASE_DIR)} when all is measured"
    )
    parser.add_argument("--tied", action="store_true", help="stop when the process that started this one is gone")
    options = parser.parse_args()
    try:
        peers = chosen(options.peers)
    except ValueError as error:
        parser.error(str(error))
    if options.only and (unknown := sorted(set(options.only) - set(NAMES))):
        parser.error(f"unknown workload {', '.join(unknown)}: choose from {', '.join(NAMES)}")
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    if options.output is None and not (options.peers or options.only or options.small):
        options.output = RESULTS
    options.peers, options.only = peers, options.only or list(NAMES)
    return options


if __name__ == "__main__":
    sys.exit(main())
