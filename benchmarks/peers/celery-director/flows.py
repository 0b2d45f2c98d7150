"""Celery-director: a chain of tasks and groups, each task a row; its results hold the spans."""

from __future__ import annotations

import time
from typing import Any

from director import create_app
from director.builder import WorkflowBuilder
from director.extensions import cel_workflows, db
from director.models import StatusType
from director.models.tasks import Task
from director.models.workflows import Workflow
from playing import Job, Played, play

PROJECT, WORKFLOW = "peer", "flow"
PAUSE = 0.01


def layers(job: Job) -> list[list[int]]:
    """The graph as a chain of groups; a ValueError when it is none: then it cannot be said here."""
    found: list[list[int]] = []
    for node, before in enumerate(job.predecessors):
        if found and before == (found[-2] if len(found) > 1 else []):
            found[-1].append(node)
        elif not found or before == found[-1]:
            found.append([node])
        else:
            raise ValueError("celery-director runs chains of tasks and groups only")
    return found


def said(job: Job) -> list[Any]:
    """As workflows.yml has it."""
    parts: list[Any] = []
    for number, layer in enumerate(layers(job)):
        work = ["work"] * len(layer)
        parts.append("work" if len(layer) == 1 else {f"group{number}": {"type": "group", "tasks": work}})
    return parts


def spans(layered: list[list[int]], tasks: list[Any]) -> list[tuple[float, float]]:
    """By node; within a layer one task is as good as another."""
    found = sorted(tuple(task.result) for task in tasks)
    nodes = [node for layer in layered for node in layer]
    return [span for _, span in sorted(zip(nodes, found, strict=True))]


def played(job: Job) -> Played:
    cel_workflows.workflows[f"{PROJECT}.{WORKFLOW}"] = {"tasks": said(job)}
    submitted = time.time()
    workflow = Workflow(project=PROJECT, name=WORKFLOW, payload={})
    workflow.save()
    number = workflow.id
    WorkflowBuilder(number).run()
    db.session.commit()
    open_tasks = Task.query.filter(Task.workflow_id == number, Task.status != StatusType.success)
    while open_tasks.count():
        db.session.rollback()
        time.sleep(PAUSE)
    recorded = time.time()
    db.session.rollback()
    return Played(spans(layers(job), Task.query.filter_by(workflow_id=number).all()), submitted, recorded)


if __name__ == "__main__":
    with create_app().app_context():
        play(played)
