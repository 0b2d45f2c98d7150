"""W6: many slow model calls at once as steps of one execution, on one thread worker, through the real SDK.

Every call takes two seconds at a local server. Plain Celery makes the same calls with the same SDK and as many threads,
and records nothing.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from celery import group

from benchmarks.arena import Arena
from benchmarks.celery_side import PlainCelery
from benchmarks.contest import deadline
from benchmarks.figures import Figure, Goal
from benchmarks.spans import Span, makespan
from benchmarks.symphony_side import Symphony
from symphony import stack
from symphony.supervisor import ProcessSpec

CALL_SECONDS = 2.0
LONG_CALL_SECONDS = 12.0
"""Long enough that the first call is still open when the last one begins."""
COUNTS = (200, 400)
MODEL = "claude-haiku-5-5"
PROMPT = "Say something short."

_SESSIONS = """
    SELECT count(*) FILTER (WHERE application_name = 'symphony-worker') FROM pg_stat_activity
"""


@dataclass(frozen=True, slots=True)
class _Callers(Symphony):
    """Symphony with one worker for calls, and the least of everything else."""

    threads: int = 200

    def processes(self, *, events: bool = False) -> Sequence[ProcessSpec]:
        options = stack.Options(flower_port=None, calls_threads=self.threads, steps_processes=1)
        specs = stack.process_specs(options, self.arena.stack, self.arena.home)
        return [
            replace(spec, environ={**spec.environ, **self.variables})
            for spec in specs
            if spec.name in {"steps", "calls", "sweep"}
        ]

    def watched(self, document: dict[str, Any], look: Callable[[], None]) -> Sequence[Span]:
        """Execute a document and look at something again and again meanwhile."""
        steps = len(document["workflow"]["steps"])
        execution = self.arena.client.execute(self.melody(document), {})["id"]

        def is_over() -> bool:
            look()
            return self._is_over(execution)

        self.arena.wait(is_over, f"{steps} model calls", seconds=deadline(steps), pause=0.05)
        return self.ended(execution, steps)


@dataclass(frozen=True, slots=True)
class _PlainCallers(PlainCelery):
    url: str = ""

    def processes(self, *, events: bool = False) -> Sequence[ProcessSpec]:
        (spec,) = PlainCelery.processes(self, events=events)
        command = [part.replace("benchmarks.plain.app", "benchmarks.plain.models") for part in spec.command]
        return [replace(spec, command=command, environ={**spec.environ, "PLAIN_MODEL_URL": self.url})]

    def asked(self, count: int) -> Sequence[Span]:
        return self.timed(group([self.signature("ask", MODEL, PROMPT) for _ in range(count)], app=self.app), count)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one execution needed. Sessions are those of all workers and the sweep; memory is the calls worker's."""

    seconds: float
    sessions: int
    megabytes: float
    resting_megabytes: float


def measure(arena: Arena, *, rounds: int, say: Callable[[str], None], counts: Sequence[int] = COUNTS) -> list[Figure]:
    figures: list[Figure] = []
    for count in counts:
        ours, plain = list[_Seen](), list[float]()
        for number in range(rounds):
            say(f"W6 {count} calls, round {number + 1}: Symphony, then Celery")
            with _Server(CALL_SECONDS) as server:
                ours.append(_symphony(arena, server.url, count))
            with _Server(CALL_SECONDS) as server:
                plain.append(_celery(arena, server.url, count))
        figures += _figures(count, ours, plain)
    most = max(counts)
    say(f"W6 {most} long calls")
    with _Server(LONG_CALL_SECONDS) as server:
        _symphony(arena, server.url, most)
    name = f"{most} model calls of {LONG_CALL_SECONDS:g} s on one worker: open at a time"
    return [*figures, Figure("W6", name, server.most_open, "calls", None, Goal("at least", most, of="value"))]


def _figures(count: int, ours: Sequence[_Seen], plain: Sequence[float]) -> list[Figure]:
    took = statistics.median(seen.seconds for seen in ours)
    of_celery = statistics.median(plain)
    calls = f"{count} model calls of {CALL_SECONDS:g} s on one worker"
    return [
        Figure("W6", f"{calls}: makespan / Celery", took, "s", of_celery),
        Figure("W6", f"{calls}: makespan / one call", took, "s", CALL_SECONDS),
        Figure("W6", f"{calls}: peak database sessions", max(seen.sessions for seen in ours), "sessions"),
        Figure("W6", f"{calls}: worker's memory at the peak", max(seen.megabytes for seen in ours), "MB"),
        Figure("W6", f"{calls}: worker's memory at rest", max(seen.resting_megabytes for seen in ours), "MB"),
    ]


def _symphony(arena: Arena, url: str, count: int) -> _Seen:
    variables = {
        "SYMPHONY_ANTHROPIC_BASE_URL": url,
        "SYMPHONY_MODEL_PROVIDERS": "live",
        "ANTHROPIC_API_KEY": "none",
    }
    ours = _Callers(arena, "Symphony", variables, threads=count)
    with arena.running(ours.processes()):
        worker = arena.pids()["calls"]
        ours.run(_document(2))  # loads the SDK
        resting = _megabytes(worker)
        sessions, megabytes = [0], [0.0]

        def look() -> None:
            sessions.append(arena.select(_SESSIONS)[0][0])
            megabytes.append(_megabytes(worker))

        spans = ours.watched(_document(count), look)
    return _Seen(makespan(spans), max(sessions), max(megabytes), resting)


def _celery(arena: Arena, url: str, count: int) -> float:
    plain = _PlainCallers(arena, "Celery", "none", concurrency=count, url=url)
    with arena.running(plain.processes()):
        plain.asked(2)
        return makespan(plain.asked(count))


def _document(count: int) -> dict[str, Any]:
    steps = [
        {
            "name": f"ask_{number}",
            "type": "claude",
            "depends_on": [],
            "claude_options": {"model": MODEL, "max_tokens": 1000},
            "prompt": PROMPT,
        }
        for number in range(count)
    ]
    return {"workflow": {"name": f"{count} calls", "steps": steps}}


class _Server:
    """A slow model in a process of its own, so that it takes nobody's interpreter."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.wire", "anthropic", str(self._seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=stack.BASE_DIR,
        )
        self.url = self._line()
        self.most_open = 0
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self.most_open = int(self._line() or 0)
        self._process.wait(10)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def _megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
