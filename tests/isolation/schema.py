"""The OpenAPI schema as a list of operations, and requests made from it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_BY_FORMAT: Final[dict[str, Any]] = {
    "date-time": "2030-01-01T00:00:00Z",
    "date": "2030-01-01",
    "time": "00:00:00",
    "email": "somebody@example.org",
    "uri": "https://example.org/",
    "uuid": "01900000-0000-7000-8000-000000000000",
    "decimal": "1",
    "binary": "eA==",
    "byte": "eA==",
    "ipv4": "192.0.2.1",
}

_UUID_LENGTH: Final = 36

Known = Callable[[str], Any | None]
"""What a property or parameter of this name is to be; None when anything will do."""


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    described: Mapping[str, Any]

    @property
    def writes(self) -> bool:
        return self.method != "get"

    @property
    def is_public(self) -> bool:
        """Whether nobody has to say who they are."""
        security = self.described.get("security")
        return not security or {} in security

    def parameters(self, where: str) -> list[Mapping[str, Any]]:
        return [each for each in self.described.get("parameters", ()) if each["in"] == where]

    def body(self, known: Known) -> tuple[Any, str] | None:
        """A body that fits the schema, as far as a schema says, and its media type."""
        content = self.described.get("requestBody", {}).get("content", {})
        if not content:
            return None
        media = next((name for name in content if "json" in name), next(iter(content)))
        return example(content[media].get("schema", {}), known), media


@cache
def document() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


@cache
def operations() -> tuple[Operation, ...]:
    return tuple(
        Operation(described["operationId"], method, path, described)
        for path, methods in document()["paths"].items()
        for method, described in methods.items()
        if method in _METHODS
    )


def example(schema: Mapping[str, Any], known: Known, name: str = "") -> Any:
    """The smallest value that fits; optional properties only where `known` has something to say about them."""
    schema = _resolved(schema)
    kind = _kind(schema)
    if _is_key(schema) and (value := known(name)) is not None:
        return value
    for key in ("const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    if schema.get("enum"):
        return next(value for value in schema["enum"] if value not in ("", None))
    if kind == "object":
        return dict(_properties(schema, known))
    if kind == "array":
        wanted = max(int(schema.get("minItems", 0)), 1)
        return [example(schema.get("items", {}), known, name)] * wanted
    return _scalar(kind, schema)


def _is_key(schema: Mapping[str, Any]) -> bool:
    free = schema.get("format", "") in {"", "uuid"} and "enum" not in schema
    return _kind(schema) == "string" and free and schema.get("maxLength", _UUID_LENGTH) >= _UUID_LENGTH


def _properties(schema: Mapping[str, Any], known: Known) -> Iterator[tuple[str, Any]]:
    required = schema.get("required", ())
    written = {
        name: inner for name, inner in schema.get("properties", {}).items() if not _resolved(inner).get("readOnly")
    }
    # A change of nothing would be let through before anybody asks who makes it.
    required = required or list(written)[:1]
    for name, inner in written.items():
        plain = _resolved(inner)
        items = _resolved(plain.get("items", {}))
        meant = (_is_key(plain) or _is_key(items)) and known(name) is not None
        if name in required or meant:
            yield name, example(inner, known, name)


def _scalar(kind: str, schema: Mapping[str, Any]) -> Any:
    if kind in {"integer", "number"}:
        return max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    if kind == "string":
        text = _BY_FORMAT.get(schema.get("format", ""), "example")
        return text.ljust(int(schema.get("minLength", 0)), "x")[: int(schema.get("maxLength", 1000))]
    return {}


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without references; of alternatives the first that says something; of parts the sum."""
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for key in ("oneOf", "anyOf"):
        if key in schema:
            first = next(each for each in schema[key] if each.get("type") != "null" and each.get("enum") != [""])
            return _resolved(first)
    if "allOf" in schema:
        parts = [_resolved(each) for each in schema["allOf"]]
        merged: dict[str, Any] = {key: value for part in parts for key, value in part.items()}
        return merged | {
            "properties": {key: value for part in parts for key, value in part.get("properties", {}).items()}
        }
    return schema


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "")
    return kind if isinstance(kind, str) else next(each for each in kind if each != "null")


def is_list(operation: Operation) -> bool:
    """Whether it answers in pages."""
    content = operation.described["responses"].get("200", {}).get("content", {})
    properties = _resolved(content.get("application/json", {}).get("schema", {})).get("properties", {})
    return operation.method == "get" and set(properties) >= {"results", "next"}
