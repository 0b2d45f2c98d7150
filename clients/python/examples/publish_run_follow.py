"""Publish a melody, run it and follow it to its end.

SYMPHONY_URL=http://127.0.0.1:8000 SYMPHONY_TOKEN=sym_... python examples/publish_run_follow.py
"""

from __future__ import annotations

import os
import sys

from symphony_client import Client, Problem

MELODY = """\
workflow:
  name: greeting
  steps:
    - {name: greet, type: set_variable, variables: {greeting: "Hello from the client"}}
"""


def main() -> int:
    url = os.environ.get("SYMPHONY_URL", "http://127.0.0.1:8000")
    with Client(url, token=os.environ["SYMPHONY_TOKEN"]) as symphony:
        try:
            melody = symphony.melodies.create(body=MELODY, content_type="application/yaml")
        except Problem as problem:
            print(problem, file=sys.stderr)
            return 1
        execution = symphony.executions.melody_executions_create(melody.id)
        for event in symphony.executions.stream(execution.id):
            print(event.type)
        ended = symphony.executions.get(execution.id)
        for task in symphony.executions.tasks(execution.id):
            print(f"{task.name}: {task.status}")
        print(ended.status)
    return 0 if ended.status == "completed" else 1


if __name__ == "__main__":
    sys.exit(main())
