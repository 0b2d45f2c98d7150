"""DBOS by its queue, at the interval it polls by itself: a workflow of its own for each step."""

from __future__ import annotations

import asyncio
import os
import time

from dbos import DBOS, Queue
from playing import SLOTS, Job, Played, play, slept

DBOS(config={"name": "peer", "system_database_url": os.environ["PEER_DATABASE_URL"], "run_admin_server": False})
steps = Queue("steps", worker_concurrency=SLOTS)


@DBOS.step()
def work(seconds: float) -> tuple[float, float]:
    return slept(seconds)


@DBOS.workflow()
def step(seconds: float) -> tuple[float, float]:
    return work(seconds)


async def _run(job: Job) -> Played:
    submitted = time.time()
    results: list[asyncio.Task[tuple[float, float]]] = []

    async def node(number: int) -> tuple[float, float]:
        for before in job.predecessors[number]:
            await results[before]
        handle = await steps.enqueue_async(step, job.seconds[number])
        found: tuple[float, float] = await handle.get_result()
        return found

    for number in range(len(job)):
        results.append(asyncio.create_task(node(number)))
    spans = [await result for result in results]
    return Played(spans, submitted, time.time())


def run(job: Job) -> Played:
    return asyncio.run(_run(job))


if __name__ == "__main__":
    DBOS.launch()
    play(run)
