"""What a person should look at in a document that can be used, or cannot yet: the warnings of `melody lint`."""

from __future__ import annotations

from .codes import WARNINGS
from .report import Report, lint

__all__ = ["WARNINGS", "Report", "lint"]
