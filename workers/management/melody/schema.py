"""`melody schema`: the JSON Schema of the language, for editors. Needs no database."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.schema import as_text, kind_schema, melody_schema
from apps.melodies.definition.suggestions import suggest

from .terminal import FAILED, Terminal

HELP = "print the JSON Schema of the language"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", metavar="TYPE", help="of one step of this type only")


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    kinds, name = known_kinds(), options["kind"]
    if name is None:
        terminal.text(as_text(melody_schema(kinds)) + "\n")
    elif name in kinds:
        terminal.text(as_text(kind_schema(kinds, name)) + "\n")
    else:
        meant = suggest(name, kinds)
        hint = f"did you mean {meant}?" if meant else f"known are {', '.join(sorted(kinds))}."
        raise CommandError(f"There is no step type {name}; {hint}", returncode=FAILED)
