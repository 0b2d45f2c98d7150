"""What a sub-command says, and where it reads documents from."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from django.core.management.base import CommandError, OutputWrapper

from apps.melodies.definition import Problem
from workers.rendering import progress

FAILED: Final = 1
INTERRUPTED: Final = 130


class SubCommand(Protocol):
    """A module of this package."""

    HELP: str

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, terminal: Terminal, options: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Terminal:
    """Lines for people, or one JSON value for machines, as the options say."""

    out: OutputWrapper
    err: OutputWrapper
    as_json: bool = False

    def say(self, *lines: str) -> None:
        for line in lines:
            self.out.write(progress.printable(line))

    def text(self, text: str) -> None:
        """A text as it stands."""
        self.out.write(text, ending="")

    def json(self, value: Mapping[str, Any]) -> None:
        self.out.write(json.dumps(value, indent=2))

    def either(self, lines: Iterable[str], value: Mapping[str, Any]) -> None:
        if self.as_json:
            self.json(value)
        else:
            self.say(*lines)

    def refuse(self, name: str, problems: Iterable[Problem]) -> NoReturn:
        """Say what is wrong with a document, and leave."""
        if self.as_json:
            self.json({"valid": False, "errors": [as_dict(problem) for problem in problems]})
        else:
            self.say(*(line_of(name, problem) for problem in problems))
        sys.exit(FAILED)


def line_of(name: str, problem: Problem) -> str:
    """`file:line:column: message`, which editors and terminals make a link of."""
    place = f"{name}:{problem.line}:{problem.column}" if problem.line else name
    kind = "warning: " if problem.severity == "warning" else ""
    hint = f" (did you mean {problem.suggestion}?)" if problem.suggestion else ""
    code = f" [{problem.code}]" if problem.severity == "warning" else ""
    return f"{place}: {kind}{problem.message}{hint}{code}"


def as_dict(problem: Problem) -> dict[str, Any]:
    names = ("code", "message", "pointer", "line", "column", "suggestion", "severity")
    return {name: getattr(problem, name) for name in names}


def file_argument(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    told = "a melody in YAML or JSON; - reads standard input"
    if several:
        parser.add_argument("files", metavar="FILE", nargs="+", help=told)
    else:
        parser.add_argument("file", metavar="FILE", help=told)


def read(file: str) -> tuple[str, bytes]:
    """Name for messages, and content."""
    if file == "-":
        return "<stdin>", sys.stdin.buffer.read()
    try:
        return file, Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=FAILED) from None
