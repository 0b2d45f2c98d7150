"""What `up`, `demo` and the tests start: servers, logins, then the processes of Symphony itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from apps.executions.routes import CALLS, HEAVY, STEPS
from symphony import roles
from symphony.embedded import servers
from symphony.embedded.home import LOOPBACK, Home, port_is_free
from symphony.embedded.process import spawn, tail
from symphony.errors import StackError
from symphony.queues import FurtherQueue
from symphony.supervisor import STOP_SECONDS, ProcessSpec, Supervisor

BASE_DIR = Path(__file__).resolve().parent.parent
BROKER_DATABASE = 0
CACHE_DATABASE = 1
FLOWER_USER = "admin"
CALLS_POOL = 20
"""Database connections that all threads of the calls worker share at most, if the environment does not say."""
APPLICATION = "symphony.asgi:application"
FRUGAL = {"MALLOC_ARENA_MAX": "2"}
"""Python's threads allocate one at a time: with heaps of their own a large document stays in memory several times."""
WEB_POOL = 20
"""As many as the web has threads: 16 of requests and 4 of streams. Used last is taken first: few requests need few, warm ones."""
BESIDES = 4
"""Threads of a worker that are no slots: signs of life, sending, notes of the Pit."""
HEAVY_MESSAGES = 20
"""After so many the process of the heavy worker is replaced: what it had grown to is given back."""
DRAIN_SECONDS = 4.0
LEAVE_SECONDS = 6.0
"""What handing over and ending may take after that."""


