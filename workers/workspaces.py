"""The folder of each execution: what its steps write to and read from, and nothing else."""

from __future__ import annotations

import shutil
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from django.conf import settings


@lru_cache(maxsize=1024)
def of(execution_id: str, rerun_of: str | None = None) -> Path:
    """The execution's workspace; made on first use, for a rerun with the files of the earlier execution."""
    path = Path(settings.SYMPHONY_WORKSPACE_DIR) / execution_id
    if rerun_of is not None and not path.exists():
        _take_over(path.with_name(rerun_of), path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _take_over(source: Path, path: Path) -> None:
    """A copy, there as a whole or not at all; of two workers at once, the first one's stays."""
    if not source.is_dir():
        return
    copy = path.with_name(f".{path.name}-{uuid4().hex}")
    shutil.copytree(source, copy, symlinks=True)
    try:
        copy.rename(path)
    except OSError:
        shutil.rmtree(copy, ignore_errors=True)
        if not path.is_dir():
            raise


def readable_roots() -> tuple[Path, ...]:
    """Folders outside the workspace that code queries and prompts may read."""
    return tuple(map(Path, settings.SYMPHONY_READABLE_ROOTS))
