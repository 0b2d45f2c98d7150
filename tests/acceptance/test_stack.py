"""`manage.py up` as a person meets it: it starts, it says where, and nothing is left when it is gone."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psycopg2
import pytest
from django.conf import settings

from symphony.embedded.home import free_port
from symphony.env import read_env_file, running_stack
from tests import seeds

STARTED_WITHIN = 90.0
GONE_WITHIN = 30.0
OURS = ("DATABASE_URL", "BROKER_URL", "CACHE_URL", "SYMPHONY_")
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
PRIVATE = ("token", "admin_password", "flower_password", "secrets.json", "stack.env", "valkey.conf")


class Up(NamedTuple):
    process: subprocess.Popen[str]
    home: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def eventually(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} seconds: {what}"
        pause.wait(0.05)


def processes_of(home: Path) -> list[str]:
    """What still writes to a log of this home: whole command lines. (Zombies have no open files.)"""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if home in (folder / "fd" / "1").readlink().parents:
                    found.append(f"{folder.name} {(folder / 'cmdline').read_bytes().replace(bytes(1), b' ').decode()}")
            except OSError:
                continue
    return found


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not any(word in name for word in OURS)}
    return kept | {"SYMPHONY_HOME": str(home)}


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """As make starts it: it ends with whoever did."""
    return spawned(home, [sys.executable, "manage.py", "up", "--tied", *arguments])


def spawned(home: Path, command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def status(url: str, token: str = "") -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Token {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def ask(up: Up, path: str, **headers: str) -> None:
    """Whatever the answer is."""
    with closing(http.client.HTTPConnection("127.0.0.1", up.port, timeout=30)) as connection:
        connection.request("GET", path, headers=headers)
        connection.getresponse()


def started(home: Path) -> Up:
    port = free_port()
    process = start(home, "--no-flower", "--steps", "2", "--port", str(port))
    eventually(lambda: process.poll() is not None or running_stack(home), STARTED_WITHIN, "the stack is up")
    assert process.poll() is None, process.communicate()
    return Up(process, home, port)


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=GONE_WITHIN)
    return process.returncode, out, err


@contextmanager
def temporary_home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="symphony-up-"))
    folder.chmod(0o711)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_in(home: Path) -> Iterator[Up]:
    running = started(home)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            ended(running.process, signal.SIGTERM)
    eventually(lambda: not processes_of(home), GONE_WITHIN, "all processes are gone")


@pytest.fixture
def fresh_home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="module")
def used_home() -> Iterator[Path]:
    """For the tests that start and stop."""
    with temporary_home() as home:
        seeds.copy_to(home)
        yield home


@pytest.fixture
def brief(used_home: Path) -> Iterator[Up]:
    """A stack the test ends itself."""
    with running_in(used_home) as running:
        yield running


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """A stack that tests look at and leave running."""
    with temporary_home() as home:
        seeds.copy_to(home)
        with running_in(home) as running:
            yield running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_no_process_survives(brief: Up, number: signal.Signals) -> None:
    pool = [line for line in processes_of(brief.home) if "ForkPoolWorker" in line]
    eventually(lambda: len(processes_of(brief.home)) > 8, STARTED_WITHIN, "servers, web, workers and sweep run")
    code, out, err = ended(brief.process, number)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0), err
    assert f"{brief.url}/api/v1/" in out
    eventually(lambda: not processes_of(brief.home), GONE_WITHIN, f"all processes are gone, also {pool}")


def test_no_process_survives_a_starter_that_was_killed(used_home: Path) -> None:
    up = [sys.executable, "manage.py", "up", "--tied", "--no-flower", "--steps", "2", "--port", str(free_port())]
    starter = spawned(used_home, [sys.executable, "-c", f"import subprocess; subprocess.run({up})"])
    try:
        eventually(lambda: starter.poll() is not None or running_stack(used_home), STARTED_WITHIN, "the stack is up")
        assert starter.poll() is None, starter.communicate()
    finally:
        starter.kill()
    starter.communicate(timeout=GONE_WITHIN)
    eventually(lambda: not processes_of(used_home), GONE_WITHIN, "all processes are gone")


def test_a_restart_keeps_the_data(brief: Up) -> None:
    token = (brief.home / "token").read_text().strip()
    assert status(f"{brief.url}/api/v1/users/me/", token) == 200
    ended(brief.process, signal.SIGKILL)
    again = started(brief.home)
    try:
        assert (brief.home / "token").read_text().strip() == token
        assert status(f"{again.url}/api/v1/users/me/", token) == 200
        assert status(f"{again.url}/api/v1/users/me/", "sym_00000000_wrong") == 401
    finally:
        ended(again.process, signal.SIGTERM)


def test_web_answers_with_what_it_stands_on(up: Up) -> None:
    pages = ("/livez", "/readyz", "/api/docs/", "/api/schema/", "/admin/login/", "/static/admin/css/base.css")
    assert {page: status(up.url + page) for page in pages} == dict.fromkeys(pages, 200)
    assert status(f"{up.url}/api/v1/users/me/") == 401


@pytest.mark.parametrize("headers", [{}, WEBSOCKET], ids=["request", "websocket"])
def test_no_query_reaches_the_log(up: Up, headers: dict[str, str]) -> None:
    word, marker = uuid4().hex, f"after-{uuid4()}"
    ask(up, f"/api/v1/users/me/?search={word}", **headers)
    ask(up, "/api/v1/users/me/", **{"X-Request-ID": marker})
    log = up.home / "log" / "web.log"
    eventually(lambda: marker in log.read_text(), STARTED_WITHIN, "the later request is in the log")
    assert word not in log.read_text()


def test_secrets_are_for_the_owner_only(up: Up) -> None:
    modes = {name: stat.S_IMODE((up.home / name).stat().st_mode) for name in PRIVATE}
    assert modes == dict.fromkeys(PRIVATE, 0o600)
    secret = read_env_file(up.home / "stack.env")["DATABASE_URL"].partition("@")[0].rpartition(":")[2]
    assert len(secret) > 30
    assert not [line for line in processes_of(up.home) if secret in line]


def test_logins_are_weak(up: Up) -> None:
    variables = read_env_file(up.home / "stack.env")
    for name in ("DATABASE_URL", "WEB_DATABASE_URL", "WORKER_DATABASE_URL"):
        connected = psycopg2.connect(variables[name])
        with connected.cursor() as cursor:
            cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
            assert cursor.fetchone() == (False, False), name
        connected.close()


def test_a_child_that_dies_is_started_again(up: Up) -> None:
    def sweeps() -> list[str]:
        return [line for line in processes_of(up.home) if "manage.py sweep" in line]

    eventually(sweeps, STARTED_WITHIN, "the sweep runs")
    (before,) = sweeps()
    os.kill(int(before.split()[0]), signal.SIGKILL)
    eventually(lambda: sweeps() not in ([], [before]), STARTED_WITHIN, "another sweep runs")
    assert up.process.poll() is None


def test_a_second_stack_in_the_same_home_is_refused(up: Up) -> None:
    second = start(up.home, "--no-flower", "--port", str(free_port()))
    _, err = second.communicate(timeout=GONE_WITHIN)
    assert second.returncode == 1
    assert err == (
        f"symphony: Another stack is already running in {up.home}: stop it first, or name another folder "
        "with SYMPHONY_HOME.\n"
    )
    assert status(f"{up.url}/livez") == 200


def sentence(home: Path, *arguments: str) -> str:
    """What `up` says when it cannot start: one line."""
    process = start(home, *arguments)
    out, err = process.communicate(timeout=STARTED_WITHIN)
    assert process.returncode == 1, out + err
    assert err.startswith("symphony: ")
    assert err.count("\n") == 1, err
    assert not processes_of(home)
    return err.strip()


@pytest.mark.parametrize(("option", "variable"), [("--port", "PORT"), ("--flower-port", "FLOWER_PORT")])
def test_a_taken_port_is_one_sentence(fresh_home: Path, option: str, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        others = ["--port", str(free_port()), "--flower-port", str(free_port())]
        said = sentence(fresh_home, *others, option, str(port))
    assert said == (
        f"symphony: Port {port} is taken by another program: choose another one, `make up {variable}={port + 1}`."
    )


def test_data_of_another_postgresql_is_one_sentence(fresh_home: Path) -> None:
    data = fresh_home / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("13\n")
    assert "was written by PostgreSQL 13 and this is PostgreSQL 18" in sentence(fresh_home, "--servers")


def test_a_folder_that_is_no_data_is_one_sentence(fresh_home: Path) -> None:
    (fresh_home / "postgres").mkdir(parents=True)
    assert "is not a PostgreSQL data folder" in sentence(fresh_home, "--servers")


def test_damaged_data_is_one_sentence(fresh_home: Path) -> None:
    first = start(fresh_home, "--servers")
    eventually(lambda: running_stack(fresh_home), STARTED_WITHIN, "the servers are up")
    ended(first, signal.SIGTERM)
    (fresh_home / "postgres" / "global" / "pg_control").write_bytes(b"not what it was")
    said = sentence(fresh_home, "--servers")
    assert "PostgreSQL did not start" in said
    assert str(fresh_home / "log" / "postgres.log") in said


def test_a_stale_pid_file_does_not_matter(fresh_home: Path) -> None:
    first = start(fresh_home, "--servers")
    eventually(lambda: running_stack(fresh_home), STARTED_WITHIN, "the servers are up")
    stale = (fresh_home / "postgres" / "postmaster.pid").read_text()
    ended(first, signal.SIGTERM)
    # As after a power cut, with a number that now belongs to somebody else.
    rest = stale.partition("\n")[2]
    (fresh_home / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{rest}")
    second = start(fresh_home, "--servers")
    eventually(lambda: second.poll() is not None or running_stack(fresh_home), STARTED_WITHIN, "they are up again")
    code, _, err = ended(second, signal.SIGTERM)
    assert code == 0, err


@pytest.mark.parametrize("command", ["migrate", "showmigrations"])
def test_no_database_is_one_sentence(fresh_home: Path, command: str) -> None:
    process = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=settings.BASE_DIR,
        env=environment(fresh_home),
        capture_output=True,
        text=True,
        timeout=STARTED_WITHIN,
        check=False,
    )
    assert process.returncode == 1
    assert process.stderr == "symphony: No database: start one with `make up`, or set DATABASE_URL.\n"
