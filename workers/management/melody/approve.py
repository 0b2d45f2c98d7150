"""`melody approve EXECUTION STEP`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .deciding import arguments, decide
from .terminal import Terminal

HELP = "approve a step that waits for approval"


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    decide(terminal, options, "approve")


__all__ = ["HELP", "arguments", "run"]
