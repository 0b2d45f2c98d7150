"""The operations of the schema, as a client's author would list them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clients.generate.types import annotation, class_name, identifier

Schema = Mapping[str, Any]
_METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    """As the server calls it."""
    type: str
    required: bool = False

    @property
    def argument(self) -> str:
        return identifier(self.name)


@dataclass(frozen=True, slots=True)
class Body:
    """`fields` of an object, else the body as a whole."""

    fields: tuple[Parameter, ...]
    media: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not self.fields


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    name: str
    """Of the method, below its tag."""
    tag: str
    method: str
    path: str
    summary: str
    in_path: tuple[Parameter, ...]
    in_query: tuple[Parameter, ...]
    idempotent: bool
    conditional: bool
    body: Body | None
    result: str
    """The annotation of the answer; "None" for none, "bytes" for anything but JSON."""
    item: str | None
    """What a page holds, of a list in pages."""
    streams: bool


def operations(document: Schema) -> list[Operation]:
    return [
        _operation(document, method, path, described)
        for path, methods in sorted(document["paths"].items())
        for method, described in methods.items()
        if method in _METHODS
    ]


def _operation(document: Schema, method: str, path: str, described: Schema) -> Operation:
    tag = identifier(described.get("tags", ["other"])[0])
    parameters = described.get("parameters", ())
    names = {each["name"].lower() for each in parameters if each["in"] == "header"}
    media, schema = _answer(described)
    item = _item(document, schema)
    return Operation(
        id=described["operationId"],
        name=identifier(described["operationId"].removeprefix(f"{tag}_")),
        tag=tag,
        method=method,
        path=path,
        summary=described.get("summary", ""),
        # In the order of the address, whatever the order of the schema is.
        in_path=tuple(
            _parameter(each, required=True)
            for name in re.findall(r"\{(\w+)\}", path)
            for each in parameters
            if each["in"] == "path" and each["name"] == name
        ),
        in_query=tuple(_parameter(each) for each in parameters if each["in"] == "query"),
        idempotent="idempotency-key" in names,
        conditional="if-match" in names,
        body=_body(document, described),
        result=_result(media, schema),
        item=annotation(item) if item is not None else None,
        streams=media == "text/event-stream",
    )


def _parameter(each: Schema, *, required: bool = False) -> Parameter:
    return Parameter(each["name"], annotation(each.get("schema", {})), required or bool(each.get("required")))


def _answer(described: Schema) -> tuple[str, Schema]:
    """Media type and schema of what a success brings; "" when it brings nothing."""
    for status in sorted(described["responses"]):
        content = described["responses"][status].get("content", {})
        if status.startswith("2") and content:
            # Of several the request decides which it is: then it is bytes.
            media = next(iter(content)) if len(content) == 1 else "*/*"
            return media, next(iter(content.values())).get("schema", {})
    return "", {}


def _result(media: str, schema: Schema) -> str:
    if not media:
        return "None"
    return annotation(schema) if "json" in media else "bytes"


def _item(document: Schema, schema: Schema) -> Schema | None:
    properties = resolved(document, schema).get("properties", {})
    if set(properties) >= {"results", "next"}:
        found: Schema = properties["results"].get("items", {})
        return found
    return None


def _body(document: Schema, described: Schema) -> Body | None:
    content = described.get("requestBody", {}).get("content", {})
    if not content:
        return None
    media = tuple(content)
    schema = resolved(document, content[media[0]].get("schema", {}))
    properties = schema.get("properties", {}) if len(media) == 1 else {}
    required = schema.get("required", ())
    fields = (
        Parameter(name, annotation(inner), name in required)
        for name, inner in properties.items()
        if not inner.get("readOnly")
    )
    return Body(tuple(fields), media)


def resolved(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def needed(document: Schema) -> dict[str, Schema]:
    """Components by class name; those of requests are arguments and no classes, pages are iterators."""
    found: dict[str, Schema] = {}
    todo = [
        _answer(described)[1]
        for methods in document["paths"].values()
        for method, described in methods.items()
        if method in _METHODS
    ]
    todo += [body["content"][next(iter(body["content"]))].get("schema", {}) for body in _bodies(document)]
    seen: set[str] = set()
    while todo:
        for name in _references(todo.pop()):
            if name not in seen:
                seen.add(name)
                component = document["components"]["schemas"][name]
                found[class_name(name)] = component
                todo.append(component)
    return dict(sorted(found.items()))


def _bodies(document: Schema) -> list[Schema]:
    described = (
        each for methods in document["paths"].values() for each in methods.values() if isinstance(each, Mapping)
    )
    # What a request's own object refers to; not the object itself.
    return [
        {"content": {"": {"schema": {"inner": resolved(document, content.get("schema", {}))}}}}
        for each in described
        for content in each.get("requestBody", {}).get("content", {}).values()
    ]


def _references(schema: Any) -> list[str]:
    if isinstance(schema, Mapping):
        own = [schema["$ref"].rpartition("/")[2]] if isinstance(schema.get("$ref"), str) else []
        return own + [name for value in schema.values() for name in _references(value)]
    if isinstance(schema, (list, tuple)):
        return [name for value in schema for name in _references(value)]
    return []
