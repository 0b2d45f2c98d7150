"""Values made for a schema satisfy it; hostile schemas cost nothing."""

from __future__ import annotations

import re
from time import perf_counter
from typing import Any

import jsonschema_rs
import pytest

from workers.models.instance import instance_of
from workers.models.sample import text_matching

SCHEMAS: list[Any] = [
    {},
    True,
    {"type": "string", "minLength": 20, "maxLength": 25},
    {"type": "string", "maxLength": 2},
    {"type": "string", "format": "email"},
    {"type": "string", "pattern": r"^[A-Z]{2,}-\d+$", "minLength": 8},
    {"type": "integer", "minimum": 10, "multipleOf": 7},
    {"type": "integer", "exclusiveMinimum": 5},
    {"type": "integer", "maximum": -3},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "number", "minimum": 2.5, "maximum": 2.75},
    {"type": ["null", "boolean"]},
    {"enum": ["low", "high"]},
    {"const": {"a": [1]}},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    {"type": "array", "maxItems": 0},
    {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    {"oneOf": [{"required": ["a"], "properties": {"a": {"type": "integer"}}}, {"type": "null"}]},
    {"allOf": [{"required": ["a"]}, {"properties": {"a": {"type": "boolean"}}}], "type": "object"},
    {"type": "object", "required": ["undeclared"], "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
    {
        "$defs": {
            "node": {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}}}
        },
        "$ref": "#/$defs/node",
    },
    {"$defs": {"a/b": {"type": "integer"}}, "properties": {"x": {"$ref": "#/$defs/a~1b"}}},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_instances_satisfy_their_schema(schema: Any) -> None:
    value = instance_of(schema)
    jsonschema_rs.validate(schema, value)
    assert value == instance_of(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "other.json"},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**12},
        {"type": "string", "pattern": "(" * 5000},
        {"type": "string", "pattern": "a{99999}{99999}{99999}"},
        {"type": "string", "pattern": "(((a{2000}){2000}){2000})"},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"properties": {str(n): {"$ref": "#"} for n in range(3)}, "required": ["0", "1", "2"]},
        {"properties": {str(n): {"$ref": "#"} for n in range(30)}, "required": [str(n) for n in range(30)]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 100},
        {"type": 5, "enum": [], "required": "no", "properties": []},
        {"minimum": "no", "maxItems": "no", "type": ["array"]},
    ],
    ids=lambda schema: str(schema)[:40],
)
def test_hostile_schemas_end_soon(schema: Any) -> None:
    began = perf_counter()
    instance_of(schema)
    assert perf_counter() - began < 3


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}-\d+$",
        r"^(foo|bar)[^abc]{2,4}\.x?$",
        r"^v\d+\.\d+\.\d+$",
        r"^[\w-]+@[\w.]+$",
        r"(?P<x>a+)(?:b|c)\Z",
        r"^#[0-9a-fA-F]{6}$",
        r"^[^\s]+$",
        r"[]a]+",
        r"^\S+\s\W$",
        "",
    ],
)
def test_texts_match_their_pattern(pattern: str) -> None:
    assert re.search(pattern, text_matching(pattern))
    assert re.search(pattern, text_matching(pattern, 30))


@pytest.mark.parametrize("pattern", ["(", "[a-", "a{2,", "(?", "(?P<", "\\", "*", "(?=x)y", "a" * 10_000])
def test_patterns_that_are_none_do_no_harm(pattern: str) -> None:
    assert len(text_matching(pattern)) <= 2000
