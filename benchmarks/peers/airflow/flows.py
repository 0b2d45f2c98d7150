"""Airflow with its LocalExecutor: a DAG file for each graph, read by its DAG processor, run by its scheduler.

Runs are triggered and watched in its database, which is faster than its API; a step's span is what it returns.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import psycopg2
from airflow.api.common.trigger_dag import trigger_dag
from airflow.utils.types import DagRunTriggeredByType
from playing import Job, Played, play

DAGS = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
READ_SECONDS = 240.0
PAUSE = 0.05
FILE = """
import json
from airflow.sdk import dag, task
from playing import slept

SAID = json.loads({said!r})


@dag(dag_id={name!r}, schedule=None, catchup=False)
def graph():
    steps = []
    for number, seconds in enumerate(SAID["seconds"]):
        @task(task_id=f"s{{number}}")
        def work(seconds):
            return list(slept(seconds))

        steps.append(work(seconds))
        for before in SAID["predecessors"][number]:
            steps[before] >> steps[number]


graph()
"""
READ = "SELECT count(*) FROM serialized_dag JOIN dag USING (dag_id) WHERE dag_id = %s AND NOT is_paused"
DONE = "SELECT count(*) FROM task_instance WHERE dag_id = %s AND run_id = %s AND state = 'success'"
FAILED = (
    "SELECT count(*) FROM task_instance WHERE dag_id = %s AND run_id = %s AND state IN ('failed', 'upstream_failed')"
)
SPANS = "SELECT task_id, value FROM xcom WHERE dag_id = %s AND run_id = %s AND key = 'return_value'"


class Watched:
    """Airflow's database."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True

    def rows(self, query: str, *values: str) -> list[tuple]:
        with self.connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def count(self, query: str, *values: str) -> int:
        return int(self.rows(query, *values)[0][0])


def known(watched: Watched, job: Job) -> str:
    """Name of the graph's DAG, once Airflow has read its file."""
    said = json.dumps(asdict(job))
    name = "g" + hashlib.sha256(said.encode()).hexdigest()[:12]
    path = DAGS / f"{name}.py"
    if not path.exists():
        fresh = path.with_suffix(".fresh")
        fresh.write_text(FILE.format(said=said, name=name))
        fresh.rename(path)
    deadline = time.monotonic() + READ_SECONDS
    while not watched.count(READ, name):
        if time.monotonic() > deadline:
            raise SystemExit(f"Airflow has not read {path} within {READ_SECONDS:.0f} seconds.")
        time.sleep(PAUSE)
    return name


def played(watched: Watched, job: Job) -> Played:
    name = known(watched, job)
    submitted = time.time()
    run = trigger_dag(dag_id=name, triggered_by=DagRunTriggeredByType.TEST)
    while watched.count(DONE, name, run.run_id) < len(job):
        if watched.count(FAILED, name, run.run_id):
            raise SystemExit(f"A step of {name} failed: see the logs in {os.environ['AIRFLOW_HOME']}.")
        time.sleep(PAUSE)
    recorded = time.time()
    found = {
        step: json.loads(value) if isinstance(value, str) else value
        for step, value in watched.rows(SPANS, name, run.run_id)
    }
    return Played([found[f"s{number}"] for number in range(len(job))], submitted, recorded)


if __name__ == "__main__":
    DAGS.mkdir(exist_ok=True)
    database = Watched(os.environ["PEER_DATABASE_URL"])
    play(lambda job: played(database, job))
