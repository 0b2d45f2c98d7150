"""How the failure of an inner step becomes the failure of the step around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.contract import FrameOutcome, StepFailed


def failure(frame: FrameOutcome, prefix: str = "") -> StepFailed:
    """The error of a step whose frame did not complete: the inner one's, its message behind the prefix."""
    error = error_of(frame)
    return StepFailed(f"{prefix}{error.get('message')}", code=str(error.get("code") or "step_failed"), details=error)


def error_of(frame: FrameOutcome) -> Mapping[str, Any]:
    """Why a frame did not complete: `{"step", "code", "message"}`, the step only where one failed."""
    if frame.error is not None:
        return dict(frame.error)
    where = f"{frame.label!r} was" if frame.label else "it was"
    return {"code": "cancelled", "message": f"{where} stopped before it ended"}
