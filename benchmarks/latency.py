"""W4: from POST to the start of the first step, warm."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

from benchmarks import shapes
from benchmarks.arena import Arena
from benchmarks.celery_side import PlainCelery
from benchmarks.figures import Figure, Goal
from benchmarks.symphony_side import Symphony
from symphony import stack
from symphony.embedded.home import free_port
from symphony.errors import StackError

WARM_UP = 10
SAMPLES = 30
PAUSE = 0.03
"""Seconds before each sample, of whatever system: one that comes at once finds warm caches of the processor, and some samples have
to wait for the end of a run."""


def measure(arena: Arena, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """The reference is what the same service would do at least: an empty POST, by somebody who is let in, to a view that does nothing,
    and a round trip of plain Celery, which is over when the sender has the result of a task that does nothing. The bare
    reference is less than anybody's service could do: a POST that is turned away unread, and a message without a result."""
    ours = Symphony(arena, "Symphony")
    silent = PlainCelery(arena, "Celery", "none")
    answering = PlainCelery(arena, "Celery, Redis results", arena.plain_variables["PLAIN_RESULTS_URL"])
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        say(f"W4 round {number + 1}: Symphony, then Celery")
        with arena.running(ours.processes(events=False)):
            melody = ours.melody(shapes.chain_document(1))
            found["first"] += _warm(partial(_post_to_start, ours, melody))
            found["refused"] += _warm(partial(_post, arena, arena.url, "/livez"))
        with _empty_web(arena) as url:
            found["empty"] += _warm(partial(_post, arena, url, "/empty"))
        with arena.running(silent.processes(events=False)):
            found["start"] += _warm(partial(_send_to_start, silent))
        with arena.running(answering.processes(events=False)):
            found["trip"] += _warm(answering.round_trip)
    first, refused, empty, start, trip = (
        statistics.median(found[name]) * 1000 for name in ("first", "refused", "empty", "start", "trip")
    )
    label = "POST to start of first step"
    return [
        Figure("W4", f"{label} / empty POST + Celery round trip", first, "ms", empty + trip, Goal("at most", 1.5)),
        Figure("W4", f"{label} / refused POST + Celery message", first, "ms", refused + start),
        Figure("W4", "empty POST", empty, "ms"),
        Figure("W4", "Celery round trip, send to result in Redis", trip, "ms"),
        Figure("W4", "refused POST", refused, "ms"),
        Figure("W4", "Celery message, send to start", start, "ms"),
    ]


def _warm(sample: Callable[[], float]) -> list[float]:
    return [_after_a_pause(sample) for _ in range(WARM_UP + SAMPLES)][WARM_UP:]


def _after_a_pause(sample: Callable[[], float]) -> float:
    time.sleep(PAUSE)
    return sample()


def _post_to_start(ours: Symphony, melody: str) -> float:
    with _kept(ours.arena.url) as connection:
        sent = time.time()
        connection.request("POST", f"/api/v1/melodies/{melody}/executions/", b"{}", _headers(ours.arena))
        response = connection.getresponse()
        answer = json.load(response)
    if response.status != HTTPStatus.CREATED:
        raise StackError(f"The execution was refused: {answer}.")
    return ours.ended(answer["id"], 1)[0].started - sent


def _post(arena: Arena, url: str, path: str) -> float:
    """Seconds to the answer, whatever it is."""
    with _kept(url) as connection:
        sent = time.time()
        connection.request("POST", path, b"", _headers(arena))
        connection.getresponse().read()
        return time.time() - sent


def _headers(arena: Arena) -> dict[str, str]:
    return {"Authorization": f"Token {arena.token}", "Content-Type": "application/json"}


@contextmanager
def _empty_web(arena: Arena) -> Iterator[str]:
    """Address of Symphony's web with the view that does nothing."""
    options = stack.Options(port=free_port(), flower_port=None)
    (web,) = (spec for spec in stack.process_specs(options, arena.stack, arena.home) if spec.name == "web")
    command = ["benchmarks.inside.empty:application" if part == stack.APPLICATION else part for part in web.command]
    with arena.running([replace(web, command=command)]):
        arena.wait(partial(_answers, options.url), "the web with an empty view", seconds=30)
        status = _status(arena, options.url)
        if status != HTTPStatus.NO_CONTENT:
            raise StackError(f"The empty POST was answered with {status}.")
        yield options.url


def _answers(url: str) -> bool:
    try:
        with _kept(url):
            return True
    except OSError:
        return False


def _status(arena: Arena, url: str) -> int:
    with _kept(url) as connection:
        connection.request("POST", "/empty", b"", _headers(arena))
        return connection.getresponse().status


def _send_to_start(plain: PlainCelery) -> float:
    sent = time.time()
    return plain.timed(plain.signature("noop"), 1)[0].started - sent


@contextmanager
def _kept(url: str) -> Iterator[http.client.HTTPConnection]:
    """A connection that is open before the clock starts."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        connection.connect()
        yield connection
