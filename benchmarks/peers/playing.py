"""What every peer's adapter shares. Runs inside the peer's own environment: nothing but the standard library here.

Protocol: a job is a line of JSON on standard input, {"seconds": [...], "predecessors": [[...], ...]}; node i sleeps so long and
starts after its predecessors. Its answer is a line on standard output, {"spans": [[started, ended], ...], "submitted": t,
"recorded": t}: seconds since the epoch, `recorded` when the peer's own store says that the last step is done.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

SLOTS = 4
MARK = "played: "
READY = f"{MARK}ready"


@dataclass(frozen=True)
class Job:
    """A graph in topological order."""

    seconds: list[float]
    predecessors: list[list[int]]

    def __len__(self) -> int:
        return len(self.seconds)

    def followers(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.seconds]
        for node, before in enumerate(self.predecessors):
            for number in before:
                found[number].append(node)
        return found


@dataclass(frozen=True)
class Played:
    spans: list[tuple[float, float]]
    submitted: float
    recorded: float


def slept(seconds: float) -> tuple[float, float]:
    """The step every system runs: when it began and when it ended."""
    started = time.time()
    if seconds:
        time.sleep(seconds)
    return started, time.time()


def play(run: Callable[[Job], Played]) -> None:
    """Answer jobs until standard input ends. Whatever else the peer prints is none of ours: answers are marked."""
    print(READY, flush=True)
    for line in sys.stdin:
        job = Job(**json.loads(line))
        played = run(job)
        if len(played.spans) != len(job):
            raise SystemExit(f"{len(played.spans)} steps ran where {len(job)} were to run.")
        print(MARK + json.dumps(asdict(played)), flush=True)
