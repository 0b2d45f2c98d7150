"""Migrating whole source texts: comments, quotes and the look of all that is not changed stay as they are."""

from __future__ import annotations

import difflib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from apps.melodies.definition.document import parse
from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.problems import InvalidDocument

from .changes import Change, find_changes

_NEVER_WRAP: Final = 1_000_000
_MOST_MERGED: Final = 5_000
"""Comparing more lines than this, which are much alike, takes minutes."""
_BEFORE_ROOT: Final = re.compile(r"\s*(#|%|---|$)")


class NotMigratedError(ValueError):
    """The document cannot be rewritten by a program; the message says why."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """The new text, and what was changed (empty: nothing was, and the text is the old one)."""

    text: str
    changes: tuple[Change, ...]


def migrate(source: str | bytes, kinds: Mapping[str, StepKind], *, complete: bool = False) -> Migrated:
    """Rewrite the older forms of a document; `complete` also adds the sections version 2 recommends, if they are absent.

    Raises `InvalidDocument` if the text cannot be read, `NotMigratedError` if it cannot be rewritten.
    """
    parsed = parse(source)
    text, value = parsed.source, parsed.value
    changes: list[Change] = []
    if _lacks_root(value):
        text, value = _with_root(text, value, parsed.media)
        changes.append(Change("", "A melody has the key `workflow` around everything else.", _nothing))
    found = find_changes(value, kinds, complete=complete)
    if not found:
        return Migrated(text, tuple(changes))
    for change in found:
        change.apply()
    text = _as_json(text, value) if parsed.media == "json" else _as_yaml(text, kinds, value, complete=complete)
    return Migrated(text, (*changes, *found))


def _nothing() -> None:
    """The deed was done before."""


# -- the key around everything -------------------------------------------------------------------------------------
def _lacks_root(value: Any) -> bool:
    return (
        isinstance(value, dict) and "workflow" not in value and "name" in value and isinstance(value.get("steps"), list)
    )


def _with_root(text: str, value: Any, media: str) -> tuple[str, Any]:
    wrapped = {"workflow": value}
    if media == "json":
        return _as_json(text, wrapped), wrapped
    lines = text.splitlines(keepends=True)
    start = next((index for index, line in enumerate(lines) if not _BEFORE_ROOT.match(line)), len(lines))
    indented = [f"  {line}" if line.strip() else line for line in lines[start:]]
    made = "".join([*lines[:start], "workflow:\n", *indented])
    if not _means(made, wrapped):
        raise NotMigratedError("The document has no `workflow`: put `workflow:` above it and indent what is there.")
    return made, wrapped


# -- text from value -----------------------------------------------------------------------------------------------
def _as_json(text: str, value: Any) -> str:
    indent = re.search(r"^\{\s*\n( +)", text)
    made = json.dumps(value, indent=len(indent.group(1)) if indent else None, ensure_ascii=False)
    return made + "\n" if text.endswith("\n") else made


def _as_yaml(text: str, kinds: Mapping[str, StepKind], meant: Any, *, complete: bool) -> str:
    """The text with its changes, which must say what `meant` says."""
    yaml = _round_trip(text)
    try:
        tree = yaml.load(text)
        if _merges(tree):
            raise NotMigratedError("The document merges mappings (`<<`): write out what they bring, then migrate it.")
        before = _dumped(yaml, tree)
        for change in find_changes(tree, kinds, complete=complete):
            change.apply()
        after = _dumped(yaml, tree)
    except YAMLError as error:
        raise NotMigratedError(f"The document cannot be rewritten: {str(error).splitlines()[0]}.") from None
    for made in (_merged(text, before, after), after):
        if _means(made, meant):
            return made
    raise NotMigratedError("The document is written in a way that cannot be rewritten without a change of meaning.")


def _round_trip(text: str) -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _NEVER_WRAP
    yaml.allow_duplicate_keys = True
    # A list may stand below its key at the key's own column, or further in.
    further = re.search(r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*\1( +)- ", text, re.MULTILINE)
    offset = len(further.group(2)) if further else 0
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    return yaml


def _merges(tree: Any) -> bool:
    """Whether a mapping takes members from another one: a change to those could not be told apart."""
    pending = [tree]
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, CommentedMap) and value.merge:
            return True
        pending.extend(value.values() if isinstance(value, dict) else value)
    return False


def _dumped(yaml: YAML, tree: Any) -> str:
    stream = io.StringIO()
    yaml.dump(tree, stream)
    return stream.getvalue()


def _merged(text: str, before: str, after: str) -> str:
    """The lines of `text`, but for those that the changes (from `before` to `after`) touch.

    Writing a document anew moves blanks and comments about. `before` is the document written anew without changes: where
    it is like `after`, the author's own lines are taken, and elsewhere the author's own indentation.
    """
    own, plain, changed = (version.splitlines(keepends=True) for version in (text, before, after))
    if len(own) > _MOST_MERGED:
        return after
    place = _places(own, plain)
    made: list[str] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, plain, changed, autojunk=False).get_opcodes():
        if tag == "equal":
            made += own[place[a] : place[b]]
        else:
            # Lines that were put in go where the line before them, or the one they replace, has its indentation.
            shift = [_indentation(own, place[index]) - _indentation(plain, index) for index in range(a, b)] or [0]
            made += [_shifted(line, shift[min(index, len(shift) - 1)]) for index, line in enumerate(changed[c:d])]
    return "".join(made)


def _places(own: list[str], plain: list[str]) -> list[int]:
    """For each line of `plain`, and for its end, where the author's lines for it begin. Blanks make no difference."""
    bare_own, bare_plain = (["".join(line.split()) for line in lines] for lines in (own, plain))
    place = [0] * (len(plain) + 1)
    for _, a, b, c, d in difflib.SequenceMatcher(None, bare_own, bare_plain, autojunk=False).get_opcodes():
        for index in range(c, d):
            place[index] = a + min(index - c, b - a)
    place[len(plain)] = len(own)
    return place


def _indentation(lines: list[str], index: int) -> int:
    line = lines[index] if index < len(lines) else ""
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, by: int) -> str:
    if by >= 0 or not line.strip():
        return " " * by + line if line.strip() else line
    return line[min(-by, _indentation([line], 0)) :]


def _means(text: str, value: Any) -> bool:
    try:
        return bool(parse(text, media="yaml").value == value)
    except InvalidDocument:
        return False
