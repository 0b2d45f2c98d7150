"""Procrastinate, which knows jobs but no graphs: what each step still waits for is counted by hand, in SQL.

A step's job stores its span and counts its followers down in one transaction, then defers those that wait for nothing more.
`prepare` makes the tables, `work` is the worker; without a word it is the adapter.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid

import psycopg
from playing import SLOTS, Job, Played, play
from procrastinate import App, PsycopgConnector
from psycopg_pool import AsyncConnectionPool

URL = os.environ["PEER_DATABASE_URL"]
PAUSE = 0.005
TABLES = """
    CREATE TABLE step (run uuid, node integer, seconds float8 NOT NULL, waits_for integer NOT NULL, started float8,
                       ended float8, PRIMARY KEY (run, node));
    CREATE TABLE edge (run uuid, before integer, after integer, PRIMARY KEY (run, before, after))
"""
ENDED = "UPDATE step SET started = %s, ended = %s WHERE run = %s AND node = %s"
# In ascending order, so that two steps that end at once cannot lock each other out.
COUNTED = """
    WITH behind AS (SELECT run, node FROM step JOIN edge USING (run) WHERE run = %s AND before = %s AND after = node
                     ORDER BY node FOR UPDATE OF step)
    UPDATE step SET waits_for = waits_for - 1 FROM behind WHERE step.run = behind.run AND step.node = behind.node
 RETURNING step.node, step.seconds, step.waits_for
"""
app = App(connector=PsycopgConnector(conninfo=URL))
counters = AsyncConnectionPool(URL, open=False, min_size=SLOTS, max_size=SLOTS)


@app.task(name="work")
async def work(run: str, node: int, seconds: float) -> None:
    started = time.time()
    if seconds:
        await asyncio.sleep(seconds)
    ended = time.time()
    async with counters.connection() as connection:
        await connection.execute(ENDED, [started, ended, run, node])
        found = await (await connection.execute(COUNTED, [run, node])).fetchall()
    ready = [{"run": run, "node": after, "seconds": slept} for after, slept, waits_for in found if waits_for == 0]
    if ready:
        await work.batch_defer_async(*ready)


def prepare() -> None:
    with app.open():
        app.schema_manager.apply_schema()
    with psycopg.connect(URL) as connection:
        connection.execute(TABLES)


async def worker() -> None:
    async with app.open_async(), counters:
        await app.run_worker_async(concurrency=SLOTS, install_signal_handlers=False)


def submit(connection: psycopg.Connection, job: Job) -> str:
    run = str(uuid.uuid4())
    with connection.transaction(), connection.cursor() as cursor:
        with cursor.copy("COPY step (run, node, seconds, waits_for) FROM STDIN") as copy:
            for node, (seconds, before) in enumerate(zip(job.seconds, job.predecessors, strict=True)):
                copy.write_row((run, node, seconds, len(before)))
        with cursor.copy("COPY edge (run, before, after) FROM STDIN") as copy:
            for node, before in enumerate(job.predecessors):
                for number in before:
                    copy.write_row((run, number, node))
    first = [node for node, before in enumerate(job.predecessors) if not before]
    work.batch_defer(*({"run": run, "node": node, "seconds": job.seconds[node]} for node in first))
    return run


def played(connection: psycopg.Connection, job: Job) -> Played:
    submitted = time.time()
    run = submit(connection, job)
    ends = "SELECT count(*) FROM step WHERE run = %s AND ended IS NULL AND node = ANY(%s)"
    last = [node for node, after in enumerate(job.followers()) if not after]
    while connection.execute(ends, [run, last]).fetchone() != (0,):
        time.sleep(PAUSE)
    recorded = time.time()
    found = connection.execute("SELECT started, ended FROM step WHERE run = %s ORDER BY node", [run]).fetchall()
    return Played(found, submitted, recorded)


if __name__ == "__main__":
    if sys.argv[1:] == ["prepare"]:
        prepare()
    elif sys.argv[1:] == ["work"]:
        asyncio.run(worker())
    else:
        with app.open(), psycopg.connect(URL, autocommit=True) as client:
            play(lambda job: played(client, job))
