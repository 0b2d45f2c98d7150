"""What a JSON schema is as a type of Python."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import Any, Final

_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_FORMATS: Final = {
    "date-time": "datetime",
    "date": "date",
    "uuid": "UUID",
    "decimal": "Decimal",
    "binary": "bytes",
}
# Names a pydantic model has already.
_TAKEN: Final = {"schema", "json", "copy", "dict", "construct", "validate", "fields", "register"}


def annotation(schema: Mapping[str, Any], *, quoted: bool = False) -> str:
    """The annotation of a value; components by their names."""
    if "$ref" in schema:
        return class_name(schema["$ref"].rpartition("/")[2])
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return _union(annotation(each) for each in schema[key])
    if "allOf" in schema:
        return annotation(schema["allOf"][0]) if len(schema["allOf"]) == 1 else "dict[str, Any]"
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return literal(schema["enum"])
    kinds = schema.get("type", "object" if "properties" in schema else None)
    kinds = [kinds] if isinstance(kinds, str) or kinds is None else kinds
    return _union(_one(kind, schema) for kind in kinds)


def _one(kind: str | None, schema: Mapping[str, Any]) -> str:
    if kind is None:
        return "Any"
    if kind == "array":
        return f"list[{annotation(schema.get('items', {}))}]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {annotation(inner) if isinstance(inner, Mapping) and inner else 'Any'}]"
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), "str")
    return _PLAIN[kind]


def literal(values: list[Any]) -> str:
    """Known values, and whatever a newer server may say."""
    said = [value for value in values if value is not None]
    if not said:
        return "None"
    known = f"Literal[{', '.join(repr(value) for value in said)}]"
    open_ended = f"{known} | str" if all(isinstance(value, str) for value in said) else known
    return open_ended + (" | None" if None in values else "")


def _union(parts: Any) -> str:
    found = list(dict.fromkeys(piece for part in parts for piece in _split(part)))
    if "Any" in found:
        return "Any"
    return " | ".join([each for each in found if each != "None"] + ["None"] * ("None" in found))


def _split(text: str) -> list[str]:
    """The members of a union, brackets kept whole."""
    found, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign == "[") - (sign == "]")
        if depth == 0 and text.startswith(" | ", place):
            found.append(text[start:place])
            start = place + 3
    return [*found, text[start:]]


def class_name(name: str) -> str:
    return name[0].upper() + name[1:]


def identifier(name: str) -> str:
    """A name for an argument or an attribute."""
    plain = re.sub(r"\W+", "_", name).strip("_")
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
    taken = keyword.iskeyword(plain) or plain in _TAKEN or plain.startswith("model_")
    return f"{plain}_" if taken or not plain.isidentifier() else plain
