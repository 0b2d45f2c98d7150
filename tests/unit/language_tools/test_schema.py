from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from apps.melodies.definition import InvalidDocument, StepKind, load_value, parse, validate
from apps.melodies.definition.common_fields import UNDERSTOOD
from apps.melodies.definition.defaults import FIELDS as DEFAULTS
from apps.melodies.definition.params import own_names
from apps.melodies.definition.policy_fields import CACHE_KEYS, RETRY_KEYS
from apps.melodies.definition.schema import SCHEMA_ID, as_text, kind_schema, melody_schema
from apps.melodies.definition.schema_common import COMMON_DEFS, COMMON_FIELDS
from apps.melodies.definition.schema_examples import EXAMPLES as SNIPPETS
from apps.melodies.definition.schema_workflow import WORKFLOW_DEFS, WORKFLOW_FIELDS
from apps.melodies.definition.workflow import FIELDS
from apps.melodies.definition.workflow_limits import LIMITS, SAFETY

from .conftest import CORPUS, EXAMPLES

Kinds = Mapping[str, StepKind]


@pytest.fixture(scope="module")
def schema(kinds: Kinds) -> dict[str, Any]:
    return melody_schema(kinds)


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema)


def test_the_schema_is_one(schema: dict[str, Any], kinds: Kinds) -> None:
    jsonschema_rs.meta.validate(schema)
    assert (schema["$id"], schema["$schema"]) == (SCHEMA_ID, "https://json-schema.org/draft/2020-12/schema")
    assert as_text(schema) == as_text(melody_schema(dict(reversed(kinds.items()))))


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for member in value.values() for found in references(member)]
        return [found for member in value for found in references(member)] if isinstance(value, list) else []

    named = {reference.removeprefix("#/$defs/") for reference in references(schema)}
    assert named == schema["$defs"].keys()


@pytest.mark.parametrize("file", [*EXAMPLES, *CORPUS], ids=lambda file: "-".join(file.parts[-2:]))
def test_what_the_language_accepts_fits(
    file: Path, kinds: Kinds, validator: jsonschema_rs.Draft202012Validator
) -> None:
    try:
        parsed = parse(file.read_bytes())
        validate(parsed, kinds)
    except InvalidDocument:
        assert file in CORPUS, "an example must be valid"
        return
    assert [str(error) for error in validator.iter_errors(parsed.value)] == []


def test_each_kind_has_an_example_that_is_valid(kinds: Kinds, validator: jsonschema_rs.Draft202012Validator) -> None:
    assert SNIPPETS.keys() == kinds.keys()
    for name, step in SNIPPETS.items():
        document = {"workflow": {"name": "example", "steps": [{"name": "other", "type": "test_echo"}, step]}}
        assert load_value(document, kinds).warnings == (), name
        assert validator.is_valid(document), name


def test_it_knows_all_fields_the_language_reads(schema: dict[str, Any], kinds: Kinds) -> None:
    assert COMMON_FIELDS.keys() == UNDERSTOOD
    assert WORKFLOW_FIELDS.keys() == FIELDS
    assert WORKFLOW_DEFS["resource_limits"]["properties"].keys() == LIMITS
    assert WORKFLOW_DEFS["safety"]["properties"].keys() == SAFETY
    assert WORKFLOW_DEFS["defaults"]["properties"].keys() == DEFAULTS
    assert COMMON_DEFS["retry"]["anyOf"][2]["properties"].keys() == set(RETRY_KEYS)
    assert COMMON_DEFS["cache"]["anyOf"][1]["properties"].keys() == set(CACHE_KEYS)
    for name, kind in kinds.items():
        fields = schema["$defs"][f"step.{name}"]["properties"].keys()
        assert fields >= own_names(kind.params) | {body.name for body in kind.bodies} | UNDERSTOOD


def _described(schema: Any) -> bool:
    return "description" in schema or "$ref" in schema


def test_fields_say_what_they_are(schema: dict[str, Any]) -> None:
    for name, field in {**COMMON_FIELDS, **WORKFLOW_FIELDS}.items():
        assert _described(field), name


def step(**fields: Any) -> dict[str, Any]:
    return {"name": "it", **fields}


