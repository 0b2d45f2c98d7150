"""`melody migrate FILE`: the older forms of a document in today's. Needs no database."""

from __future__ import annotations

import argparse
import difflib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps.melodies.definition import InvalidDocument, load
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.migration import Migrated, NotMigratedError, migrate

from .terminal import FAILED, Terminal, file_argument, read

HELP = "rewrite the older forms of a document; comments are kept"


def arguments(parser: argparse.ArgumentParser) -> None:
    file_argument(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--write", action="store_true", help="change the file itself; without it the result is printed")
    how.add_argument("--diff", action="store_true", help="show what would change")
    parser.add_argument(
        "--complete", action="store_true", help="also add the sections `environment` and `claude_auth` if absent"
    )


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    """What comes out is valid, or nothing is written and the errors are said."""
    name, source = read(options["file"])
    try:
        migrated = migrate(source, known_kinds(), complete=options["complete"])
    except InvalidDocument as invalid:
        terminal.refuse(name, invalid.problems)
    except NotMigratedError as error:
        raise CommandError(f"{name}: {error}", returncode=FAILED) from None
    try:
        load(migrated.text, known_kinds())
    except InvalidDocument as invalid:
        terminal.refuse(name, invalid.problems)
    if options["write"]:
        _write(options["file"], source, migrated)
        terminal.either([_told(name, migrated)], _as_dict(migrated))
    elif terminal.as_json:
        terminal.json(_as_dict(migrated) | {"text": migrated.text})
    elif options["diff"]:
        terminal.text(_diff(name, source.decode(), migrated.text))
    else:
        terminal.text(migrated.text)


def _write(file: str, source: bytes, migrated: Migrated) -> None:
    """In one move, so that nobody ever reads half a file."""
    if file == "-":
        raise CommandError("Standard input cannot be written; leave out --write.", returncode=FAILED)
    text = migrated.text.encode()
    if not migrated.changes or text == source:
        return
    path = Path(file)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as copy:
            copy.write(text)
        Path(name).chmod(path.stat().st_mode)
        Path(name).replace(path)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.", returncode=FAILED) from None


def _told(name: str, migrated: Migrated) -> str:
    count = len(migrated.changes)
    return f"{name}: {count} change{'' if count == 1 else 's'}" if count else f"{name}: nothing to change"


def _as_dict(migrated: Migrated) -> dict[str, Any]:
    changes = [{"pointer": change.pointer, "message": change.message} for change in migrated.changes]
    return {"changed": bool(changes), "changes": changes}


def _diff(name: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), name, f"{name} (migrated)", lineterm="")
    return "".join(f"{line}\n" for line in lines)
