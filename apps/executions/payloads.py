"""Checking what comes from outside against a JSON Schema of a melody. Both are hostile: nothing is fetched, patterns run in
linear time, and a long list of complaints is cut."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

import jsonschema_rs

from apps.melodies.definition.schema_effort import SchemaTooHard, check_effort

MOST_PROBLEMS: Final = 20
_SHOWN: Final = 300


class SchemaBroken(ValueError):
    """Nothing can be checked against this schema."""


def problems_of(schema: dict[str, Any] | bool, payload: Any) -> list[dict[str, str]]:  # noqa: FBT001 - `true` is a schema
    """What does not fit, as `{"pointer", "message"}`, at most 20; empty when all of it fits."""
    try:
        check_effort(schema)
        try:
            check_effort(schema, payload)
        except SchemaTooHard as error:
            # Nothing is wrong with the schema: it is the payload that makes it too much.
            return [{"pointer": "", "message": f"This cannot be checked: {error}."[:_SHOWN]}]
        validator = jsonschema_rs.validator_for(
            schema, offline=True, pattern_options=jsonschema_rs.RegexOptions(), validate_formats=True
        )
        return [
            {"pointer": "".join(f"/{_token(part)}" for part in error.instance_path), "message": error.message[:_SHOWN]}
            for error in islice(validator.iter_errors(payload), MOST_PROBLEMS)
        ]
    except (ValueError, RecursionError) as error:
        raise SchemaBroken(str(error).splitlines()[0][:_SHOWN] if str(error) else type(error).__name__) from error


def _token(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
