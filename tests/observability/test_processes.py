"""A worker, a sweep and a run, as Prometheus, a collector of traces and a reader of logs see them."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from apps.core.origin import Origin, coming_from
from symphony.embedded.home import free_port
from tests.chaos.conftest import broker, engine
from tests.engine import Engine, Process, eventually
from tests.observability.test_metrics import Reading
from tests.wire.otlp import collecting

__all__ = ["broker", "engine"]

DOCUMENT = {
    "workflow": {
        "name": "watched",
        "mode": "dag",
        "steps": [
            {"name": "first", "type": "test_echo"},
            *({"name": f"s{n}", "type": "test_echo", "depends_on": ["first"]} for n in range(4)),
        ],
    }
}


def read(port: int, path: str = "metrics") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
        told: str = answer.read().decode()
        return told


def lines_of(process: Process) -> list[dict[str, Any]]:
    text = process.log.read_text(encoding="utf-8", errors="replace")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.django_db(transaction=True)
def test_a_run_is_seen_from_all_sides(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    health = tmp_path / "health"
    ports = {"worker": free_port(), "sweep": free_port()}
    seen = {"SYMPHONY_HEALTH_DIR": str(health), "SYMPHONY_LOG_FORMAT": "json", "SYMPHONY_LOG_LEVEL": "INFO"}
    with collecting() as collector:
        worker = engine.worker("steps", SYMPHONY_METRICS_PORT=str(ports["worker"]), **seen)
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "SYMPHONY_METRICS_PORT": str(ports["sweep"])}
        engine.sweep("sweep", **seen, **more)
        engine.ready(worker)
        with coming_from(Origin(request_id="request-of-this-test")):
            run = engine.submit(DOCUMENT)
        assert run.wait().status == "completed", run.state()
        eventually(lambda: len(collector.spans) >= 6, "the trace has arrived", 30, engine.logs)
    found = Reading(read(ports["worker"]))
    assert found.value("symphony_step_seconds_count", kind="test_echo") == 5
    assert found.value("symphony_steps_total", kind="test_echo", outcome="completed") == 5
    assert found.value("symphony_dispatch_seconds_count") == 5
    assert found.value("symphony_hop_seconds_count") >= 1
    assert found.value("symphony_slots_busy") == 0
    swept = Reading(read(ports["sweep"]))
    assert swept.value("symphony_sweep_seconds_count") > 0
    assert swept.value("symphony_database_reachable") == 1
    assert swept.value("symphony_worker_slots", queue="steps", state="online") == 2
    assert json.loads(read(ports["worker"], "readyz"))["database"] == "ok"
    settings.SYMPHONY_HEALTH_DIR = health
    call_command("health", "worker")
    call_command("health", "sweep")
    assert {span.trace for span in collector.spans} == {run.id.hex}
    told = lines_of(worker)
    assert told, engine.logs()
    assert not [
        line for line in worker.log.read_text().splitlines() if "Task symphony.step[" in line and line[0] != "{"
    ]
    received = [line for line in told if "received" in line["message"] and "symphony.step" in line["message"]]
    assert {"time", "level", "logger", "role", "pid"} <= told[0].keys()
    assert all(line["task_id"].startswith(str(run.id)[:28]) for line in received)
