"""`melody lint FILE...`: what is wrong with documents, and what to look at besides. Needs no database."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.lint import Report, lint

from .terminal import FAILED, Terminal, as_dict, file_argument, line_of, read

HELP = "say what is wrong with documents, and what to look at besides"


def arguments(parser: argparse.ArgumentParser) -> None:
    file_argument(parser, several=True)
    parser.add_argument("--strict", action="store_true", help="warnings fail, too")


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    """Leaves with 0 if nothing is wrong, warnings or not; with 1 on errors, or (`--strict`) on warnings."""
    reports: dict[str, Report] = {}
    for file in options["files"]:
        name, source = read(file)
        reports[name] = lint(source, known_kinds())
    errors = sum(len(report.errors) for report in reports.values())
    warnings = sum(len(report.warnings) for report in reports.values())
    if terminal.as_json:
        terminal.json({"files": [_as_dict(name, report) for name, report in reports.items()]})
    else:
        for name, report in reports.items():
            found = sorted(
                (*report.errors, *report.warnings), key=lambda problem: (problem.line or 0, problem.column or 0)
            )
            terminal.say(*(line_of(name, problem) for problem in found))
        terminal.say(f"{_count(len(reports), 'file')}, {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    if errors or (warnings and options["strict"]):
        sys.exit(FAILED)


def _as_dict(name: str, report: Report) -> dict[str, Any]:
    return {
        "file": name,
        "valid": report.definition is not None,
        "errors": [as_dict(problem) for problem in report.errors],
        "warnings": [as_dict(problem) for problem in report.warnings],
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
