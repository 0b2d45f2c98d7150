"""`melody reject EXECUTION STEP`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .deciding import arguments, decide
from .terminal import Terminal

HELP = "reject a step that waits for approval"


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    decide(terminal, options, "reject")


__all__ = ["HELP", "arguments", "run"]
