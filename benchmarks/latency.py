"""W4: from POST to the start of the first step, warm."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

from benchmarks import shapes
from benchmarks.arena import Arena
from benchmarks.celery_side import PlainCelery
from benchmarks.figures import Figure, Goal
from benchmarks.symphony_side import Symphony
from symphony.errors import StackError

WARM_UP = 10
SAMPLES = 30


def measure(arena: Arena, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """The reference is what no engine can do without: one empty POST and one Celery message from send to start."""
    ours, plain = Symphony(arena, "Symphony"), PlainCelery(arena, "Celery", "none")
    firsts, posts, trips = list[float](), list[float](), list[float]()
    for number in range(rounds):
        say(f"W4 round {number + 1}: Symphony, then Celery")
        with arena.running(ours.processes(events=False)):
            melody = ours.melody(shapes.chain_document(1))
            firsts += [_post_to_start(ours, melody) for _ in range(WARM_UP + SAMPLES)][WARM_UP:]
            posts += [_empty_post(arena) for _ in range(WARM_UP + SAMPLES)][WARM_UP:]
        with arena.running(plain.processes(events=False)):
            trips += [_send_to_start(plain) for _ in range(WARM_UP + SAMPLES)][WARM_UP:]
    first, post, trip = (statistics.median(values) * 1000 for values in (firsts, posts, trips))
    return [
        Figure(
            "W4",
            "POST to start of first step / empty POST + Celery round trip",
            first,
            "ms",
            post + trip,
            Goal("at most", 1.5),
        ),
        Figure("W4", "empty POST", post, "ms"),
        Figure("W4", "Celery round trip, send to start", trip, "ms"),
    ]


def _post_to_start(ours: Symphony, melody: str) -> float:
    with _kept(ours.arena) as connection:
        headers = {"Authorization": f"Token {ours.arena.token}", "Content-Type": "application/json"}
        sent = time.time()
        connection.request("POST", f"/api/v1/melodies/{melody}/executions/", b"{}", headers)
        response = connection.getresponse()
        answer = json.load(response)
    if response.status != HTTPStatus.CREATED:
        raise StackError(f"The execution was refused: {answer}.")
    return ours.ended(answer["id"], 1)[0].started - sent


def _empty_post(arena: Arena) -> float:
    with _kept(arena) as connection:
        sent = time.time()
        connection.request("POST", "/livez", b"")
        connection.getresponse().read()
        return time.time() - sent


def _send_to_start(plain: PlainCelery) -> float:
    sent = time.time()
    return plain.timed(plain.signature("noop"), 1)[0].started - sent


@contextmanager
def _kept(arena: Arena) -> Iterator[http.client.HTTPConnection]:
    """A connection that is open before the clock starts."""
    parts = urlsplit(arena.url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        connection.connect()
        yield connection
