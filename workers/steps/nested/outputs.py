"""What comes out of a nested melody."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from apps.melodies.definition.expressions import MISSING
from workers.contract import StepFailed
from workers.steps.fields import Params

_PART = re.compile(r"\.([^.\[\]]+)|\[(-?\d{1,9})\]")


class NamedOutput(Params):
    """A part of an inner result, under a name of its own."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, description="`STEP.field[0]`.")
    as_: str | None = Field(None, alias="as", min_length=1, description="Its name outside; by default the path.")


Output = Annotated[str, Field(min_length=1)] | NamedOutput


def outputs_of(wanted: Sequence[Output], results: Mapping[str, Any], pipeline: str) -> dict[str, Any]:
    """The outputs by name; without a list of them every inner result. One that is not there is an error."""
    if not wanted:
        return {name: _unwrapped(value) for name, value in results.items()}
    found: dict[str, Any] = {}
    for output in wanted:
        path = output if isinstance(output, str) else output.path
        value = value_at(path, results)
        if value is MISSING:
            names = ", ".join(sorted(results)) or "none"
            raise StepFailed(
                f"Output {path!r} of nested pipeline {pipeline!r} is not there; its steps are: {names[:500]}.",
                code="output_not_found",
                final=True,
            )
        found[path if isinstance(output, str) else output.as_ or path] = value
    return found


def value_at(path: str, results: Mapping[str, Any]) -> Any:
    """The value of `STEP.field[0]`, or MISSING. The longest step name that fits is meant."""
    path = path.removeprefix("steps.") if path.split(".", 1)[0] not in results else path
    names = [name for name in results if path == name or path.startswith((f"{name}.", f"{name}["))]
    if not names:
        return MISSING
    name = max(names, key=len)
    parts = _parts(path[len(name) :])
    if parts is None:
        return MISSING
    value = _walk(results[name], parts)
    if value is MISSING and isinstance(results[name], Mapping) and "result" in results[name]:
        return _walk(results[name]["result"], parts)
    return results[name] if value is MISSING and parts == ["result"] else value


def _parts(rest: str) -> list[str | int] | None:
    parts: list[str | int] = []
    position = 0
    while position < len(rest):
        found = _PART.match(rest, position)
        if found is None:
            return None
        parts.append(found[1] if found[1] is not None else int(found[2]))
        position = found.end()
    return parts


def _walk(value: Any, parts: Sequence[str | int]) -> Any:
    for part in parts:
        if isinstance(part, int):
            if not isinstance(value, list) or not -len(value) <= part < len(value):
                return MISSING
            value = value[part]
        elif isinstance(value, Mapping) and part in value:
            value = value[part]
        else:
            return MISSING
    return value


def _unwrapped(value: Any) -> Any:
    """An inner `pipeline` with inputs has its outputs under `result`."""
    return value["result"] if isinstance(value, Mapping) and set(value) == {"result"} else value
