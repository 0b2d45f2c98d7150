"""Liveness and readiness of the web, and what `manage.py health` says of workers and sweeps."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from symphony.observability import checks, pulse
from symphony.observability.access import Access
from symphony.observability.serving import Shown, serve
from tests.engine import sending_to


@pytest.mark.django_db
def test_the_web_is_ready_when_all_answer(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "migrations": "ok", "cache": "ok", "broker": "ok"}


@pytest.mark.django_db
def test_tables_of_an_older_version_are_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_migrations", checks.Migrations())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'executions' AND name LIKE '0017%%'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["migrations"] == "1 to be applied"


@pytest.mark.django_db
def test_a_broker_that_is_away_is_told_and_costs_no_readiness(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with sending_to(f"redis://127.0.0.1:{port}/0"):
        began = time.monotonic()
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["broker"] == "unreachable"
    assert time.monotonic() - began < 10


def test_a_pulse_is_of_a_process_that_lives(tmp_path: Path, settings: Settings) -> None:
    settings.SYMPHONY_HEALTH_DIR = tmp_path
    with pytest.raises(CommandError, match="no sweep runs on this host"):
        call_command("health", "sweep")
    own = pulse.Pulse(tmp_path, "sweep")
    own.beat()
    call_command("health", "sweep")
    file = next(tmp_path.glob("sweep-*.json"))
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"at": told["at"] - 3600}))
    with pytest.raises(CommandError, match="no sign of life for 36"):
        call_command("health", "sweep")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    file.write_text(json.dumps(told | {"pid": ended.pid}))
    with pytest.raises(CommandError, match="no sweep runs"):
        call_command("health", "sweep")
    file.write_text("half a fi")
    with pytest.raises(CommandError, match="no sweep runs"):
        call_command("health", "sweep")
    own.end()
    assert not list(tmp_path.glob("*.json"))


def test_a_full_disk_stops_no_work(tmp_path: Path) -> None:
    in_the_way = tmp_path / "health"
    in_the_way.write_text("a file where the folder should be")
    pulse.Pulse(in_the_way, "worker").beat()


@pytest.fixture
def shown() -> Iterator[tuple[dict[str, Any], str]]:
    state: dict[str, Any] = {"wrong": None, "access": Access(None, ("127.0.0.1/32",))}
    server = serve(
        "127.0.0.1",
        0,
        Shown(
            metrics=lambda: b"symphony_up 1.0\n",
            alive=lambda: {"worker": None},
            ready=lambda: {"worker": None, "database": state["wrong"]},
            access=state["access"],
        ),
    )
    assert server is not None
    yield state, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_processes_without_a_web_answer_on_a_port_of_their_own(shown: tuple[dict[str, Any], str]) -> None:
    state, url = shown
    assert get(f"{url}/metrics") == (200, b"symphony_up 1.0\n")
    assert get(f"{url}/livez")[0] == 200
    status, body = get(f"{url}/readyz?a=b")
    assert (status, json.loads(body)) == (200, {"status": "ok", "worker": "ok", "database": "ok"})
    state["wrong"] = "unreachable"
    status, body = get(f"{url}/readyz")
    assert (status, json.loads(body)["database"]) == (503, "unreachable")
    assert get(f"{url}/../../etc/passwd")[0] == 404


def test_whoever_may_not_read_is_told_so_in_plain_text() -> None:
    nothing: Any = dict
    for access, status in ((Access("right", ()), 401), (Access(None, ("10.0.0.0/8",)), 403)):
        server = serve("127.0.0.1", 0, Shown(lambda: b"symphony_up 1.0\n", nothing, nothing, access))
        assert server is not None
        try:
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=10)
            answer = refused.value
            assert (answer.code, answer.headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
            assert (answer.headers["WWW-Authenticate"] is not None) == (status == 401)
            assert answer.read().startswith(b"Metrics are")
        finally:
            server.shutdown()
            server.server_close()


def test_a_port_that_is_taken_stops_no_worker(shown: tuple[dict[str, Any], str]) -> None:
    _, url = shown
    nothing: Any = dict
    assert (
        serve("127.0.0.1", int(url.rpartition(":")[2]), Shown(lambda: b"", nothing, nothing, Access(None, ()))) is None
    )
    assert os.getpid()
