"""Several pytest processes side by side (`pytest -n 2`): what each has of its own, and who runs what.

Each process starts servers of its own; on the servers of DATABASE_URL and BROKER_URL it has databases of its own. A file
is run by one process, because its tests may share a stage; the files that look at one and the same stack go together.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from xdist.scheduler import LoadFileScheduling

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
"""`gw0`, `gw1` ... in a process of several, "" in the only one."""

_NUMBER = int(WORKER.removeprefix("gw") or 0)
_DATABASES_EACH = 4
"""Of the 16 databases a Redis has, so many are between those of two processes."""

# A stack of processes takes seconds to start: what shares one stays together.
_SHARED = {
    "tests/acceptance/test_client.py": "stack",
    "tests/acceptance/test_curl.py": "stack",
    "tests/acceptance/test_live_page.py": "stack",
    "tests/acceptance/test_readme.py": "stack",
    "tests/acceptance/test_stack.py": "stack",
}
# What needs no database while the first one is migrated; then the long ones, so that no process is left alone with one.
_ORDER = (
    "tests/unit/steps/",
    "tests/unit/compiler/",
    "tests/unit/language_tools/",
    "tests/acceptance/",
    "tests/workers/",
    "tests/chaos/",
    "tests/fuzz/",
    "tests/isolation/",
    "tests/apps/",
)


class TogetherScheduling(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return _SHARED.get(file, file)


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests of a folder stay in their order."""
    return sorted(items, key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    return next((place for place, folder in enumerate(_ORDER) if nodeid.startswith(folder)), len(_ORDER))


def own_name(name: str) -> str:
    return f"{name}_{WORKER}" if WORKER else name


def own_redis(url: str) -> str:
    """The same server, another of its numbered databases."""
    parts = urlsplit(url)
    if not WORKER or not parts.scheme.startswith(("redis", "valkey", "unix")):
        return url
    database = int(parts.path.strip("/") or 0) + _NUMBER * _DATABASES_EACH
    return urlunsplit(parts._replace(path=f"/{database}"))


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """For what all processes change together: roles belong to a whole cluster."""
    path = Path(tempfile.gettempdir()) / f"symphony-tests-{os.getuid()}-{what}.lock"
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
