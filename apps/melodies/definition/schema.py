"""The JSON Schema of the language, for editors: made from the models of the step kinds that are registered.

Draft 2020-12, but nothing in it that a tool of draft 7 would not understand. Steps are told apart by `type`: the schema
of each kind lists the common fields and its own ones and no others, so an editor completes exactly what may stand there.
It looks at shapes only; names that lead nowhere, circles and the like are found by validation alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from .kinds import BodyField, StepKind
from .schema_common import COMMON_DEFS, COMMON_FIELDS, STEP_LIST
from .schema_examples import EXAMPLES
from .schema_workflow import WORKFLOW_DEFS, WORKFLOW_FIELDS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_ID: Final = "urn:symphony:schema:melody"

Schema = dict[str, Any]

_REF: Final = "#/$defs/"
_VALUES: Final = frozenset({"enum", "const", "examples", "required"})
"""Keywords whose values are values, not schemas."""
_COMMON: Final = {name: {"$ref": f"{_REF}field.{name}"} for name in COMMON_FIELDS if name != "type"}
_MODE: Final = {"$ref": f"{_REF}mode"}


def melody_schema(kinds: Mapping[str, StepKind]) -> Schema:
    """The schema of whole documents."""
    return {
        "$schema": DIALECT,
        "$id": SCHEMA_ID,
        "title": "Melody",
        "description": "A workflow of Symphony: steps, what they do, and in which order.",
        "type": "object",
        "properties": {"workflow": {"$ref": f"{_REF}workflow"}},
        "required": ["workflow"],
        "additionalProperties": _stranger("beside `workflow`"),
        "$defs": _definitions(kinds),
    }


def kind_schema(kinds: Mapping[str, StepKind], name: str) -> Schema:
    """The schema of one step of this kind, complete in itself. Raises `KeyError` for a kind nobody knows."""
    kind = kinds[name]
    definitions = _definitions(kinds)
    own = definitions[_step_name(kind.name)]
    needed = _reachable(own, definitions)
    return {
        "$schema": DIALECT,
        "$id": f"{SCHEMA_ID}:{name}",
        **own,
        "$defs": {key: value for key, value in definitions.items() if key in needed},
    }


def _definitions(kinds: Mapping[str, StepKind]) -> dict[str, Schema]:
    models = {kind.params for kind in kinds.values()}
    # In a fixed order, so that equal kinds give an equal text and with it an equal ETag.
    ordered = sorted(models, key=lambda model: (model.__module__, model.__qualname__))
    made, shared = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF + "{model}")
    of_model = {model: _resolved(made[model, "validation"], shared.get("$defs", {})) for model in ordered}
    # pydantic describes the top model of each kind in the shared part too; here it is merged with the common fields.
    definitions: dict[str, Schema] = {
        "step": _step(kinds),
        "steps": STEP_LIST,
        "workflow": _workflow(["name", "steps"]),
        "nested": _nested(),
        **COMMON_DEFS,
        **{f"field.{name}": schema for name, schema in COMMON_FIELDS.items() if name != "type"},
        **WORKFLOW_DEFS,
        **{_step_name(name): _kind(kind, of_model[kind.params]) for name, kind in sorted(kinds.items())},
    }
    inner = {name: _clean(schema) for name, schema in shared.get("$defs", {}).items()}
    needed = _reachable(list(definitions.values()), {**inner, **definitions})
    return {**definitions, **{name: schema for name, schema in sorted(inner.items()) if name in needed}}


def _resolved(schema: Schema, shared: Mapping[str, Schema]) -> Schema:
    """A model's own schema, wherever pydantic has put it."""
    reference = schema.get("$ref")
    return dict(shared[reference.removeprefix(_REF)]) if isinstance(reference, str) else schema


def _workflow(required: list[str]) -> Schema:
    return {
        "type": "object",
        "description": "What runs, under which name and conditions.",
        "properties": WORKFLOW_FIELDS,
        "required": required,
        "additionalProperties": _stranger("of a workflow"),
    }


def _stranger(where: str) -> Schema:
    """A field nobody knows is accepted and has no effect; editors that know `deprecationMessage` show it as a warning."""
    return {"deprecationMessage": f"This is not a field {where}: it is kept and has no effect."}


