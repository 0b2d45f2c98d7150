"""Reading typed fields out of a mapping, with one problem for each that does not fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .pointers import child
from .problems import ProblemList

MAX_NAME = 200
_NAMES: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    dict: "a mapping",
    list: "a list",
    type(None): "nothing",
}


def what(value: Any) -> str:
    """A value's type in plain words."""
    return _NAMES.get(type(value), type(value).__name__)


def wrong_type(problems: ProblemList, field: str, expected: str, value: Any, pointer: str) -> None:
    """Report that a field holds something of another type."""
    problems.add("wrong_type", f"`{field}` should be {expected}, not {what(value)}.", pointer)


def read_text(mapping: Mapping[str, Any], field: str, pointer: str, problems: ProblemList) -> str | None:
    """An optional text; None when absent or null."""
    value = mapping.get(field)
    if value is None or isinstance(value, str):
        return value
    wrong_type(problems, field, "text", value, child(pointer, field))
    return None


def read_flag(mapping: Mapping[str, Any], field: str, pointer: str, problems: ProblemList, *, default: bool) -> bool:
    """An optional boolean; `default` when absent or null."""
    value = mapping.get(field)
    if isinstance(value, bool):
        return value
    if value is None:
        return default
    wrong_type(problems, field, "true or false", value, child(pointer, field))
    return default


def read_name(mapping: Mapping[str, Any], owner: str, pointer: str, problems: ProblemList) -> str | None:
    """The required name of a workflow or step."""
    name = mapping.get("name")
    where = child(pointer, "name")
    if name is None:
        problems.add("missing_name", f"{owner} needs a `name`.", where if "name" in mapping else pointer)
    elif not isinstance(name, str):
        problems.add("wrong_type", f"`name` should be text, not {what(name)}; put it in quotes.", where)
    elif not name.strip():
        problems.add("missing_name", f"{owner} needs a `name` that is not empty.", where)
    elif len(name) > MAX_NAME:
        problems.add("invalid_name", f"A name may have {MAX_NAME} characters at most; this one has {len(name)}.", where)
    elif not name.isprintable():
        problems.add("invalid_name", "A name may not hold line breaks or other control characters.", where)
    else:
        return name
    return None


def read_number(
    mapping: Mapping[str, Any],
    field: str,
    pointer: str,
    problems: ProblemList,
    *,
    most: float,
    whole: bool = False,
    zero: bool = False,
) -> float | None:
    """An optional number above 0 (`zero`: or 0) and up to `most`; None when absent, null, or not such a number."""
    value = mapping.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        wrong_type(problems, field, "a number", value, child(pointer, field))
    elif not (math.isfinite(value) and 0 <= value <= most and (value or zero)):
        least = "at least 0" if zero else "more than 0"
        problems.add("out_of_range", f"`{field}` should be {least} and at most {most:,.0f}.", child(pointer, field))
    elif whole and value != int(value):
        problems.add("invalid_value", f"`{field}` should be a whole number.", child(pointer, field))
    else:
        return float(value)
    return None


def read_list_of_text(mapping: Mapping[str, Any], field: str, pointer: str, problems: ProblemList) -> tuple[str, ...]:
    """An optional list of texts; a single text counts as a list of one."""
    value = mapping.get(field)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    wrong_type(problems, field, "a list of texts", value, child(pointer, field))
    return ()
