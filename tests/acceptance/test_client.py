"""The generated client against everything that `make up` starts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.conftest import RunningStack

HERE = settings.BASE_DIR / "clients" / "python"
sys.path.insert(0, str(HERE))

from symphony_client import AsyncClient, Client, NotFound  # noqa: E402 - found on the path above

MELODY = "workflow:\n  name: by client\n  steps:\n    - {name: only, type: set_variable, variables: {a: 1}}\n"


def test_the_example_publishes_runs_and_follows(stack: RunningStack) -> None:
    ended = subprocess.run(
        [sys.executable, HERE / "examples" / "publish_run_follow.py"],
        env={**os.environ, "PYTHONPATH": str(HERE), "SYMPHONY_URL": stack.url, "SYMPHONY_TOKEN": stack.token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout.splitlines()
    assert said[-2:] == ["greet: completed", "completed"]
    assert {"execution_created", "task_completed", "end"} <= set(said)


def test_one_key_has_one_effect_and_a_stranger_id_is_not_found(stack: RunningStack) -> None:
    with Client(stack.url, token=stack.token) as symphony:
        given = {"body": MELODY, "content_type": "application/yaml", "idempotency_key": os.urandom(8).hex()}
        first, second = symphony.melodies.create(**given), symphony.melodies.create(**given)
        assert first.id == second.id
        assert first.id in {melody.id for melody in symphony.melodies.list(page_size=1)}
        with pytest.raises(NotFound, match="not_found"):
            symphony.melodies.get("01900000-0000-7000-8000-00000000dead")


def test_an_event_loop_follows_too(stack: RunningStack) -> None:
    async def play() -> list[str]:
        async with AsyncClient(stack.url, token=stack.token) as symphony:
            melody = await symphony.melodies.create(body=MELODY, content_type="application/yaml")
            execution = await symphony.executions.melody_executions_create(melody.id)
            return [event.type async for event in symphony.executions.stream(execution.id)]

    assert asyncio.run(play())[-1] == "end"
