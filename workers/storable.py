"""Values as JSON knows them and PostgreSQL can store them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.melodies.definition.expressions import ExpressionError
from apps.melodies.definition.expressions.values import measure
from workers.contract import StepFailed

MOST_NODES, MOST_CHARACTERS = 5_000_000, 100_000_000
"""Of one result, counted as it would be written: values that share a part hold it once and are written with it often."""

_UNSTORABLE = re.compile(r"[\ud800-\udfff]|(?<!\\)(?:\\\\)*\\u0000")
"""In JSON text: half a surrogate pair, or an escaped NUL (but not a backslash followed by the letters u0000)."""


def storable_text(text: str) -> str:
    """Text without what PostgreSQL cannot hold: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def as_far_as_storable(value: Any) -> Any:
    """What goes with a failure (details, events): where it cannot be stored it says so, it never fails itself."""
    try:
        return storable(value)
    except StepFailed as refusal:
        return {"not_kept": storable_text(str(refusal))}


def storable(value: Any) -> Any:
    """The value as JSON; what PostgreSQL cannot store, or no worker could write out, is refused."""
    try:
        measure(value, MOST_NODES, MOST_CHARACTERS)
        text = json.dumps(value, allow_nan=False, default=_plain, ensure_ascii=False)
    except ExpressionError as error:
        raise StepFailed(f"The result is too large: {error}.", code="output_too_large") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise StepFailed(f"The result cannot be kept as JSON: {error}.", code="result_not_json") from error
    if _UNSTORABLE.search(text):
        raise StepFailed(
            "The result holds a NUL or half a surrogate pair, which cannot be stored.", code="result_not_json"
        )
    return json.loads(text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
