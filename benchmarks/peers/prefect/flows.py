"""Prefect: one flow on four threads, against a server of its own on PostgreSQL."""

from __future__ import annotations

import os
import time

import httpx
from playing import SLOTS, Job, Played, play, slept
from prefect import flow, task
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

PAUSE = 0.05


@task
def work(seconds: float) -> tuple[float, float]:
    return slept(seconds)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=SLOTS))
def graph(seconds: list[float], predecessors: list[list[int]]) -> tuple[str, list[tuple[float, float]]]:
    futures = []
    for number, before in enumerate(predecessors):
        futures.append(work.submit(seconds[number], wait_for=[futures[one] for one in before]))
    return str(flow_run.id), [future.result() for future in futures]


def completed(api: httpx.Client, run: str) -> int:
    """Steps of the run that the server knows to be done."""
    wanted = {"flow_runs": {"id": {"any_": [run]}}, "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    return int(api.post("/task_runs/count", json=wanted).raise_for_status().json())


def played(api: httpx.Client, job: Job) -> Played:
    submitted = time.time()
    run, spans = graph(job.seconds, job.predecessors)
    while completed(api, run) < len(job):
        time.sleep(PAUSE)
    return Played(spans, submitted, time.time())


if __name__ == "__main__":
    with httpx.Client(base_url=os.environ["PREFECT_API_URL"], timeout=30) as client:
        play(lambda job: played(client, job))
