"""DBOS in one process: a durable workflow whose steps are recorded one by one, four of them at once."""

from __future__ import annotations

import asyncio
import os
import time

from dbos import DBOS
from playing import SLOTS, Job, Played, play

DBOS(config={"name": "peer", "system_database_url": os.environ["PEER_DATABASE_URL"], "run_admin_server": False})


@DBOS.step()
async def work(seconds: float) -> tuple[float, float]:
    started = time.time()
    if seconds:
        await asyncio.sleep(seconds)
    return started, time.time()


@DBOS.workflow()
async def flow(seconds: list[float], predecessors: list[list[int]]) -> list[tuple[float, float]]:
    slots = asyncio.Semaphore(SLOTS)
    done = [asyncio.Event() for _ in seconds]
    spans: list[tuple[float, float]] = [(0.0, 0.0)] * len(seconds)

    async def node(number: int) -> None:
        for before in predecessors[number]:
            await done[before].wait()
        async with slots:
            spans[number] = await work(seconds[number])
        done[number].set()

    await asyncio.gather(*(node(number) for number in range(len(seconds))))
    return spans


def run(job: Job) -> Played:
    async def submit() -> Played:
        submitted = time.time()
        handle = await DBOS.start_workflow_async(flow, job.seconds, job.predecessors)
        spans = await handle.get_result()
        return Played(spans, submitted, time.time())

    return asyncio.run(submit())


if __name__ == "__main__":
    DBOS.launch()
    play(run)
