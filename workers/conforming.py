"""Whether a result is what the step's `output_schema` promises."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs

from apps.melodies.definition.output_schemas import PATTERNS
from apps.melodies.definition.schema_effort import SchemaTooHard, check_effort
from workers.contract import StepFailed

_SHOWN = 5


def check_result(schema: Any, value: Any) -> None:
    """Refuse a value that does not match; the message names the places, at most five of them."""
    try:
        check_effort(schema, value)
    except SchemaTooHard as error:
        raise StepFailed(
            f"The step's output_schema is too hard to check: {error}.", code="output_schema", final=True
        ) from error
    complaints = [
        f"{_place(error.instance_path)}: {str(error.message)[:300]}"
        for error, _ in zip(_validator(json.dumps(schema)).iter_errors(value), range(_SHOWN), strict=False)
    ]
    if complaints:
        raise StepFailed(
            f"The result does not match the step's output_schema: {'; '.join(complaints)}",
            code="output_schema",
            details={"errors": complaints},
        )


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    """Patterns are matched in linear time, and no reference is fetched."""
    return jsonschema_rs.validator_for(json.loads(schema), offline=True, pattern_options=PATTERNS)


def _place(path: list[str | int]) -> str:
    text = "result"
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text
