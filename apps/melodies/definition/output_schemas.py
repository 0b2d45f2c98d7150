"""Whether a step's `output_schema` is a JSON Schema at all."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from .pointers import child
from .problems import ProblemList
from .schema_effort import SchemaTooHard, check_effort

PATTERNS = jsonschema_rs.RegexOptions(size_limit=1_000_000)
"""Patterns that match in linear time, of a bearable size; so without looking ahead or behind, and without references."""

_SHOWN = 200
_PATTERN_COST = 100
_TYPES = "`type` should be string, number, integer, boolean, object, array or null, or a list of these"


def check_schema(schema: Any, pointer: str, problems: ProblemList) -> None:
    """Report a schema that nothing can be checked against. Nothing is fetched: references stay inside the schema."""
    if not problems.allowance.affords("max_schema", _cost(schema)):
        return
    try:
        check_effort(schema)
        jsonschema_rs.validator_for(schema, offline=True, pattern_options=PATTERNS)
    except SchemaTooHard as error:
        problems.add("invalid_schema", f"This schema is too hard to check: {_sentence(str(error))}.", pointer)
    except jsonschema_rs.ValidationError as error:
        for token in error.instance_path:
            pointer = child(pointer, token)
        message = _TYPES if error.instance_path and error.instance_path[-1] == "type" else _sentence(error.message)
        problems.add("invalid_schema", f"This is not a JSON Schema: {message}.", pointer)
    except (ValueError, RecursionError) as error:
        problems.add("invalid_schema", f"This is not a JSON Schema: {_sentence(str(error))}.", pointer)


def _cost(schema: Any) -> int:
    """How much work it is to check a schema; patterns are the most."""
    cost = 0
    pending = [schema]
    while pending:
        value = pending.pop()
        cost += 1
        if isinstance(value, dict):
            cost += _PATTERN_COST * ("pattern" in value)
            if isinstance(value.get("patternProperties"), dict):
                cost += _PATTERN_COST * len(value["patternProperties"])
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return cost


def _sentence(message: str) -> str:
    line = message.strip().splitlines()[0] if message.strip() else "it cannot be read"
    return (line if len(line) <= _SHOWN else line[:_SHOWN] + "...").rstrip(".")
