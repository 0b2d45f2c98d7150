"""RabbitMQ for tests: a node of our own in a temporary folder, with its own epmd, that ends with the process it serves.

`rabbitmq-server` is a package of the system (Debian: apt-get install rabbitmq-server), not a wheel: where it is missing,
`why_not()` says so. One node serves all brokers of a process, each in a virtual host of its own; killing one kills all.
`python -m tests.rabbit` says whether there is one.
"""

from __future__ import annotations

import atexit
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import amqp

from symphony.embedded.home import LOOPBACK, Home, free_port
from symphony.embedded.process import Server, spawn, stop, tail

Answer = TypeVar("Answer")

PROGRAMS: Final = Path("/usr/lib/rabbitmq/bin")
QUEUES: Final = ("steps", "calls", "heavy")
START_SECONDS: Final = 60.0
USER: Final = "tests"
CONFIG = """\
listeners.tcp.default = {host}:{port}
default_user = {user}
default_pass = {password}
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 8000000
log.file.level = warning
"""


def why_not() -> str:
    """Why there is no RabbitMQ here; "" when there is one."""
    if (PROGRAMS / "rabbitmq-server").exists() and shutil.which("epmd"):
        return ""
    return "RabbitMQ is not installed (Debian: apt-get install rabbitmq-server): what is tested with it is left out."


class Node:
    """A RabbitMQ that may be killed and comes back on the same port, with what it had written."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="symphony-rabbit-"))
        self._log = self._folder / "rabbitmq.log"
        self._password = Home(self._folder / "home").secret("rabbitmq")
        self.port, dist, epmd = free_port(), free_port(), free_port()
        config = self._folder / "rabbitmq.conf"
        config.write_text(
            CONFIG.format(host=LOOPBACK, port=self.port, user=USER, password=self._password), encoding="ascii"
        )
        (self._folder / "plugins").write_text("[].", encoding="ascii")
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": f"symphony-{os.getpid()}@localhost",
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
            # Else a shell stays around the server, and what kills the shell leaves the server.
            "RABBITMQ_ALLOW_INPUT": "1",
        }
        # Without one of our own the server starts one that stays for ever.
        names = ["epmd", "-port", str(epmd), "-address", LOOPBACK]
        self._names = spawn(names, log=self._log, environ=self._environ, death_signal=signal.SIGKILL)
        self._numbers = itertools.count(1)
        self.server = self._start()

    def _start(self) -> Server:
        process = spawn(
            [PROGRAMS / "rabbitmq-server", "-noinput"],
            log=self._log,
            environ=self._environ,
            cwd=self._folder,
            death_signal=signal.SIGKILL,
        )
        deadline, pause = time.monotonic() + START_SECONDS, threading.Event()
        while True:
            assert process.poll() is None, f"RabbitMQ did not start: {tail(self._log, 20)}"
            assert time.monotonic() < deadline, f"RabbitMQ was not ready in time: {tail(self._log, 20)}"
            try:
                self.connected("/").close()
            except (OSError, amqp.exceptions.AMQPError):
                pause.wait(0.05)
            else:
                return Server(process, self.url("/"), self._log)

    def connected(self, host: str) -> Any:
        found = amqp.Connection(
            f"{LOOPBACK}:{self.port}", USER, self._password, virtual_host=host, connect_timeout=5, read_timeout=2
        )
        found.connect()
        return found

    def url(self, host: str) -> str:
        return f"amqp://{USER}:{self._password}@{LOOPBACK}:{self.port}/{host.replace('/', '%2F')}"

    def new_host(self) -> str:
        """A virtual host that nobody else uses."""
        name = f"tests-{next(self._numbers)}"
        told = (
            f'ok = rabbit_vhost:add(<<"{name}">>, <<"tests">>), rabbit_auth_backend_internal:set_permissions('
            f'<<"{USER}">>, <<"{name}">>, <<".*">>, <<".*">>, <<".*">>, <<"tests">>).'
        )
        command = [PROGRAMS / "rabbitmqctl", "--node", self._environ["RABBITMQ_NODENAME"], "eval", told]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return name

    def wait_until_known(self, names: Sequence[str]) -> None:
        """Until a restart would find these quorum queues."""
        (known,) = self._folder.glob("mnesia/*/quorum/*/names.dets")
        deadline, pause = time.monotonic() + START_SECONDS, threading.Event()
        while missing := [name for name in names if name.encode() not in known.read_bytes()]:
            assert time.monotonic() < deadline, f"RabbitMQ has not written down {', '.join(missing)}"
            pause.wait(0.05)

    def kill(self) -> None:
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait()

    def restart(self) -> None:
        stop(self.server.process, signal.SIGTERM, seconds=20)
        self.server = self._start()

    def close(self) -> None:
        for process in (self.server.process, self._names):
            stop(process, signal.SIGKILL, seconds=5)
        shutil.rmtree(self._folder, ignore_errors=True)


_nodes: list[Node] = []


def node() -> Node:
    """This process's."""
    if not _nodes:
        _nodes.append(Node())
        atexit.register(_nodes[0].close)
    return _nodes[0]


class Rabbit:
    """A virtual host of this process's node, as the tests use a broker."""

    def __init__(self, home: Home) -> None:
        self._host = node().new_host()
        self.url = node().url(self._host)

    @property
    def server(self) -> Server:
        return node().server

    def kill(self) -> None:
        """RabbitMQ 3.10 writes down a second late which quorum queues it has: one it is killed without never answers again."""
        names = [f"{self._host}_{queue}" for queue in self._insist(self._queues)]
        node().wait_until_known(names)
        node().kill()

    def restart(self) -> None:
        node().restart()

    def close(self) -> None:
        """The node stays for the next."""
        if node().server.process.poll() is not None:
            node().restart()
        self.flush()

    def flush(self) -> None:
        """Its queues forget what waits in them."""

        def purge(connected: Any) -> int:
            for queue in self._queues(connected):
                connected.channel().queue_purge(queue)
            return 0

        self._insist(purge)

    def double(self, times: int = 1) -> int:
        """Every message that waits is there `times` more; how many there were."""
        return self._again(lambda messages: messages * (times + 1))

    def shuffle(self, chance: random.Random) -> int:
        """What waits comes in another order."""
        return self._again(lambda messages: chance.sample(messages, len(messages)))

    def _again(self, changed: Any) -> int:
        def again(connected: Any) -> int:
            waiting = 0
            for queue in self._queues(connected):
                channel, messages = connected.channel(), []
                while (message := channel.basic_get(queue, no_ack=True)) is not None:
                    messages.append(message)
                for message in changed(messages):
                    channel.basic_publish(amqp.Message(message.body, **message.properties), routing_key=queue)
                waiting += len(messages)
            return waiting

        return self._insist(again)

    def _insist(self, act: Callable[[Any], Answer]) -> Answer:
        """A quorum queue that has just come back does not answer until it has found its leader."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            connected = node().connected(self._host)
            try:
                return act(connected)
            except (OSError, amqp.exceptions.AMQPError) as silence:
                if time.monotonic() > deadline:
                    raise AssertionError(f"RabbitMQ does not answer: {silence!r}") from None
            finally:
                connected.collect()

    def _queues(self, connected: Any) -> list[str]:
        """Those there are: asking for another closes the channel it is asked on."""
        found = []
        for queue in QUEUES:
            try:
                connected.channel().queue_declare(queue, passive=True)
            except amqp.exceptions.NotFound:
                continue
            found.append(queue)
        return found


if __name__ == "__main__":
    if reason := why_not():
        sys.exit(reason)
