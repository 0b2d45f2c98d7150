"""Writes the folder celery-director reads its tasks and workflows from."""

from __future__ import annotations

import os
from pathlib import Path

HOME = Path(os.environ["DIRECTOR_HOME"])
TASKS = """
from director import task
from playing import slept


@task(name="work")
def work(*args, **kwargs):
    return slept(0)
"""
WORKFLOWS = """
peer.flow:
  tasks:
    - work
"""

if __name__ == "__main__":
    (HOME / "tasks").mkdir()
    (HOME / "tasks" / "work.py").write_text(TASKS)
    (HOME / "workflows.yml").write_text(WORKFLOWS)
    (HOME / ".env").touch()
