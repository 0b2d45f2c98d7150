"""The Celery application of the plain workers.

`PLAIN_RESULTS` is `none`, `django-db` or the URL of a Redis. With django-db connections are kept (`CELERY_DB_REUSE_MAX`), its best case by
far, and a chord may take its time to join.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from typing import Any

import redis
from celery import Celery, chord, group

BROKER_URL = os.environ["PLAIN_BROKER_URL"]
STAMP = struct.Struct("dd")

RESULTS = os.environ["PLAIN_RESULTS"]

app = Celery("plain", broker=BROKER_URL, backend=None if RESULTS == "none" else RESULTS)
app.conf.broker_connection_retry_on_startup = True
app.conf.task_ignore_result = RESULTS == "none"
app.conf.result_chord_join_timeout = 120.0
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize

_stamps = os.open(os.environ["PLAIN_STAMPS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_counters = redis.Redis.from_url(BROKER_URL)


def _stamp(started: float) -> None:
    """One small write that is never torn: cheaper than anything a result store does."""
    os.write(_stamps, STAMP.pack(started, time.time()))


@app.task(name="plain.noop")
def noop() -> None:
    _stamp(time.time())


@app.task(name="plain.hold")
def hold(seconds: float) -> None:
    started = time.time()
    time.sleep(seconds)
    _stamp(started)


@app.task(name="plain.counted")
def counted(counter: str, width: int) -> None:
    """One of `width`; the last one sends the closing task. The cheapest join there is without a result store."""
    _stamp(time.time())
    if _counters.incr(counter) == width:
        noop.delay()


@app.task(name="plain.barrier")
def barrier(layers: list[list[float]]) -> None:
    """Send the next layer, and behind it the barrier that sends the rest."""
    if layers:
        body: Any = barrier.si(layers[1:])
        chord(group([hold.si(seconds) for seconds in layers[0]]), body).apply_async()
