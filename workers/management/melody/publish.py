"""`melody publish FILE`: store a document, and those it needs, ready to run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from apps.accounts import queries as accounts
from apps.core.tenancy import acting_as
from apps.melodies.paths import PathError, normal_path

from . import files
from .people import organization_argument, user_argument, user_named
from .terminal import FAILED, Terminal, file_argument

HELP = "store a melody, and those its `pipeline_file` steps name, ready to run"


def arguments(parser: argparse.ArgumentParser) -> None:
    file_argument(parser)
    parser.add_argument("--path", metavar="PATH", help="the name by which a `pipeline_file` finds it")
    organization_argument(parser)
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    found = files.bundle(terminal, options["file"])
    if options["path"] is not None:
        try:
            found.main.path = normal_path(options["path"])
        except PathError as error:
            raise CommandError(str(error), returncode=FAILED) from None
    user = user_named(options["user"])
    with acting_as(user.pk), transaction.atomic():
        organization = accounts.organization_for(actor=user, reference=options["organization"])
        version = files.publish(actor=user, organization=organization, found=found)
        melody = version.melody
    lines = [f"published {path}" for path in found.others]
    at = f" at {melody.path}" if melody.path else ""
    lines.append(f"published {melody.name} version {version.number}{at} ({melody.pk})")
    value = {"melody": str(melody.pk), "name": melody.name, "path": melody.path, "version": version.number}
    terminal.either(lines, value | {"others": list(found.others)})