@dataclass(frozen=True, slots=True)
class Options:
    """`flower_port` None leaves Flower and the workers' events (which cost throughput) out."""

    port: int = 8000
    flower_port: int | None = 5555
    steps_processes: int = min(4, os.cpu_count() or 1)
    calls_threads: int = 200
    heavy_processes: int = 1

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Servers that run, a database that exists, and the variables every process needs to find them."""

    servers: servers.Servers
    variables: dict[str, str]

    def environ(self, role: str) -> dict[str, str]:
        # A process of one thread keeps its connection: a pool would only cost it time.
        return {**os.environ, **self.variables, "SYMPHONY_ROLE": role, "SYMPHONY_DATABASE_POOL": "0"}


@contextmanager
def prepared(home: Home, environ: Mapping[str, str] = os.environ) -> Iterator[Prepared]:
    """Start what the environment does not name, and make the logins."""
    broker, cache, database = (environ.get(name) for name in ("BROKER_URL", "CACHE_URL", "DATABASE_URL"))
    with servers.running(home, with_postgres=not database, with_valkey=not (broker and cache)) as ours:
        owner_url = database or roles.create_owned_database(_superuser(ours), home)
        urls = roles.create_logins(
            owner_url,
            home,
            web=environ.get("WEB_DATABASE_URL") if database else None,
            worker=environ.get("WORKER_DATABASE_URL") if database else None,
        )
        valkey_url = ours.valkey.url if ours.valkey else ""
        yield Prepared(
            ours,
            {
                "SYMPHONY_HOME": str(home.root),
                "DATABASE_URL": urls.owner,
                "WEB_DATABASE_URL": urls.web,
                "WORKER_DATABASE_URL": urls.worker,
                "BROKER_URL": broker or f"{valkey_url}/{BROKER_DATABASE}",
                "CACHE_URL": cache or f"{valkey_url}/{CACHE_DATABASE}",
                **_keys(home, environ),
            },
        )


def _superuser(ours: servers.Servers) -> str:
    if ours.postgres is None:
        raise AssertionError("asked for only when no DATABASE_URL is given")
    return ours.postgres.url


def _keys(home: Home, environ: Mapping[str, str]) -> dict[str, str]:
    """What sessions are signed with and secrets sealed with, as far as the environment does not say."""
    # Django wants 50 characters, which 48 bytes are; what seals has 32 bytes, no more and no less.
    remembered = {"SYMPHONY_SECRET_KEY": ("django", 48), "SYMPHONY_SECRET_KEYS": ("sealing", 32)}
    return {
        variable: home.secret(name, size)
        for variable, (name, size) in remembered.items()
        if not (environ.get(variable) or environ.get(f"{variable}_FILE"))
    }


def manage(command: str, stack: Prepared, home: Home, *, role: str = "owner") -> None:
    """Run one management command of ours to its end."""
    log = home.log / f"{command}.log"
    process = spawn(
        [sys.executable, BASE_DIR / "manage.py", command], log=log, cwd=BASE_DIR, environ=stack.environ(role)
    )
    try:
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if code != 0:
        raise StackError(f"`manage.py {command}` failed: {tail(log)} (log: {log}).")


def _is_provisioned(owner_url: str, home: Home) -> bool:
    """Whether there is nothing to migrate and somebody has a token: asked here, it costs no further process."""
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    return home.read_private("token") is not None and known <= roles.applied_migrations(owner_url)


def check_ports(options: Options) -> None:
    for port, variable in ((options.port, "PORT"), (options.flower_port, "FLOWER_PORT")):
        if port is not None and not port_is_free(port):
            raise StackError(
                f"Port {port} is taken by another program: choose another one, `make up {variable}={port + 1}`."
            )


def process_specs(options: Options, stack: Prepared, home: Home) -> list[ProcessSpec]:
    """Web, the two workers most steps need, the sweep and Flower."""
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "symphony"]
    listen = ["--host", LOOPBACK, "--port", str(options.port)]
    web = [
        python,
        "-m",
        "uvicorn",
        APPLICATION,
        *listen,
        "--no-access-log",
        "--no-proxy-headers",
        "--timeout-graceful-shutdown",
        "2",
    ]
    specs = [
        ProcessSpec("web", web, {**FRUGAL, **stack.environ("web"), "SYMPHONY_DATABASE_POOL": str(WEB_POOL)}),
        _worker(options, stack, FurtherQueue(STEPS, "prefork", options.steps_processes)),
        _worker(options, stack, FurtherQueue(CALLS, "threads", options.calls_threads)),
        ProcessSpec("sweep", [python, str(BASE_DIR / "manage.py"), "sweep"], stack.environ("worker")),
    ]
    if os.environ.get("SYMPHONY_AGENT_MODULES"):
        runner = [python, str(BASE_DIR / "manage.py"), "agents", "run"]
        specs.append(ProcessSpec("agents", runner, stack.environ("worker")))
    if options.flower_port is not None:
        flower = [*celery, "flower", f"--address={LOOPBACK}", f"--port={options.flower_port}"]
        # In the environment, not on the command line: anybody may read that.
        login = {"FLOWER_BASIC_AUTH": f"{FLOWER_USER}:{home.secret('flower')}"}
        specs.append(ProcessSpec("flower", flower, stack.environ("web") | login))
    return specs


def late_specs(options: Options, stack: Prepared) -> list[ProcessSpec]:
    """Workers nobody waits for: started when the web answers, so that they do not delay it."""
    heavy = FurtherQueue(HEAVY, "prefork", options.heavy_processes)
    further = [queue for queue in settings.SYMPHONY_QUEUES if queue.pool is not None]
    return [_worker(options, stack, queue) for queue in (heavy, *further) if queue.slots > 0]


def _worker(options: Options, stack: Prepared, queue: FurtherQueue) -> ProcessSpec:
    """A worker of one queue, named after it."""
    command = [sys.executable, "-m", "celery", "-A", "symphony", "worker", "--loglevel", "INFO"]
    command += ["--without-gossip", "--without-mingle", *(["-E"] if options.flower_port is not None else [])]
    command += ["-n", f"{queue.name}@%h", "-Q", queue.name, "-P", queue.pool or "prefork", "-c", str(queue.slots)]
    environ = stack.environ("worker") | {"SYMPHONY_DRAIN_SECONDS": str(drain_seconds())}
    if queue.pool == "threads":
        pool = os.environ.get("SYMPHONY_DATABASE_POOL") or str(min(CALLS_POOL, queue.slots + BESIDES))
        return ProcessSpec(
            queue.name, [*command, "--prefetch-multiplier", "1"], environ | {"SYMPHONY_DATABASE_POOL": pool}
        )
    if queue.name == HEAVY:
        command += ["--prefetch-multiplier", "1", "--max-tasks-per-child", str(HEAVY_MESSAGES)]
    return ProcessSpec(queue.name, command, environ)


def drain_seconds() -> float:
    """How long steps may go on when all of this machine is stopped: whoever pressed Ctrl-C waits for it."""
    said = os.environ.get("SYMPHONY_DRAIN_SECONDS")
    return settings.SYMPHONY_DRAIN_SECONDS if said else DRAIN_SECONDS


@contextmanager
def running(home: Home, options: Options, environ: Mapping[str, str] = os.environ) -> Iterator[Supervisor]:
    """Everything, published in the home for other commands; call `tend()` on what is yielded now and then."""
    check_ports(options)
    with prepared(home, environ) as stack:
        if not environ.get("SYMPHONY_PUBLIC_URL"):
            stack.variables["SYMPHONY_PUBLIC_URL"] = options.url
        if not _is_provisioned(stack.variables["DATABASE_URL"], home):
            manage("provision", stack, home)
        home.write_private("flower_password", home.secret("flower") + "\n")
        supervisor = Supervisor(
            home.log, BASE_DIR, stack.servers.check, stop_seconds=max(STOP_SECONDS, drain_seconds() + LEAVE_SECONDS)
        )
        try:
            supervisor.start(process_specs(options, stack, home))
            supervisor.wait_for(f"{options.url}/livez", "web")
            supervisor.start(late_specs(options, stack))
            home.publish(stack.variables | {"SYMPHONY_URL": options.url})
            yield supervisor
        finally:
            home.unpublish()
            supervisor.stop()
