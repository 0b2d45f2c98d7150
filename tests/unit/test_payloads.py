"""Payloads against schemas, both of strangers."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from apps.executions.payloads import MOST_PROBLEMS, SchemaBroken, problems_of


def test_where_and_what() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"b/c": {"items": {"type": "integer"}}}}
    found = problems_of(schema, {"b/c": [1, "x"]})
    assert sorted(problem["pointer"] for problem in found) == ["", "/b~1c/1"]
    assert all(problem["message"] for problem in found)
    assert problems_of(schema, {"a": 1, "b/c": [2]}) == []
    assert problems_of(True, {"any": "thing"}) == []
    assert len(problems_of(False, 1)) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "https://example.org/x.json"},
        {"$ref": "file:///etc/passwd"},
        {"pattern": "("},
        {"$ref": "#/nowhere"},
    ],
)
def test_schemas_nothing_can_be_checked_against(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaBroken):
        problems_of(schema, "x")


def doubled(times: int) -> dict[str, Any]:
    steps = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(times)}
    return {"$ref": "#/$defs/d0", "$defs": {**steps, f"d{times}": {"type": "string"}}}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_schemas_that_would_take_for_ever() -> None:
    started = process_time()
    for schema, value in (
        (doubled(30), 1),
        ({"$ref": "#/a", "a": {"anyOf": [{"$ref": "#/b"}] * 300}, "b": {"anyOf": [{"type": "string"}] * 300}}, 1),
        ({"items": nested(500)}, 1),
    ):
        with pytest.raises(SchemaBroken):
            problems_of(schema, value)
    assert process_time() - started < 2


@pytest.mark.parametrize(
    "schema",
    [
        doubled(8),
        {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#"}}]},
        {"anyOf": [{"type": "integer"}, {"items": {"$ref": "#"}}, {"additionalProperties": {"$ref": "#"}}]},
        {"$ref": "#"},
        {"not": {"not": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": ["integer", "array"]}}},
    ],
)
def test_references_are_fine_otherwise(schema: dict[str, Any]) -> None:
    started = process_time()
    problems_of(schema, nested(8))
    assert process_time() - started < 1


def test_bounded() -> None:
    started = process_time()
    assert problems_of({"pattern": "^(a+)+$"}, "a" * 50_000 + "!")
    assert len(problems_of({"items": {"type": "string"}}, list(range(100_000)))) == MOST_PROBLEMS
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    assert problems_of({"$defs": {"l": {"items": {"$ref": "#/$defs/l"}}}, "$ref": "#/$defs/l"}, deep) == []
    assert process_time() - started < 5


FORKED = {"anyOf": [{"type": "number"}, {"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]}


@pytest.mark.parametrize("schema", [FORKED, {"$defs": {"a": FORKED}, "$ref": "#/$defs/a"}])
def test_a_payload_that_makes_it_too_hard_does_not_fit(schema: dict[str, Any]) -> None:
    started = process_time()
    assert problems_of(schema, nested(2)) == []
    (problem,) = problems_of(schema, nested(60))
    assert "cannot be checked" in problem["message"]
    assert process_time() - started < 1
