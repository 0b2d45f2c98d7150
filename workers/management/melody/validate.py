"""`melody validate FILE`: everything that is wrong with a document. Needs no database."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from apps.melodies.definition import InvalidDocument, load
from apps.melodies.definition.kinds import known_kinds

from .terminal import Terminal, file_argument, read

HELP = "say everything that is wrong with a document"


def arguments(parser: argparse.ArgumentParser) -> None:
    file_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    name, source = read(options["file"])
    try:
        definition = load(source, known_kinds())
    except InvalidDocument as invalid:
        terminal.refuse(name, invalid.problems)
    steps = sum(1 for _ in definition.walk())
    value = {"valid": True, "name": definition.name, "steps": steps, "mode": definition.mode}
    terminal.either([f"valid: {steps} step{'' if steps == 1 else 's'}"], value)
