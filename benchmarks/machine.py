"""The line that says where figures come from."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.arena import Arena

PACKAGES = ("celery", "django", "django-celery-results")


def machine(arena: Arena) -> str:
    """Load is that of the minute before the start: anything near the number of cores spoils the figures."""
    ((postgres,),) = arena.select("SHOW server_version")
    info = arena.broker.info("server")
    servers = f"PostgreSQL {postgres}, Valkey {info.get('valkey_version', info['redis_version'])}"
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(tz=UTC):%Y-%m-%d}: {os.cpu_count()} cores ({_processor()}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, {packages}, {servers}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
