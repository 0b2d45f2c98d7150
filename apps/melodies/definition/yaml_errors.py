"""What libyaml complains about, in words that help."""

from __future__ import annotations

from yaml import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from .problems import Problem

_UNCLOSED = {
    "while parsing a flow sequence": "The list opened with `[` in line {line} is not closed, or a comma is missing before this place.",
    "while parsing a flow mapping": "The mapping opened with `{{` in line {line} is not closed, or a comma is missing before this place."
    " A template such as {{{{ name }}}} must stand in quotes.",
    "while scanning a quoted scalar": "The quote opened in line {line} is not closed.",
}
_SENTENCES = {
    "mapping values are not allowed in this context": "A value cannot hold `: ` unless it is in quotes; or this line is indented too far.",
    "did not find expected key": "The indentation does not fit the lines before, or a quote is missing.",
    "did not find expected '-' indicator": "An item of this list should begin with `- `, at the same indentation as the others.",
    "could not find expected ':'": "A key needs `: ` behind it.",
    "found undefined tag handle": "This tag is not known; a value that starts with `!` must stand in quotes.",
    "found incompatible YAML document": "Only YAML 1.1 and 1.2 are understood.",
    "found duplicate anchor": "This anchor is used twice.",
    "block sequence entries are not allowed in this context": "A list item cannot start here: put the list on its own lines below the key.",
}


def syntax_problem(error: YAMLError, text: str) -> Problem:
    """The problem behind an exception of the parser; `text` is the source it read."""
    if isinstance(error, ReaderError):
        # The position counts bytes of the UTF-8 form.
        before = text.encode()[: error.position].decode(errors="ignore")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return Problem(
            "invalid_character", f"This character is not allowed in YAML ({error.reason}).", "", line, column
        )
    if not isinstance(error, MarkedYAMLError):
        return Problem("syntax", f"This is not YAML: {error}")
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem("syntax", f"This is not YAML: {error.problem}")
    return Problem("syntax", _sentence(error, _line(text, mark.line), mark.column), "", mark.line + 1, mark.column + 1)


def _line(text: str, number: int) -> str:
    lines = text.split("\n", number + 1)
    return lines[number] if number < len(lines) else ""


def _sentence(error: MarkedYAMLError, line: str, column: int) -> str:
    problem = error.problem or ""
    unclosed = _UNCLOSED.get(error.context or "")
    if unclosed and error.context_mark is not None and ("end of stream" in problem or "expected ','" in problem):
        return unclosed.format(line=error.context_mark.line + 1)
    if problem == "found character that cannot start any token":
        character = line[column : column + 1]
        if character == "\t":
            return "A tab stands in the indentation; YAML allows only blanks there."
        return f"A value cannot start with `{character}` unless it is in quotes."
    if problem in _SENTENCES:
        return _SENTENCES[problem]
    context = f"{error.context}, " if error.context else ""
    return f"This is not YAML: {context}{problem}."
