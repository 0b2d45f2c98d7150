"""Machines of a small data centre on one: network namespaces on a bridge, whose links may be cut and mended.

It takes Linux, root and `ip` (Debian: iproute2). Nothing of the real network is touched: the bridge has a namespace of its
own. A thread enters a machine for a block; what it starts there, servers too, stays there.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

CLONE_NEWNET: Final = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def why_not() -> str:
    """Why there can be no such machines here; "" when there can."""
    if os.geteuid() != 0:
        return "Network namespaces take root: the test with several machines is left out."
    if shutil.which("ip") is None:
        return "There is no `ip` (Debian: apt-get install iproute2): the test with several machines is left out."
    name = f"sym{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"Network namespaces cannot be made here ({made.stderr.strip()}): the test with several machines is left out."
    _ip("netns", "del", name)
    return ""


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


class Network:
    """Machines by name, each with an address of 10.99.0.0/24."""

    def __init__(self, *names: str) -> None:
        self._mark = f"sym{os.getpid()}"
        self._exits = ExitStack()
        self.addresses = {name: f"10.99.0.{number}" for number, name in enumerate(names, 1)}
        try:
            self._make("wire")
            _ip("-n", self._space("wire"), "link", "add", "bridge", "type", "bridge")
            _ip("-n", self._space("wire"), "link", "set", "bridge", "up")
            for name, address in self.addresses.items():
                self._connect(name, address)
        except BaseException:
            self.close()
            raise

    def _space(self, name: str) -> str:
        return f"{self._mark}-{name}"

    def _make(self, name: str) -> None:
        _ip("netns", "add", self._space(name))
        self._exits.callback(_ip, "netns", "del", self._space(name))
        _ip("-n", self._space(name), "link", "set", "lo", "up")

    def _connect(self, name: str, address: str) -> None:
        self._make(name)
        wire, space = self._space("wire"), self._space(name)
        _ip("-n", wire, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("-n", wire, "link", "set", name, "master", "bridge")
        _ip("-n", wire, "link", "set", name, "up")
        _ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")

    def cut(self, name: str) -> None:
        """Nothing reaches this machine any more, and nothing leaves it; nobody is told."""
        _ip("-n", self._space("wire"), "link", "set", name, "nomaster")

    def mend(self, name: str) -> None:
        _ip("-n", self._space("wire"), "link", "set", name, "master", "bridge")

    @contextmanager
    def inside(self, name: str) -> Iterator[str]:
        """This thread, and what it starts, is on that machine; yields its address."""
        with (
            Path("/proc/thread-self/ns/net").open("rb") as home,
            Path(f"/run/netns/{self._space(name)}").open("rb") as there,
        ):
            _enter(there.fileno())
            try:
                yield self.addresses[name]
            finally:
                _enter(home.fileno())

    def close(self) -> None:
        self._exits.close()


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
