"""The folder of all state of one stack: secrets, ports, data, logs and the lock that keeps a second stack out."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from symphony.env import LOCK_FILE, STACK_FILE
from symphony.errors import StackError

LOOPBACK = "127.0.0.1"
LOCK_WAIT_SECONDS = 1.0


class Home:
    """`<root>/`: secrets.json, ports.json, lock, log/, postgres/, valkey/. Only its owner may read what is secret."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.log = self.root / "log"
        try:
            # Started by root, the servers run as somebody else, who has to pass through but need not look around.
            self.root.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            self.log.mkdir(exist_ok=True)
            probe = self.root / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StackError(
                f"The state folder {self.root} cannot be written ({error.strerror}): "
                "make it writable or name another one with SYMPHONY_HOME."
            ) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process alone."""
        with (self.root / LOCK_FILE).open("a+b") as lock:
            deadline = time.monotonic() + LOCK_WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    # Readers (`env.running_stack`) hold it for an instant to see whether anybody is at home.
                    if time.monotonic() > deadline:
                        raise StackError(
                            f"Another stack is already running in {self.root}: stop it first, or name another "
                            "folder with SYMPHONY_HOME."
                        ) from None
                    time.sleep(0.05)
            self.unpublish()  # what a killed predecessor left would be taken for ours
            yield

    def secret(self, name: str, size: int = 32) -> str:
        """A random password of `size` bytes that is made when first asked for and remembered."""
        known = self._read("secrets.json")
        if name not in known:
            known[name] = secrets.token_urlsafe(size)
            self._write("secrets.json", known)
        return str(known[name])

    def port(self, name: str, *, fresh: bool = False) -> int:
        """A free loopback port; the one of last time if nobody took it meanwhile."""
        known = self._read("ports.json")
        remembered = known.get(name)
        if isinstance(remembered, int) and not fresh and port_is_free(remembered):
            return remembered
        known[name] = free_port()
        self._write("ports.json", known)
        return int(known[name])

    def publish(self, variables: dict[str, str]) -> None:
        """Leave the running stack's variables for other commands of the same home."""
        self.write_private(STACK_FILE, "".join(f"{name}={value}\n" for name, value in variables.items()))

    def unpublish(self) -> None:
        with suppress(FileNotFoundError):
            (self.root / STACK_FILE).unlink()

    def write_private(self, name: str, text: str) -> Path:
        """Replace a file as a whole, readable by its owner only."""
        path = self.root / name
        fresh = path.with_name(f".{name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        return path

    def read_private(self, name: str) -> str | None:
        try:
            return (self.root / name).read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self.root / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (ValueError, OSError) as error:
            raise StackError(
                f"{self.root / name} cannot be read ({error}): restore it, or move {self.root} away."
            ) from None
        if not isinstance(content, dict):
            raise StackError(f"{self.root / name} holds no JSON object: restore it, or move {self.root} away.")
        return content

    def _write(self, name: str, content: dict[str, Any]) -> None:
        self.write_private(name, json.dumps(content, indent=2) + "\n")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int, host: str = LOOPBACK) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
