"""The values of plain scalars and keys, by the core schema of YAML 1.2: `on`, `yes` and dates stay text."""

from __future__ import annotations

import math
import re

from yaml.events import ScalarEvent

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_BASE = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_NUMBER_STARTS = frozenset("+-.0123456789")
_LONGEST_NUMBER = 1000
_CORE = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)}


class BadScalarError(ValueError):
    """This scalar has no value in JSON; the message says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def plain_value(text: str) -> Scalar:
    """What an unquoted scalar means."""
    if text[:1] in _NUMBER_STARTS:
        return _number(text)
    return _WORDS.get(text, text)


def _number(text: str) -> Scalar:
    if _INTEGER.match(text) or _OTHER_BASE.match(text):
        if len(text) > _LONGEST_NUMBER:
            raise BadScalarError(
                "invalid_number", f"A number of {len(text)} digits is too long; put it in quotes to keep it as text."
            )
        return int(text, 10) if text[:2] not in ("0o", "0x") else int(text, 0)
    if _FLOAT.match(text):
        number = float(text)
        if math.isinf(number):
            raise BadScalarError(
                "invalid_number", f"{text[:40]} is too large for a number; put it in quotes to keep it as text."
            )
        return number
    if _NOT_FINITE.match(text):
        raise BadScalarError("invalid_number", f"{text} is not a JSON number; put it in quotes to keep it as text.")
    return text


def scalar_value(event: ScalarEvent) -> Scalar:
    """The value of any scalar, its tag considered."""
    text: str = event.value
    if event.implicit[0]:
        return plain_value(text)
    if "\0" in text:
        raise BadScalarError("invalid_character", "NUL cannot be stored in text.")
    tag = event.tag
    if tag is None or tag in ("!", _CORE + "str"):
        return text
    expected = _TYPES.get(tag.removeprefix(_CORE)) if tag.startswith(_CORE) else None
    if expected is None:
        raise refused_tag(tag)
    value = plain_value(text)
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        raise BadScalarError("invalid_tag", f"{text[:40]!r} does not fit its tag !!{tag.removeprefix(_CORE)}.")
    return value


def key_text(event: ScalarEvent) -> str:
    """A key as text: numbers, booleans and null as JSON writes them, so that `1` and `"1"` are the same switch case."""
    if not event.implicit[0]:
        if "\0" in event.value:
            raise BadScalarError("invalid_character", "NUL cannot be stored in text.")
        if event.tag is not None and event.tag not in ("!", _CORE + "str"):
            raise refused_tag(event.tag)
        return str(event.value)
    try:
        value = plain_value(event.value)
    except BadScalarError:
        return str(event.value)
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def check_collection_tag(tag: str | None, kind: str) -> None:
    """Refuse any tag on a mapping ("map") or list ("seq") but its own."""
    if tag is not None and tag not in ("!", _CORE + kind):
        raise refused_tag(tag)


def refused_tag(tag: str) -> BadScalarError:
    """The error for a tag that would need code or types beyond JSON."""
    shown = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
    return BadScalarError(
        "refused_tag", f"The tag {shown[:80]} is not allowed: a melody holds only text, numbers, lists and mappings."
    )
