"""Flower looks on: it shows workers, queues and steps by name, and nothing depends on it."""

from __future__ import annotations

import base64
import json
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.core.tenancy import acting_as
from apps.executions.models import Event
from symphony.celery import app as celery_app
from symphony.embedded.home import free_port
from symphony.embedded.process import spawn, stop
from tests.engine import Engine, Run, eventually

LOGIN = "operator:a-password-of-flower"


class Flower:
    def __init__(self, engine: Engine, folder: Path) -> None:
        self._port = free_port()
        self._command = [sys.executable, "-m", "celery", "-A", "symphony", "flower", f"--port={self._port}"]
        self._environ = engine.environ("web", BROKER_URL=engine.broker.url, FLOWER_BASIC_AUTH=LOGIN)
        self._log = folder / "flower.log"
        self.start()

    def start(self) -> None:
        self.process = spawn(
            [*self._command, "--address=127.0.0.1"], log=self._log, environ=self._environ, cwd=settings.BASE_DIR,
            death_signal=signal.SIGKILL,
        )  # fmt: skip

    def get(self, path: str) -> dict[str, Any]:
        """What its API says; nothing while it does not answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}")
        request.add_header("Authorization", "Basic " + base64.b64encode(LOGIN.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (urllib.error.URLError, OSError):
            return {}

    def said(self) -> str:
        return self._log.read_text()[-2000:]

    def kill(self) -> None:
        stop(self.process, signal.SIGKILL, seconds=5)


def history(engine: Engine, run: Run) -> list[tuple[Any, ...]]:
    with acting_as(engine.user.pk):
        return list(Event.objects.filter(execution_id=run.id).order_by("id").values_list("id", "event_type", "payload"))


def told(engine: Engine, run: Run, event_type: str) -> int:
    return [kind for _, kind, _ in history(engine, run)].count(event_type)


def test_flower_shows_names_and_nothing_depends_on_it(engine: Engine, tmp_path: Path) -> None:
    worker = engine.worker("shown", SYMPHONY_SLICE_MS="0")
    flower = Flower(engine, tmp_path)
    try:
        engine.ready(worker)
        eventually(lambda: "shown@test" in flower.get("/api/workers?refresh=1"), "it knows the worker", why=flower.said)
        queues = flower.get("/api/workers?refresh=1")["shown@test"].get("active_queues") or []
        assert {queue["name"] for queue in queues} == {"steps", "calls"}
        # What it asks for every five seconds, and that its own ear is open: events before that are heard by nobody.
        (answer,) = celery_app.control.broadcast("enable_events", destination=["shown@test"], reply=True, timeout=10)
        assert "ok" in answer["shown@test"], answer
        eventually(
            lambda: flower.get("/api/workers?status=1").get("shown@test"), "it hears the worker", why=flower.said
        )
        steps = [{"name": name, "type": "simulate", "seconds": 0.01} for name in ("fetch", "convert", "publish")]
        document = {"workflow": {"name": "Nightly report", "steps": steps}}
        expected = {f"Nightly report / {step['name']}" for step in steps}

        def shown() -> bool:
            return expected <= {task["name"] for task in flower.get("/api/tasks").values()}

        run = engine.submit(document)
        run.wait()
        eventually(shown, "it shows each step by melody and name", why=lambda: str(flower.get("/api/tasks")))
        # Receipts are written in batches, a moment after the rest.
        run.wait_for(lambda _: told(engine, run, "task_received") == len(steps), "all of its history is written")
        before = history(engine, run)

        flower.kill()
        unseen = engine.submit(document)
        assert unseen.wait().status == "completed"
        flower.start()
        eventually(lambda: flower.get("/api/workers") != {}, "it is back", why=flower.said)
        assert not shown(), "it remembers nothing"
        assert history(engine, run) == before
        assert told(engine, unseen, "task_completed") == len(steps)
    finally:
        flower.kill()
