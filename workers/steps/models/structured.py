"""Answers that must have a shape: from what is written in a step to a JSON Schema, and an answer checked against it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any

import jsonschema_rs
from pydantic import AfterValidator

from apps.melodies.definition.output_schemas import PATTERNS
from apps.melodies.definition.schema_effort import check_effort
from workers.contract import StepFailed
from workers.models.request import ModelAnswer
from workers.steps.fields import require

_TYPES = {
    "string": "string", "str": "string", "text": "string", "number": "number", "float": "number", "integer": "integer",
    "int": "integer", "boolean": "boolean", "bool": "boolean", "array": "array", "list": "array", "object": "object",
    "map": "object", "null": "null",
}  # fmt: skip
_SCHEMA_WORDS = frozenset(
    {"$schema", "$ref", "$defs", "properties", "items", "required", "enum", "const", "oneOf", "anyOf", "allOf", "pattern",
     "additionalProperties", "format", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}
)  # fmt: skip
_DEPTH = 40
_FENCED = re.compile(r"\A\s*```[A-Za-z0-9_-]*[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_SHOWN_ERRORS = 5
_MOST_ERRORS = 1000


def schema_of(written: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema a step means. Beside JSON Schema itself an outline is understood: `{name: string, tags: [string]}`
    is an object with exactly these required fields."""
    if is_schema(written):
        return dict(written)
    return _object(written, 0)


def is_schema(written: Mapping[str, Any]) -> bool:
    """Whether a map is a JSON Schema, and not the outline of an object that happens to have such fields."""
    declared = written.get("type")
    types = declared if isinstance(declared, list) else [declared]
    if declared is not None and not all(isinstance(name, str) and name in _TYPES.values() for name in types):
        return False
    words = {key for key, value in written.items() if key in _SCHEMA_WORDS and _says_schema(key, value)}
    return bool(words) or (
        declared is not None and set(written) <= {"type", "description", "title", "default", "examples"}
    )


def _says_schema(word: str, value: Any) -> bool:
    if word in ("properties", "$defs"):
        return isinstance(value, Mapping) and all(isinstance(item, Mapping | bool) for item in value.values())
    if word in ("required", "enum", "oneOf", "anyOf", "allOf"):
        return isinstance(value, list)
    if word == "items":
        return isinstance(value, Mapping | bool)
    return not (isinstance(value, str) and value.lower() in _TYPES) or word == "const"


def _shape(written: Any, depth: int) -> dict[str, Any]:
    if depth > _DEPTH:
        raise StepFailed(f"the schema nests deeper than {_DEPTH} levels", code="bad_params", final=True)
    if isinstance(written, str):
        known = _TYPES.get(written.strip().lower())
        return {"type": known} if known else {"type": "string", "description": written}
    if isinstance(written, list):
        return {"type": "array"} | ({"items": _shape(written[0], depth + 1)} if written else {})
    if isinstance(written, Mapping):
        return dict(written) if is_schema(written) else _object(written, depth)
    return {}


def _object(written: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = {str(key): _shape(value, depth + 1) for key, value in written.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}


def parsed(text: str) -> Any:
    """The JSON value of a text that is JSON, also inside one code fence; None when it is not a map or list."""
    stripped = text.strip()
    fenced = _FENCED.match(stripped)
    candidate = fenced[1].strip() if fenced else stripped
    if not candidate.startswith(("{", "[")):
        return None
    try:
        return json.loads(candidate, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def value_of(answer: ModelAnswer) -> Any:
    """The value an answer to a request with a schema holds; None when it is none."""
    return answer.structured if answer.structured is not None else parsed(answer.text)


def complaints(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with a value, one sentence each; empty when it satisfies the schema."""
    try:
        check_effort(schema, value)
        found = islice(_validator(schema).iter_errors(value), _MOST_ERRORS)
        errors = [f"{_place(error.instance_path)}: {error.message[:300]}" for error in found]
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise StepFailed(f"the schema cannot be used: {str(error)[:500]}", code="bad_params", final=True) from error
    more = f"and {len(errors) - _SHOWN_ERRORS}{' or' if len(errors) == _MOST_ERRORS else ''} more"
    return errors[:_SHOWN_ERRORS] + ([more] if len(errors) > _SHOWN_ERRORS else [])


def _validator(schema: Mapping[str, Any]) -> Any:
    """Patterns are matched in linear time, and no reference is fetched."""
    return jsonschema_rs.validator_for(dict(schema), offline=True, pattern_options=PATTERNS)


def usable(written: dict[str, Any]) -> dict[str, Any]:
    """A `schema` as written, if answers can be checked against it (a pydantic validator)."""
    try:
        schema = schema_of(written)
        check_effort(schema)
        _validator(schema)
    except (StepFailed, ValueError, RecursionError) as error:
        require(False, f"is neither a JSON Schema nor an outline: {str(error).strip().splitlines()[0][:200]}")
    return written


Outline = Annotated[dict[str, Any], AfterValidator(usable)]
"""The shape of an answer: a JSON Schema, or an outline such as `{name: string, tags: [string]}`."""


def _place(path: list[Any]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    return text or "the answer"


def checked(answer: ModelAnswer, schema: Mapping[str, Any]) -> Any:
    """The value of an answer, which satisfies the schema; else the step has failed, and may try again."""
    value = value_of(answer)
    if value is None:
        if answer.stop_reason == "max_tokens":
            message = "the answer was cut off before its JSON was complete; allow more tokens"
        else:
            message = f"the answer is not JSON: {answer.text[:200]!r}"
        raise StepFailed(message, code="output_schema")
    wrong = complaints(value, schema)
    if wrong:
        raise StepFailed(f"the answer does not satisfy the schema: {'; '.join(wrong)}", code="output_schema")
    return value
