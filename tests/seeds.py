"""A migrated database is made once, and every server that a test starts begins as a copy of it.

Migrating takes longer than any test. A seed is the home of a stack that was made ready (database `symphony`) and has a
database beside it that was migrated and nothing else. Processes that run side by side share it; it is made again when a
file changes that a migration may read. Made it is by the very code of a first start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg2
from django.conf import settings

from symphony import roles
from symphony import stack as stack_module
from symphony.embedded.home import Home
from symphony.errors import StackError
from tests import parallel

MIGRATED: Final = "test_symphony"
"""The database without a row of its own."""

_KEPT: Final = 2
_FORGOTTEN_AFTER: Final = 86_400.0
"""Seconds after which the seeds of another working copy are nobody's."""
_READ_BY_MIGRATIONS: Final = (
    "apps/**/migrations/*.py",
    "apps/**/models*/**/*.py",
    "apps/**/models.py",
    "apps/**/*.sql",
    "apps/core/**/*.py",
    "symphony/**/*.py",
    "workers/migrations/*.py",
    "requirements-dev.txt",
)


def prepare() -> None:
    """Make the seed, unless it is there."""
    here = _folder()
    with parallel.one_at_a_time(f"seeds-{here.name}"):
        _seed(here)


def copy_to(home: Path) -> None:
    """A home whose first start finds everything made ready, as a second start does."""
    here = _folder()
    with parallel.one_at_a_time(f"seeds-{here.name}"):
        seed = _seed(here)
        shutil.copytree(seed, home, ignore=shutil.ignore_patterns("lock", "stack.env", "ports.json", "*.log"))
    # Who starts the server takes the data; others only have to pass through to it.
    home.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _seed(here: Path) -> Path:
    seed = here / f"seed-{_fingerprint()}"
    if not seed.exists():
        fresh = Path(tempfile.mkdtemp(prefix="fresh-", dir=here))
        fresh.chmod(0o711)
        try:
            _make(Home(fresh / "home"))
            (fresh / "home").rename(seed)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        _forget(here)
    os.utime(seed)
    return seed


def _forget(here: Path) -> None:
    ours = sorted(here.glob("seed-*"), key=lambda path: path.stat().st_mtime)
    others = (path for path in here.parent.glob("*/seed-*") if path.parent != here)
    old = [path for path in others if time.time() - path.stat().st_mtime > _FORGOTTEN_AFTER]
    for path in (*ours[:-_KEPT], *old):
        shutil.rmtree(path, ignore_errors=True)


def _folder() -> Path:
    """This working copy's. Ours alone: whoever can write there can tell the tests what is in their database."""
    folder = Path(tempfile.gettempdir()) / f"symphony-tests-{os.getuid()}"
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else: remove it, or name another folder with TMPDIR.")
    here = folder / hashlib.sha256(os.fsencode(settings.BASE_DIR)).hexdigest()[:8]
    here.mkdir(mode=0o711, exist_ok=True)
    return here


def _fingerprint() -> str:
    found = hashlib.sha256()
    for path in _files():
        found.update(path.relative_to(settings.BASE_DIR).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def _files() -> Iterator[Path]:
    yield from sorted({path for pattern in _READ_BY_MIGRATIONS for path in settings.BASE_DIR.glob(pattern)})


def _make(home: Home) -> None:
    # Nothing of the environment: a seed is of the servers we bring ourselves.
    with stack_module.prepared(home, {}) as stack:
        assert stack.servers.postgres is not None
        try:
            stack_module.manage("migrate", stack, home)
        except StackError as error:
            raise RuntimeError((home.log / "migrate.log").read_text(encoding="utf-8")) from error
        with closing(psycopg2.connect(stack.servers.postgres.url)) as connected:
            connected.autocommit = True
            with connected.cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{MIGRATED}" TEMPLATE "{roles.OWNER}" OWNER "{roles.OWNER}"')
        stack_module.manage("provision", stack, home)
