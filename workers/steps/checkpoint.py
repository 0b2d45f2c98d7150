"""`checkpoint`: keep a named state, and if wanted the files of the workspace, as artifacts."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, step_kind
from workers.steps.fields import Params, TemplatedBool
from workers.steps.files.select import bounded
from workers.steps.files.storing import open_workspace

MOST_BYTES = 64 << 20
MOST_FILES = 10_000
_NAME = re.compile(r"\w[\w.-]{0,99}\Z")


class Checkpoint(Params):
    """What to keep, and under which name."""

    state: dict[str, Any] = Field(default_factory=dict, description="Values to keep; templates are filled in.")
    checkpoint_name: str | None = Field(None, description="Its name; by default the step's name.")
    include_workspace: TemplatedBool = Field(False, description="Also keep the files of the workspace, as a tar file.")
    compress: TemplatedBool = Field(True, description="Compress that tar file.")


def _archive(step: StepContext, *, compress: bool) -> bytes:
    """All regular files of the workspace, up to 64 MB."""
    buffer = io.BytesIO()
    total = 0
    with open_workspace(step) as jail, tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry in bounded(jail.walk(), MOST_FILES):
            if entry.kind != "file":
                continue
            data = jail.read(entry.parts, MOST_BYTES)
            total += len(data)
            if total > MOST_BYTES:
                raise StepFailed(f"the workspace is larger than {MOST_BYTES} bytes; keep less of it", code="too_large")
            info = tarfile.TarInfo(entry.path)
            info.size, info.mtime = len(data), int(entry.modified)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0) if compress else buffer.getvalue()


@step_kind(StepKind(name="checkpoint", params=Checkpoint, summary="Keep a named state as an artifact", inline=True))
def run(params: Checkpoint, step: StepContext) -> dict[str, Any]:
    """The state as JSON; `path` is the artifact's name."""
    name = params.checkpoint_name or step.name
    if not _NAME.match(name):
        raise StepFailed(
            f"{name[:80]!r} cannot name a checkpoint: use letters, digits, _, - and dots", code="bad_params"
        )
    saved_at = datetime.now(UTC).isoformat()
    result: dict[str, Any] = {
        "success": True,
        "checkpoint_name": name,
        "path": f"checkpoints/{name}.json",
        "saved_at": saved_at,
    }
    state = {"checkpoint_name": name, "step": step.name, "saved_at": saved_at, "state": params.state}
    data = json.dumps(state, ensure_ascii=False, indent=2, default=str).encode()
    step.keep(result["path"], data, content_type="application/json", artifact_type="checkpoint")
    if params.include_workspace:
        suffix, media = (".tar.gz", "application/gzip") if params.compress else (".tar", "application/x-tar")
        result["workspace_archive"] = f"checkpoints/{name}{suffix}"
        archive = _archive(step, compress=params.compress)
        step.keep(result["workspace_archive"], archive, content_type=media, artifact_type="checkpoint")
    return result
