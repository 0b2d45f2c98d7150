"""JSON that people may fill as they like, within bounds. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from apps.core.storable import text_is_sound

LARGEST: Final = 16_384
"""Bytes of the whole document as UTF-8 JSON."""
DEEPEST: Final = 8
_LARGEST_INTEGER: Final = 2**63

Problem = dict[str, str]


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: objects are merged name by name, null takes a name away, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def problems_of(document: Any, pointer: str) -> list[Problem]:
    """Why PostgreSQL or the next reader could not take this object; empty when all is well."""
    if not isinstance(document, Mapping):
        return [_problem(pointer, "not_an_object", "This must be a JSON object.")]
    too_large = _problem(pointer, "too_large", f"All of it together is at most {LARGEST:,} bytes of JSON.")
    # Escaped, three times as long at most. Pointers repeat names: in what is huge they would be much longer than it is.
    if len(json.dumps(document)) > 3 * LARGEST:
        return [too_large]
    found = list(_problems(document, pointer, depth=1))
    if not found and len(json.dumps(document, ensure_ascii=False).encode()) > LARGEST:
        found.append(too_large)
    return found


def _problems(value: Any, pointer: str, depth: int) -> Iterator[Problem]:
    if depth > DEEPEST:
        yield _problem(pointer, "too_deep", f"At most {DEEPEST} levels may stand inside each other.")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if text_is_sound(name):
                own = name.replace("~", "~0").replace("/", "~1")
                yield from _problems(inner, f"{pointer}/{own}", depth + 1)
            else:
                yield _problem(pointer, "invalid_text", "A name holds a NUL or half a character.")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _problems(inner, f"{pointer}/{index}", depth + 1)
    elif isinstance(value, str):
        if not text_is_sound(value):
            yield _problem(pointer, "invalid_text", "This text holds a NUL or half a character.")
    elif not _number_is_sound(value):
        yield _problem(pointer, "invalid_number", "This number is too large to be kept.")


def _number_is_sound(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or abs(value) <= _LARGEST_INTEGER


def _problem(pointer: str, code: str, message: str) -> Problem:
    return {"code": code, "message": message, "pointer": pointer}