def _nested() -> Schema:
    """A melody inside a step: with the key `workflow` around it, or without."""
    inner = _workflow(["steps"])
    return {
        "type": "object",
        "description": "A whole melody, with or without the key `workflow` around it.",
        "if": {"required": ["workflow"]},
        "then": {"properties": {"workflow": inner}},
        "else": inner,
    }


def _step(kinds: Mapping[str, StepKind]) -> Schema:
    names = sorted(kinds)
    return {
        "type": "object",
        "description": "One step.",
        "properties": {
            "name": COMMON_FIELDS["name"],
            "type": {
                "enum": names,
                "description": "What the step does.",
                "markdownEnumDescriptions": [kinds[name].summary for name in names],
            },
        },
        "required": ["name", "type"],
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"{_REF}{_step_name(name)}"},
            }
            for name in names
        ],
        "defaultSnippets": [
            {"label": name, "description": kinds[name].summary, "body": EXAMPLES[name]}
            for name in names
            if name in EXAMPLES
        ],
    }


def _kind(kind: StepKind, model: Schema) -> Schema:
    own = {name: _clean(schema) for name, schema in model.get("properties", {}).items()}
    required = ["name", "type", *model.get("required", ()), *_required_bodies(kind)]
    bodies = {
        field.name: _body(field, own.get(field.name, {}), required=field.name in required) for field in kind.bodies
    }
    if bodies and "mode" not in own:
        bodies["mode"] = _MODE
    schema: Schema = {
        "type": "object",
        "title": kind.name,
        "description": kind.summary,
        "properties": {**_COMMON, "type": {"const": kind.name, "description": kind.summary}, **own, **bodies},
        "required": list(dict.fromkeys(required)),
        "additionalProperties": _stranger(f"of step type {kind.name}"),
    }
    if kind.name in EXAMPLES:
        schema["examples"] = [EXAMPLES[kind.name]]
    return schema


def _required_bodies(kind: StepKind) -> Iterator[str]:
    """The only list of steps a kind has is required."""
    if len(kind.bodies) == 1 and kind.bodies[0].shape == "list" and not kind.bodies[0].optional:
        yield kind.bodies[0].name


def _body(field: BodyField, own: Schema, *, required: bool) -> Schema:
    """Steps, in place of what the kind's model says of them; its description is kept."""
    steps: Schema = {"$ref": f"{_REF}steps"}
    shapes: dict[str, Schema] = {
        "list": steps,
        "map": {"type": "object", "additionalProperties": steps},
        "workflow": {"$ref": f"{_REF}nested"},
    }
    said = {"description": own["description"]} if "description" in own else {}
    return {**shapes[field.shape], **said} if required else {"anyOf": [shapes[field.shape], {"type": "null"}], **said}


def _step_name(kind: str) -> str:
    return f"step.{kind}"


def _clean(schema: Any) -> Any:
    """Without titles that only repeat the field's name, and without defaults that say nothing."""
    if isinstance(schema, list):
        return [_clean(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    cleaned: Schema = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "patternProperties") and isinstance(value, dict):
            cleaned[key] = {name: _clean(inner) for name, inner in value.items()}
        elif key in _VALUES:
            cleaned[key] = value
        elif key == "default":
            if isinstance(value, str | int | float):
                cleaned[key] = value
        elif key != "title":
            cleaned[key] = _clean(value)
    # A discriminator is a hint of OpenAPI; here it would only confuse.
    cleaned.pop("discriminator", None)
    return cleaned


def _reachable(start: Any, definitions: Mapping[str, Schema]) -> set[str]:
    """The names of all definitions that something refers to, directly or by way of others."""
    found: set[str] = set()
    pending = list(_references(start))
    while pending:
        name = pending.pop()
        if name not in found and name in definitions:
            found.add(name)
            pending.extend(_references(definitions[name]))
    return found


def _references(schema: Any) -> Iterator[str]:
    values: Iterable[Any] = ()
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(_REF)
        values = schema.values()
    elif isinstance(schema, list):
        values = schema
    for value in values:
        yield from _references(value)


def as_text(schema: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """As JSON, the same for the same kinds."""
    return json.dumps(schema, indent=indent, ensure_ascii=False)


__all__ = ["DIALECT", "SCHEMA_ID", "as_text", "kind_schema", "melody_schema"]
