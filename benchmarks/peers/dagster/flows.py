"""Dagster in process: a job of ops, its runs and events in PostgreSQL. One op at a time, which is all that executor does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from dagster import DagsterInstance, In, JobDefinition, Nothing, OpDefinition, job, op
from playing import Job, Played, play, slept

STORAGE = "storage:\n  postgres:\n    postgres_url:\n      env: DAGSTER_DATABASE_URL\n"


def work(number: int, seconds: float) -> OpDefinition:
    @op(name=f"s{number}", ins={"before": In(Nothing)})
    def step() -> tuple[float, float]:
        return slept(seconds)

    return step


def first(number: int, seconds: float) -> OpDefinition:
    @op(name=f"s{number}")
    def step() -> tuple[float, float]:
        return slept(seconds)

    return step


def defined(graph: Job) -> JobDefinition:
    @job
    def peer() -> None:
        outputs: list[object] = []
        for number, before in enumerate(graph.predecessors):
            make = work if before else first
            step: Callable[..., object] = make(number, graph.seconds[number])
            outputs.append(step(before=[outputs[one] for one in before]) if before else step())

    return peer


def played(instance: DagsterInstance, graph: Job) -> Played:
    definition = defined(graph)
    submitted = time.time()
    result = definition.execute_in_process(instance=instance)
    # An op's events are stored before it goes on.
    recorded = time.time()
    return Played([result.output_for_node(f"s{number}") for number in range(len(graph))], submitted, recorded)


if __name__ == "__main__":
    (Path(os.environ["DAGSTER_HOME"]) / "dagster.yaml").write_text(STORAGE)
    with DagsterInstance.get() as stored:
        play(lambda graph: played(stored, graph))
