"""A value that satisfies a JSON Schema, the same one every time: what the mock provider answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.models.sample import text_matching

_DEPTH = 12
_MOST_VALUES = 10_000
"""In one instance: a schema that refers to itself in several places would have it grow with a power of their number."""
_MAX_ITEMS = 100
_MAX_TEXT = 10_000
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1M",
    "email": "mock@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/mock",
    "uri-reference": "https://example.com/mock",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


@dataclass(slots=True)
class _Whole:
    """The schema that references are looked up in, and how many values may still be made for it."""

    schema: Any
    left: int = _MOST_VALUES


def instance_of(schema: Any) -> Any:
    """A small value for the schema. Contradictory schemas, and those that ask for too much, get a value that does not
    satisfy them."""
    return _made(schema, _Whole(schema), 0)


def _made(schema: Any, whole: _Whole, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return "mock"
    whole.left -= 1
    if depth > _DEPTH or whole.left < 0:
        return None
    if "$ref" in schema:
        return _made(_referred(whole.schema, schema["$ref"]), whole, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    for key in ("oneOf", "anyOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            rest = {name: value for name, value in schema.items() if name != key}
            return _made(_merged([rest, schema[key][0]]), whole, depth + 1)
    if isinstance(schema.get("allOf"), list):
        rest = {name: value for name, value in schema.items() if name != "allOf"}
        return _made(_merged([rest, *schema["allOf"]]), whole, depth + 1)
    return _of_type(schema, whole, depth)


def _referred(root: Any, reference: Any) -> Any:
    """What a reference into the same schema names; others are not followed."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return {}
    found = root
    for part in reference[1:].split("/"):
        if part:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _merged(schemas: list[Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for schema in schemas:
        if not isinstance(schema, Mapping):
            continue
        for key, value in schema.items():
            if key == "properties" and isinstance(value, Mapping):
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required" and isinstance(value, list):
                merged[key] = [*merged.get(key, []), *value]
            else:
                merged[key] = value
    return merged


def _of_type(schema: Mapping[str, Any], whole: _Whole, depth: int) -> Any:
    match _type(schema):
        case "object":
            return _object(schema, whole, depth)
        case "array":
            return _array(schema, whole, depth)
        case "string":
            return _text(schema)
        case "integer":
            return int(_number(schema, whole=True))
        case "number":
            return _number(schema, whole=False)
        case "boolean":
            return True
        case _:
            return None


def _type(schema: Mapping[str, Any]) -> str:
    declared = schema.get("type")
    if isinstance(declared, list):
        declared = next((name for name in declared if name != "null"), "null")
    if isinstance(declared, str):
        return declared
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema:
        return "array"
    if "minimum" in schema or "maximum" in schema:
        return "number"
    return "string"


def _object(schema: Mapping[str, Any], whole: _Whole, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    declared: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    required = [name for name in schema.get("required") or [] if isinstance(name, str)]
    # Deep inside only what must be there: a schema that contains itself would never end.
    names = [*declared] if depth < _DEPTH // 2 else [name for name in declared if name in required]
    value = {name: _made(declared[name], whole, depth + 1) for name in names}
    extra = schema.get("additionalProperties")
    for name in required:
        if name not in value:
            value[name] = _made(extra if isinstance(extra, Mapping) else {}, whole, depth + 1)
    return value


def _array(schema: Mapping[str, Any], whole: _Whole, depth: int) -> list[Any]:
    prefix = schema.get("prefixItems")
    items = [_made(item, whole, depth + 1) for item in prefix] if isinstance(prefix, list) else []
    least = _whole_number(schema.get("minItems"), 0 if depth >= _DEPTH // 2 else 1)
    most = _whole_number(schema.get("maxItems"), _MAX_ITEMS)
    while len(items) < min(max(least, 0), most, _MAX_ITEMS) and schema.get("items") is not False:
        items.append(_distinct(_made(schema.get("items", {}), whole, depth + 1), len(items), schema))
    return items


def _distinct(value: Any, index: int, schema: Mapping[str, Any]) -> Any:
    if not schema.get("uniqueItems") or index == 0:
        return value
    items = schema.get("items")
    choices = items.get("enum") if isinstance(items, Mapping) else None
    if isinstance(choices, list) and index < len(choices):
        return choices[index]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value + index
    return f"{value} {index + 1}" if isinstance(value, str) else value


def _text(schema: Mapping[str, Any]) -> str:
    least = min(_whole_number(schema.get("minLength"), 0), _MAX_TEXT)
    most = _whole_number(schema.get("maxLength"), _MAX_TEXT)
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        return text_matching(pattern, least)
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = "Mock text"
    return (text + " mock" * (-(-(least - len(text)) // 5)) if len(text) < least else text)[: max(most, 0)]


def _number(schema: Mapping[str, Any], *, whole: bool) -> float:
    step = schema.get("multipleOf")
    unit = step if isinstance(step, int | float) and step > 0 else (1 if whole else 0.5)
    low, high = (
        _bound(schema, "minimum", "exclusiveMinimum", unit),
        _bound(schema, "maximum", "exclusiveMaximum", -unit),
    )
    value = 1 if whole else 0.5
    if low is not None and value < low:
        value = low
    if high is not None and value > high:
        value = high
    return _on_grid(value, step, low, whole=whole)


def _bound(schema: Mapping[str, Any], inclusive: str, exclusive: str, unit: float) -> float | None:
    """The bound itself, or the next value inside an exclusive one."""
    if isinstance(schema.get(inclusive), int | float):
        return float(schema[inclusive])
    if isinstance(schema.get(exclusive), int | float):
        return float(schema[exclusive]) + unit
    return None


def _on_grid(value: float, step: Any, low: float | None, *, whole: bool) -> float:
    if isinstance(step, int | float) and step > 0:
        value = step * round(value / step)
        return value + step if low is not None and value < low else value
    return -(-value // 1) if whole else value


def _whole_number(value: Any, default: int) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
