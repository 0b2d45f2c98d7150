"""`melody import-n8n FILE`: a workflow of n8n as a melody, printed or stored. Printing needs no database."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from apps.accounts import queries as accounts
from apps.core.tenancy import acting_as
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.n8n import Issue
from apps.melodies.definition.rows_text import as_yaml
from apps.melodies.services import import_n8n, read_n8n

from .people import organization_argument, user_argument, user_named
from .terminal import FAILED, Terminal, file_argument, read

HELP = "make a melody of a workflow of n8n; what does not come over is told"


def arguments(parser: argparse.ArgumentParser) -> None:
    file_argument(parser)
    parser.add_argument("--strict", action="store_true", help="refuse a workflow that does not come over whole")
    parser.add_argument("--publish", action="store_true", help="store the melody; without it, it is printed")
    parser.add_argument("--path", metavar="PATH", help="the name by which a `pipeline_file` finds it")
    organization_argument(parser)
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    name, source = read(options["file"])
    if options["publish"]:
        _publish(terminal, options, source)
        return
    imported = read_n8n(source, strict=options["strict"])
    if imported.document is None:
        lines = [f"{name}: it cannot be imported.", *_lines(imported.issues)]
        raise CommandError("\n".join(lines), returncode=FAILED)
    text = as_yaml(imported.document, known_kinds())
    if terminal.as_json:
        terminal.json({"text": text, "issues": [asdict(issue) for issue in imported.issues]})
        return
    # Comments, so that the output is the melody and can be sent to a file as it is.
    terminal.text("".join(f"# {line}\n" for line in _lines(imported.issues)) + text)


def _publish(terminal: Terminal, options: Mapping[str, Any], source: bytes) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk), transaction.atomic():
        organization = accounts.organization_for(actor=user, reference=options["organization"])
        imported = import_n8n(
            actor=user, organization=organization, source=source, strict=options["strict"], path=options["path"]
        )
        melody = imported.version.melody
    lines = [*_lines(imported.issues), f"published {melody.name} ({melody.pk})"]
    issues = [asdict(issue) for issue in imported.issues]
    terminal.either(lines, {"melody": str(melody.pk), "name": melody.name, "issues": issues})


def _lines(issues: Sequence[Issue]) -> list[str]:
    return [f"{issue.severity}: {issue.node or 'workflow'}: {issue.message}".replace("\n", " ") for issue in issues]
