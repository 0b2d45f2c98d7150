"""A peer's processes for as long as it plays."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.arena import Arena
from benchmarks.peers.answers import Answer, checked, parsed
from benchmarks.peers.environments import HERE
from benchmarks.peers.playing import READY, Job
from benchmarks.peers.roster import Peer
from symphony import roles
from symphony.embedded.home import free_port
from symphony.embedded.process import spawn, stop, tail
from symphony.errors import StackError

BROKER_DATABASE, RESULTS_DATABASE = 4, 5
START_SECONDS = 240.0
PREPARE_SECONDS = 300.0
STOP_SECONDS = 10.0
PAUSE = 0.02


@dataclass(slots=True)
class Stage:
    """One peer: its processes, the first of which is the adapter once it is started."""

    peer: Peer
    log: Path
    cwd: Path
    environ: Mapping[str, str]
    check: Callable[[], None]
    _processes: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)
    _read: int = 0

    def play(self, job: Job) -> Answer:
        adapter = self._processes[-1][1]
        assert adapter.stdin is not None
        try:
            adapter.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
            adapter.stdin.flush()
        except BrokenPipeError:
            raise self._failed("adapter", "has ended") from None
        deadline = time.monotonic() + self.peer.seconds
        while True:
            for line in self._new_lines():
                if (answer := parsed(line)) is not None:
                    return checked(job, answer)
            self._tend(deadline, f"{len(job)} steps were not done")

    def run(self, command: Sequence[str]) -> None:
        """To its end."""
        process = self._spawn("prepare", command)
        deadline = time.monotonic() + PREPARE_SECONDS
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise self._failed("prepare", f"took longer than {PREPARE_SECONDS:.0f} seconds")
                time.sleep(PAUSE)
        finally:
            stop(process, signal.SIGTERM, seconds=STOP_SECONDS)
        if process.returncode != 0:
            raise self._failed("prepare", f"ended with {process.returncode}")

    def start(self, name: str, command: Sequence[str], url: str | None = None) -> None:
        self._processes.append((name, self._spawn(name, command, stdin=subprocess.PIPE)))
        deadline = time.monotonic() + START_SECONDS
        while url is not None and not _answers(url):
            self._tend(deadline, f"{name} did not answer at {url}", pause=0.2)

    def start_adapter(self, command: Sequence[str]) -> None:
        """Until it says that it is ready."""
        self.start("adapter", command)
        deadline = time.monotonic() + START_SECONDS
        while not any(READY in line for line in self._new_lines()):
            self._tend(deadline, "the adapter was not ready")

    def end(self) -> None:
        for _, process in reversed(self._processes):
            if process.stdin is not None:
                process.stdin.close()
            stop(process, signal.SIGTERM, seconds=STOP_SECONDS)

    def _spawn(self, name: str, command: Sequence[str], *, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        keeper = [sys.executable, str(HERE / "keeper.py"), *command]
        return spawn(keeper, log=self._log(name), cwd=self.cwd, environ=self.environ, stdin=stdin)

    def _tend(self, deadline: float, what: str, *, pause: float = PAUSE) -> None:
        self.check()
        for name, process in self._processes:
            if process.poll() is not None:
                raise self._failed(name, f"ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise self._failed("adapter", f"is stuck: {what}")
        time.sleep(pause)

    def _new_lines(self) -> list[str]:
        """What the adapter has printed since, in whole lines."""
        with self._log("adapter").open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        return whole.decode("utf-8", errors="replace").splitlines()

    def _log(self, name: str) -> Path:
        return self.log / f"{self.peer.name}-{name}.log"

    def _failed(self, name: str, what: str) -> StackError:
        log = self._log(name)
        return StackError(f"{name} {what}: {tail(log)} (log: {log})")


@contextmanager
def staged(peer: Peer, arena: Arena, binaries: Path, log: Path) -> Iterator[Stage]:
    """The peer with an empty database and a broker of its own, ready to play."""
    home = arena.home.root / "peers" / peer.name
    home.mkdir(parents=True)
    places = _places(peer, arena, binaries, home)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJANGO_"))}
    environ |= {name: filled(value, places) for name, value in peer.variables.items()}
    environ |= {"PYTHONPATH": str(HERE), "PYTHONUNBUFFERED": "1", "PEER_DATABASE_URL": places["database"]}
    environ |= {"PEER_HOME": str(home), "PATH": f"{binaries}:{os.environ.get('PATH', '')}"}
    stage = Stage(peer, log, home, environ, arena.stack.servers.check)
    try:
        for command in peer.prepare:
            stage.run([filled(part, places) for part in command])
        for service in peer.services:
            url = None if service.url is None else filled(service.url, places)
            stage.start(service.name, [filled(part, places) for part in service.command], url)
        stage.start_adapter([places["python"], f"{places['folder']}/{peer.adapter}"])
        yield stage
    finally:
        stage.end()
        shutil.rmtree(home, ignore_errors=True)


def filled(text: str, places: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: places[found[1]], text)


def _places(peer: Peer, arena: Arena, binaries: Path, home: Path) -> dict[str, str]:
    servers = arena.stack.servers
    assert servers.postgres is not None
    assert servers.valkey is not None
    database = roles.create_owned_database(servers.postgres.url, arena.home, f"peer-{peer.name}")
    rest = database.partition("://")[2]
    return {
        "python": str(binaries / "python"),
        "bin": str(binaries),
        "folder": str(HERE / peer.home),
        "home": str(home),
        "port": str(free_port()),
        "database": f"postgresql://{rest}",
        "sqlalchemy": f"postgresql+psycopg2://{rest}",
        "asyncpg": f"postgresql+asyncpg://{rest}",
        "broker": f"{servers.valkey.url}/{BROKER_DATABASE}",
        "results": f"{servers.valkey.url}/{RESULTS_DATABASE}",
        # Of processes that end with this command.
        "secret": secrets.token_hex(32),
    }


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
