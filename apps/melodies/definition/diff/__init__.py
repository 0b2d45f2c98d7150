"""What is different between two documents: as rows of steps and edges, in words, and line by line.

`apply(diff(a, b, kinds), a, kinds) == b` for any two valid documents.
"""

from __future__ import annotations

from .compare import diff
from .model import Diff, StepDelta, StepPlace
from .patch import apply
from .values import Change, Op

__all__ = ["Change", "Diff", "Op", "StepDelta", "StepPlace", "apply", "diff"]
