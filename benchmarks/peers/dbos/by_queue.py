"""DBOS by its queue, at the intervals it polls at by itself: a workflow of its own for each step."""

from __future__ import annotations

import asyncio
import os
import time

from dbos import DBOS, Queue
from playing import SLOTS, Job, Played, play

DBOS(config={"name": "peer", "system_database_url": os.environ["PEER_DATABASE_URL"], "run_admin_server": False})


@DBOS.step()
async def work(seconds: float) -> tuple[float, float]:
    started = time.time()
    if seconds:
        await asyncio.sleep(seconds)
    return started, time.time()


@DBOS.workflow()
async def step(seconds: float) -> tuple[float, float]:
    return await work(seconds)


async def played(queue: Queue, job: Job) -> Played:
    submitted = time.time()
    results: dict[int, asyncio.Task[tuple[float, float]]] = {}

    async def node(number: int) -> tuple[float, float]:
        for before in job.predecessors[number]:
            await results[before]
        handle = await queue.enqueue_async(step, job.seconds[number])
        return await handle.get_result()

    for number in range(len(job)):
        results[number] = asyncio.create_task(node(number))
    spans = [await result for result in results.values()]
    return Played(spans, submitted, time.time())


if __name__ == "__main__":
    DBOS.launch()
    steps = DBOS.register_queue("steps", worker_concurrency=SLOTS)
    play(lambda job: asyncio.run(played(steps, job)))
