"""`${NAME}` and `${NAME:-default}`: variables of the worker's environment that the operator lets melodies read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.limits import MAX_TEXT_CHARS, MAX_VALUE_DEPTH
from apps.melodies.definition.expressions.values import is_list

WRITTEN: Final = r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?\}"
"""The pattern of one such variable."""

_WRITTEN_OR_ESCAPED = re.compile(r"\$?" + WRITTEN)


def read_environment(name: str, default: str | None, environment: Mapping[str, Any], position: int = 0) -> str:
    """The variable's value. As in a shell, a default also stands in for an empty text."""
    value = environment.get(name)
    if value is None and default is None:
        message = (
            f"The environment variable {name} is not set, or not named in SYMPHONY_MELODY_ENVIRONMENT;"
            f" give a default like ${{{name}:-text}}, or write $${{{name}}} for the signs themselves"
        )
        raise ExpressionError(message, position)
    return str(value) if value or default is None else default


def parts_of(written: str) -> tuple[str, str | None]:
    """The name and the default in `${NAME:-default}`."""
    name, colon, default = written[2:-1].partition(":-")
    return name, default if colon else None


def expand_environment(value: Any, environment: Mapping[str, Any], *, depth: int = 0) -> Any:
    """A JSON value with the `${NAME}` in its strings filled in, and nothing else: `{{...}}` stays as it is written."""
    if isinstance(value, str):
        return _expanded(value, environment) if "${" in value else value
    if not isinstance(value, Mapping) and not is_list(value):
        return value
    if depth >= MAX_VALUE_DEPTH:
        raise ExpressionError(f"The value nests deeper than {MAX_VALUE_DEPTH} levels; flatten it", 0, "")
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    entries: list[tuple[Any, Any]] = []
    for key, entry in pairs:
        try:
            entries.append((key, expand_environment(entry, environment, depth=depth + 1)))
        except ExpressionError as error:
            raise error.below(key) from None
    return dict(entries) if isinstance(value, Mapping) else [entry for _, entry in entries]


def _expanded(text: str, environment: Mapping[str, Any]) -> str:
    def filled(found: re.Match[str]) -> str:
        if found.group().startswith("$$"):
            return found.group()[1:]
        try:
            return read_environment(*parts_of(found.group()), environment)
        except ExpressionError as error:
            raise error.inside(text, found.start()) from None

    written = _WRITTEN_OR_ESCAPED.sub(filled, text)
    if len(written) > MAX_TEXT_CHARS:
        raise ExpressionError(f"The text would be longer than {MAX_TEXT_CHARS} characters", 0, text)
    return written
