"""Plain Celery as a system under test: canvases sent from here, timed by the stamps its tasks leave."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from celery import Celery, chain, chord, group
from celery.canvas import Signature

from benchmarks.arena import Arena
from benchmarks.contest import THREADS, deadline
from benchmarks.spans import Span
from symphony.supervisor import ProcessSpec

STAMP_BYTES = 16


@dataclass(frozen=True, slots=True)
class PlainCelery:
    """`results` is none, django-db or the URL of a Redis."""

    arena: Arena
    name: str
    results: str
    pool: str = "threads"
    concurrency: int = THREADS
    app: Celery = field(init=False)

    def __post_init__(self) -> None:
        # Django's is not at home here: a store only so that chords may be sent, what comes of them is the workers' business.
        backend = {"none": None, "django-db": "cache+memory://"}.get(self.results, self.results)
        broker = self.arena.plain_variables["PLAIN_BROKER_URL"]
        app = Celery("plain-client", broker=broker, backend=backend, set_as_current=False)
        app.conf.task_ignore_result = self.results == "none"
        object.__setattr__(self, "app", app)

    def processes(self, *, events: bool) -> Sequence[ProcessSpec]:
        command = [
            *(sys.executable, "-m", "celery", "-A", "benchmarks.plain.app", "worker", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle", "-n", "plain@%h"),
            *("-P", self.pool, "-c", str(self.concurrency)),
            *(["-E"] if events else []),
        ]
        environ = {**os.environ, **self.arena.plain_variables, "PLAIN_RESULTS": self.results}
        if self.results == "django-db":
            environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.plain.settings"
        return [ProcessSpec("plain", command, environ)]

    def chain(self, length: int) -> Sequence[Span]:
        return self.timed(chain(*[self.signature("noop") for _ in range(length)], app=self.app), length)

    def fan(self, width: int) -> Sequence[Span]:
        """A chord where results are stored; otherwise the members are counted and the last one sends the closing task."""
        first, last = self.signature("noop"), self.signature("noop")
        if self.results == "none":
            counter = f"fan-{uuid.uuid4()}"
            members = group([self.signature("counted", counter, width) for _ in range(width)], app=self.app)
            return self.timed(chain(first, members, app=self.app), width + 2)
        members = group([self.signature("noop") for _ in range(width)], app=self.app)
        return self.timed(chain(first, members, last, app=self.app), width + 2)

    def nested_layers(self, layers: Sequence[Sequence[float]]) -> Sequence[Span]:
        """A chord per layer, the next layer as its body: the whole of it is in the first message."""
        canvas = self.signature("noop")
        for layer in reversed(layers):
            header = group([self.signature("hold", seconds) for seconds in layer], app=self.app)
            canvas = chord(header, canvas, app=self.app)
        first = self.signature("noop")
        return self.timed(chain(first, canvas, app=self.app), sum(map(len, layers)) + 2)

    def lazy_layers(self, layers: Sequence[Sequence[float]]) -> Sequence[Span]:
        """A chord per layer whose body sends the next one: Celery at its best here."""
        return self.timed(self.signature("barrier", [list(layer) for layer in layers]), sum(map(len, layers)))

    def signature(self, task: str, *args: Any) -> Signature[Any]:
        return self.app.signature(f"plain.{task}", args=args, immutable=True)

    def round_trip(self) -> float:
        """Seconds from sending a task that does nothing to having its result."""
        sent = time.time()
        self.signature("noop").apply_async().get(timeout=deadline(1))
        return time.time() - sent

    def timed(self, canvas: Signature[Any], count: int) -> Sequence[Span]:
        """Send a canvas and wait until `count` tasks have left their stamp."""
        path = Path(self.arena.plain_variables["PLAIN_STAMPS"])
        path.touch(mode=0o600)
        os.truncate(path, 0)
        canvas.apply_async()
        self.arena.wait(
            lambda: path.stat().st_size >= count * STAMP_BYTES,
            f"{self.name}: {count} tasks",
            seconds=deadline(count),
            pause=0.005,
        )
        content = memoryview(path.read_bytes()).cast("d")
        return sorted(Span(content[at], content[at + 1]) for at in range(0, len(content), 2))
