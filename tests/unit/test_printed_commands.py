"""Every `manage.py COMMAND` and `melody VERB` that the documentation prints is one there is, with options it has."""

from __future__ import annotations

import argparse
import pkgutil
import re
import shlex
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from workers.management import melody
from workers.management.commands.melody import Command

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCED = re.compile(r"^( *)```[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_COMMAND = re.compile(r"(?:^|[\s(])manage\.py +(.+)$")
_SHORT = re.compile(r"^melody +[a-z].*$")
_PLACEHOLDER = re.compile(r"\$\{?\w+\}?|[A-Z][A-Z_]*|.*(?:…|\.\.\.).*")
_NOT_COMPLETE = "the following arguments are required"


def examples(text: str) -> Iterator[str]:
    """Lines of code blocks: what people copy."""
    for _, block in _FENCED.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if found := _COMMAND.search(line):
                yield found[1]


def mentions(text: str) -> Iterator[str]:
    """Within sentences, where a command may be named without all that it takes."""
    for span in _INLINE.findall(_FENCED.sub("", text)):
        if found := _COMMAND.search(span):
            yield found[1]
        elif _SHORT.match(span):
            yield span


def words_of(line: str) -> list[str]:
    """Up to what belongs to the shell: a comment, a pipe, a file to write to."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("();<>|&"):
            break
        words.append(word)
    return [word.strip("[]") if word.startswith("[-") else word for word in words if word not in ("…", "...")]


class _Choices(tuple[Any, ...]):
    __slots__ = ()

    def __contains__(self, value: object) -> bool:
        return (isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None) or super().__contains__(value)


def _converted(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    @wraps(convert)
    def converted(text: str) -> Any:
        return text if _PLACEHOLDER.fullmatch(text) else convert(text)

    return converted


def take_placeholders(parser: argparse.ArgumentParser) -> None:
    """Let `$RUN`, `ID` and `0197c9a0-…` stand for any value; everything else is checked as ever."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                take_placeholders(inner)
            continue
        if callable(action.type):
            action.type = _converted(action.type)
        if action.choices is not None:
            action.choices = _Choices(action.choices)


def complaint(line: str) -> str | None:
    """What the real parser says against a printed command; None: nothing."""
    name, *rest = words_of(line)
    app = get_commands().get(name)
    if app is None:
        return f"there is no command {name!r}"
    command = app if not isinstance(app, str) else load_command_class(app, name)
    parser = command.create_parser("manage.py", name)
    take_placeholders(parser)
    try:
        parser.parse_args(rest)
    except CommandError as error:
        return str(error)
    except SystemExit as left:
        return None if left.code == 0 else f"it leaves with {left.code}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_printed_command_parses(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = {line: said for line in examples(text) if (said := complaint(line))}
    named = {line: said for line in mentions(text) if (said := complaint(line)) and _NOT_COMPLETE not in said}
    assert wrong | named == {}


def test_commands_are_found_in_the_documentation() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    assert sum(len(list(examples(text))) for text in texts) > 20
    assert sum(len(list(mentions(text))) for text in texts) > 40


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("melody rerun 0197c9a0-… --from 'each[3].call' --input size=4  # again", None),
        ("melody bulk ACTION --melody $MELODY > told.json", None),
        ("billing reprocess [--failed]", None),
        ("melody nosuch ID", "invalid choice: 'nosuch'"),
        ("melody rerun ID --form build", "unrecognized arguments"),
        ("melody bulk paint", "invalid choice: 'paint'"),
        ("melody priority ID high", "invalid int value"),
        ("melodies run", "there is no command 'melodies'"),
    ],
)
def test_what_does_not_parse_is_told(line: str, said: str | None) -> None:
    found = complaint(line)
    assert found == said if said is None else said in str(found)


def verbs() -> set[str]:
    """Modules of the package that have what a verb has."""
    found = set()
    for module in pkgutil.iter_modules(melody.__path__):
        has = vars(import_module(f"{melody.__name__}.{module.name}"))
        if {"HELP", "arguments", "run"} <= set(has):
            found.add(module.name.replace("_", "-"))
    return found


def test_every_verb_is_one_of_the_command() -> None:
    told = Command().create_parser("manage.py", "melody").format_help()
    assert verbs() == {name for name in verbs() if re.search(rf"^    {name} ", told, re.MULTILINE)}
