"""`melody diff ONE OTHER`: what is different between two documents, files or versions that are published."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.core.management.base import CommandError

from apps.accounts import queries as accounts
from apps.core.tenancy import acting_as
from apps.melodies import queries
from apps.melodies.definition import InvalidDocument, load
from apps.melodies.definition.diff import diff
from apps.melodies.definition.diff.text import unified
from apps.melodies.definition.diff.told import as_dict, bump_of, sentences
from apps.melodies.definition.kinds import known_kinds

from .people import organization_argument, user_argument, user_named
from .terminal import FAILED, Terminal, read

HELP = "say what is different between two documents"
_EVERYTHING: Final = 1_000_000


class _Side(NamedTuple):
    name: str
    document: Mapping[str, Any]


def arguments(parser: argparse.ArgumentParser) -> None:
    told = "a file (- reads standard input), or MELODY@VERSION: path or id of a published one, and number, semver or `latest`"
    parser.add_argument("one", metavar="ONE", help=told)
    parser.add_argument("other", metavar="OTHER", help=told)
    parser.add_argument("--text", action="store_true", help="line by line, as YAML")
    parser.add_argument("--exit-code", action="store_true", help="leave with 1 if they differ")
    organization_argument(parser)
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    before, after = (_side(terminal, options[name], options) for name in ("one", "other"))
    found = diff(before.document, after.document, known_kinds())
    lines = list(unified(before.document, after.document, known_kinds(), (before.name, after.name)))
    if terminal.as_json:
        told = {"weight": bump_of(found), "summary": list(sentences(found)), "counts": found.counts()}
        terminal.json({"same": found.is_empty, **told, **as_dict(found, _EVERYTHING), "text": "\n".join(lines)})
    elif options["text"]:
        terminal.say(*lines)
    elif found.is_empty:
        terminal.say("They say the same.")
    else:
        terminal.say(*sentences(found), "", f"This is a {bump_of(found)} change.")
    if options["exit_code"] and not found.is_empty:
        sys.exit(FAILED)


def _side(terminal: Terminal, reference: str, options: Mapping[str, Any]) -> _Side:
    melody, at, version = reference.rpartition("@")
    if at and not Path(reference).exists():
        return _published(reference, melody, version, options)
    name, source = read(reference)
    try:
        return _Side(name, load(source, known_kinds()).document)
    except InvalidDocument as invalid:
        terminal.refuse(name, invalid.problems)


def _published(reference: str, melody: str, version: str, options: Mapping[str, Any]) -> _Side:
    user = user_named(options["user"])
    with acting_as(user.pk):
        organization = accounts.organization_for(actor=user, reference=options["organization"])
        found = queries.melodies(actor=user)
        try:
            row = found.filter(pk=UUID(melody)).first()
        except ValueError:
            at = queries.melody_at(organization.pk, melody)
            row = found.filter(pk=at.pk).first() if at is not None else None
        if row is None:
            raise CommandError(f"There is neither a file {reference} nor a melody {melody}.", returncode=FAILED)
        return _Side(reference, queries.version_named(row, version).document)