@pytest.mark.parametrize(
    "wrong",
    [
        step(type="test_eco"),
        step(),
        {"type": "test_echo"},
        step(type="test_echo", name=""),
        step(type="test_echo", name=7),
        step(type="test_echo", condition=7),
        step(type="test_echo", condition={"and": "a"}),
        step(type="test_echo", condition={"nor": []}),
        step(type="test_echo", depends_on=[{"step": "a", "on": "fire"}]),
        step(type="test_echo", depends_on=[{"on": "success"}]),
        step(type="test_echo", join="some"),
        step(type="test_echo", join=0),
        step(type="test_echo", timeout_seconds=0),
        step(type="test_echo", timeout_seconds="long"),
        step(type="test_echo", continue_on_error="yes"),
        step(type="test_echo", retry={"max_retries": -1}),
        step(type="test_echo", retry={"backoff": "wild"}),
        step(type="test_echo", retry={"tries": 3}),
        step(type="test_echo", on_error="laugh"),
        step(type="test_echo", on_error=[{"name": "x"}]),
        step(type="test_echo", cache={"for": 3}),
        step(type="test_echo", fail="maybe"),
        step(type="for_loop", iterator="x", data_source=[1]),
        step(type="for_loop", iterator="x", data_source=[1], steps=[]),
        step(type="for_loop", iterator="x", data_source=[1], steps=[step(type="nothing")]),
        step(type="for_loop", iterator="x", data_source=[1], steps=[step(type="test_echo")], max_parallel=0),
        step(type="switch", expression="a", cases={"x": step(type="test_echo")}),
        step(type="switch", expression="a", cases={"x": [step(type="nothing")]}),
        step(type="pipeline", pipeline={"steps": [step(type="nothing")]}),
        step(type="pipeline", pipeline={"workflow": {"steps": [step(type="nothing")]}}),
        step(type="data_transform", input_source="a", operations=[{"operation": "melt"}]),
        step(type="data_transform", input_source="a", operations=[{"operation": "sort", "order": "up"}]),
        step(type="file_ops", operation="explode", path="a"),
        step(type="wait", seconds="long"),
        step(type="claude"),
        step(type="claude", prompt=7),
        step(type="claude", prompt=[{"type": "static"}]),
        step(type="claude", prompt=[{"type": "song", "content": "a"}]),
        step(type="gemini", prompt="a", token_budget={"max_output_tokens": 0}),
        step(type="set_variable", variables=[1]),
        step(type="codebase_query", queries=[]),
        step(type="http", url=""),
    ],
    ids=str,
)  # fmt: skip
def test_steps_of_the_wrong_shape_are_refused(
    wrong: dict[str, Any], kinds: Kinds, validator: jsonschema_rs.Draft202012Validator
) -> None:
    document = {"workflow": {"name": "wrong", "steps": [wrong]}}
    assert not validator.is_valid(document)
    with pytest.raises(InvalidDocument):
        load_value(document, kinds)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a"},
        {"steps": [step(type="test_echo")]},
        {"name": "a", "steps": []},
        {"name": "a", "steps": {}},
        {"name": "a", "steps": [step(type="test_echo")], "mode": "random"},
        {"name": "a", "steps": [step(type="test_echo")], "variables": []},
        {"name": "a", "steps": [step(type="test_echo")], "connections": [{"from": "it"}]},
        {"name": "a", "steps": [step(type="test_echo")], "resource_limits": {"max_total_steps": "many"}},
        {"name": "a", "steps": [step(type="test_echo")], "safety": {"allow_network": "no"}},
        {"name": "a", "steps": [step(type="test_echo")], "environment": {"mode": "wild"}},
        {"name": "a", "steps": [step(type="test_echo")], "gemini_functions": {"f": {"description": "x"}}},
        {"name": "a", "steps": [step(type="test_echo")], "defaults": {"timeout_seconds": -1}},
    ],
    ids=str,
)
def test_workflows_of_the_wrong_shape_are_refused(
    wrong: dict[str, Any], kinds: Kinds, validator: jsonschema_rs.Draft202012Validator
) -> None:
    assert not validator.is_valid({"workflow": wrong})
    with pytest.raises(InvalidDocument):
        load_value({"workflow": wrong}, kinds)


def test_templates_stand_where_the_engine_allows_them(validator: jsonschema_rs.Draft202012Validator) -> None:
    loop = step(type="for_loop", iterator="x", data_source="{{inputs.list}}", steps=[step(type="test_echo")])
    for fields in ({"max_parallel": "{{inputs.n}}"}, {"parallel": "${PARALLEL:-true}"}):
        assert validator.is_valid({"workflow": {"name": "a", "steps": [loop | fields]}})
    assert not validator.is_valid({"workflow": {"name": "a", "steps": [loop | {"max_parallel": "three"}]}})


def test_a_stranger_is_a_warning_to_editors(
    schema: dict[str, Any], validator: jsonschema_rs.Draft202012Validator
) -> None:
    """As it is to the language: a field nobody knows is kept and has no effect."""
    assert validator.is_valid({"workflow": {"name": "a", "steps": [step(type="test_echo", colour="red")]}})
    assert "step type test_echo" in schema["$defs"]["step.test_echo"]["additionalProperties"]["deprecationMessage"]


def test_the_schema_of_one_kind(kinds: Kinds) -> None:
    schema = kind_schema(kinds, "for_loop")
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid(SNIPPETS["for_loop"])
    assert not validator.is_valid(SNIPPETS["wait"])
    assert len(as_text(kind_schema(kinds, "wait"), indent=None)) < len(as_text(melody_schema(kinds), indent=None))
    with pytest.raises(KeyError):
        kind_schema(kinds, "nothing")
