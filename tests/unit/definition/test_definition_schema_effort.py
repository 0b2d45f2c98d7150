"""Schemas that could be checked for ever are refused before anybody begins."""

from __future__ import annotations

from typing import Any

import pytest

from apps.melodies.definition.schema_effort import SchemaTooHard, check_effort


def chain(reference: str, own: str = "", levels: int = 40) -> dict[str, Any]:
    """Each level says the next one twice. `reference` and `own` are made of the level's number."""
    last = {"type": "string"}
    return {
        f"a{level}": ({own: reference.removeprefix("#").format(level)} if own else {})
        | ({"allOf": [{"$ref": reference.format(level + 1)}] * 2} if level < levels else last)
        for level in range(levels + 1)
    }


HOSTILE: dict[str, dict[str, Any]] = {
    "pointers": {"$defs": chain("#/$defs/a{}"), "$ref": "#/$defs/a0"},
    "escaped pointers": {"$defs": chain("#/%24defs/a{}"), "$ref": "#/%24defs/a0"},
    "anchors": {"$defs": chain("#a{}", "$anchor"), "$ref": "#a0"},
    "dynamic anchors": {"$defs": chain("#a{}", "$dynamicAnchor"), "$dynamicRef": "#a0"},
    "ids": {"$defs": chain("http://x/a{}", "$id"), "$ref": "http://x/a0"},
    "the schema's own id": {"$id": "http://x/r", "$defs": chain("r#/$defs/a{}"), "$ref": "r#/$defs/a0"},
    "pointers below another id": {
        "$defs": {"s": {"$id": "http://x/s", "$defs": chain("#/$defs/a{}"), "$ref": "#/$defs/a0"}},
        "$ref": "#/$defs/s",
    },
    "pointers below an id of draft 4": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "allOf": [{"id": "http://x/s", "definitions": chain("#/definitions/a{}"), "$ref": "#/definitions/a0"}],
    },
    "a property with the name of a keyword": {
        "properties": {"$defs": {"$ref": "#/$defs/a0"}, "const": {"$ref": "#/$defs/a0"}},
        "$defs": chain("#/$defs/a{}"),
    },
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_a_schema_that_doubles_itself_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaTooHard):
        check_effort(schema, {"$defs": "x", "const": "x"})


@pytest.mark.parametrize(
    "schema",
    [
        {"$id": "http://x/r", "$defs": {"name": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/name"}}},
        {"properties": {"id": {"type": "string"}, "$id": {"type": "string"}, "$ref": {"type": "string"}}},
        {"const": {"$ref": "elsewhere", "$id": "it"}},
        {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"},
    ],
)
def test_an_honest_one_is_not(schema: dict[str, Any]) -> None:
    value: Any = "end"
    for _ in range(150):
        value = {"next": value}
    check_effort(schema, value)
