"""Values of parameters of n8n as values of melodies: literals kept from being templates, expressions translated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from apps.melodies.definition.n8n.model import UntranslatableError
from apps.melodies.definition.n8n.scripts import Data, quoted, translate

LONGEST: Final = 100_000
DEEPEST: Final = 30
_MARK: Final = re.compile("\ue000([0-9]+)\ue001")
_QUOTE: Final = re.compile(r'(?<!\\)(?:\\\\)*"')
_HOLE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def literal(text: str) -> str:
    """A text that is a template nowhere."""
    return text.replace("${", "$${").replace("{{", "{{'{'}}{{'{'}}")


def literals(value: Any, depth: int = 0) -> Any:
    """The same for whatever holds texts."""
    if isinstance(value, str):
        return literal(value)
    if depth > DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {str(name): literals(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [literals(inner, depth + 1) for inner in value]
    return value


def is_script(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("=")


def text(value: Any, data: Data) -> str:
    """A text with the templates of a melody. Raises `UntranslatableError`."""
    if not isinstance(value, str):
        return "" if value is None else literal(json.dumps(value, ensure_ascii=False))
    if len(value) > LONGEST:
        raise UntranslatableError(f"a text of more than {LONGEST:,} characters")
    if not is_script(value):
        return literal(value)
    body, parts, place = value[1:], [], 0
    for hole in _HOLE.finditer(body):
        parts += [literal(body[place : hole.start()]), "{{", translate(hole[1], data), "}}"]
        place = hole.end()
    return "".join([*parts, literal(body[place:])])


def any_value(value: Any, data: Data, depth: int = 0) -> Any:
    """Any value with everything in it translated; a text that is one expression keeps the type of its value."""
    if depth > DEEPEST:
        raise UntranslatableError("a value nested too deep")
    if isinstance(value, str):
        return text(value.strip() if is_script(value) and _is_one(value) else value, data)
    if isinstance(value, Mapping):
        return {str(name): any_value(inner, data, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [any_value(inner, data, depth + 1) for inner in value]
    return value


def expression(value: Any, data: Data) -> str:
    """A value as a part of an expression of melodies."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"(0 - {-value})" if value < 0 else str(value)
    if value is None:
        return "null"
    if isinstance(value, str):
        return _of_text(value, data)
    raise UntranslatableError("a list or an object inside a condition")


def _of_text(value: str, data: Data) -> str:
    if not is_script(value):
        return quoted(value)
    body = value[1:].strip()
    if _is_one(value):
        return translate(body[2:-2], data)
    parts, place = [], 0
    for hole in _HOLE.finditer(body):
        between = body[place : hole.start()]
        parts += [*([quoted(between)] if between else []), f"text({translate(hole[1], data)})"]
        place = hole.end()
    rest = body[place:]
    parts += [quoted(rest)] if rest or not parts else []
    return parts[0] if len(parts) == 1 else f"({' + '.join(parts)})"


def _is_one(value: str) -> bool:
    """Whether a script is exactly one expression."""
    body = value[1:].strip()
    found = _HOLE.fullmatch(body)
    return found is not None and "}}" not in found[1] and "{{" not in found[1]


def json_value(value: Any, data: Data) -> Any:
    """What a field for JSON holds: text of JSON in which expressions stand, or a value."""
    if not isinstance(value, str):
        return any_value(value, data)
    if is_script(value) and _is_one(value):
        return any_value(value, data)
    if not is_script(value):
        return literals(_parsed(value))
    holes: list[str] = []
    return any_value(_refilled(_parsed(_marked(value[1:], holes)), holes), data)


def _parsed(text_of_json: str) -> Any:
    try:
        return json.loads(text_of_json)
    except (ValueError, RecursionError):
        raise UntranslatableError("a text that is no JSON") from None


def _marked(body: str, holes: list[str]) -> str:
    """JSON with a mark in place of each expression, as a text of its own where it stands outside one."""
    if _MARK.search(body):
        raise UntranslatableError("private characters in JSON")
    parts, place, inside = [], 0, False
    for hole in _HOLE.finditer(body):
        between = body[place : hole.start()]
        inside ^= len(_QUOTE.findall(between)) % 2 == 1
        mark = f"\ue000{len(holes)}\ue001"
        parts += [between, mark if inside else f'"{mark}"']
        holes.append(hole[0])
        place = hole.end()
    return "".join([*parts, body[place:]])


def _refilled(value: Any, holes: list[str], depth: int = 0) -> Any:
    """With the expressions back, and texts that hold some marked as scripts."""
    if depth > DEEPEST:
        raise UntranslatableError("a value nested too deep")
    if isinstance(value, str):
        filled = _MARK.sub(lambda found: holes[int(found[1])], value)
        return f"={filled}" if filled != value else value
    if isinstance(value, Mapping):
        return {name: _refilled(inner, holes, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_refilled(inner, holes, depth + 1) for inner in value]
    return value


__all__ = ["any_value", "expression", "is_script", "json_value", "literal", "literals", "text"]
