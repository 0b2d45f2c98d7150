"""The workspace of a step, under the rules of its document, and putting files into it."""

from __future__ import annotations

from typing import Any

from workers.contract import StepContext, StepFailed
from workers.steps.files.jail import Jail, parts_of
from workers.steps.files.rules import rules_of
from workers.steps.files.types import artifact_type, as_bytes, content_type

MOST_WRITTEN = 64 << 20


def open_workspace(step: StepContext) -> Jail:
    """The workspace as an open folder, in which `safety` and `max_workspace_size_mb` of the document hold."""
    return Jail(step.workspace, rules_of(step.workflow))


def store(step: StepContext, path: str, value: Any) -> int:
    """Write a value to a file of the workspace, text as it is and anything else as JSON, and keep it as an artifact; the
    number of bytes."""
    data = as_bytes(value)
    if len(data) > MOST_WRITTEN:
        raise StepFailed(f"the content has {len(data)} bytes; the limit is {MOST_WRITTEN}", code="too_large")
    with open_workspace(step) as jail:
        jail.write(parts_of(path), data)
    keep_file(step, path, data)
    return len(data)


def keep_file(step: StepContext, path: str, data: bytes) -> None:
    """Keep a file's bytes as an artifact, of the type its name suggests."""
    name = "/".join(parts_of(path))
    step.keep(name, data, content_type=content_type(name), artifact_type=artifact_type(name))
