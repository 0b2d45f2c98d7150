"""The folder of each execution: what its steps write to and read from, and nothing else."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings


@lru_cache(maxsize=1024)
def of(execution_id: str) -> Path:
    """The execution's workspace; made on first use."""
    path = Path(settings.SYMPHONY_WORKSPACE_DIR) / execution_id
    path.mkdir(parents=True, exist_ok=True)
    return path


def readable_roots() -> tuple[Path, ...]:
    """Folders outside the workspace that code queries and prompts may read."""
    return tuple(map(Path, settings.SYMPHONY_READABLE_ROOTS))
