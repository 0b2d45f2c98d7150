"""A step's own fields against the model of its kind, with pydantic's complaints in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .common_fields import UNDERSTOOD
from .kinds import StepKind
from .pointers import child, tokens
from .problems import ProblemList


def check_params(
    kind: StepKind,
    params: Mapping[str, Any],
    pointer: str,
    problems: ProblemList,
    *,
    silent: frozenset[str],
) -> None:
    """Report every field that does not fit. Fields in `silent` were reported."""
    try:
        kind.params.model_validate(params)
    except ValidationError as error:
        complaints: dict[tuple[str, bool], list[ErrorDetails]] = {}
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            if detail["loc"] and detail["loc"][0] in silent:
                continue
            where, inside = _pointer(detail, params, pointer)
            complaints.setdefault((where, inside), []).append(detail)
        for (where, _), details in complaints.items():
            _report(kind, where, details, problems)


def _pointer(detail: ErrorDetails, params: Any, pointer: str) -> tuple[str, bool]:
    """Where a complaint belongs. Parts of its path that name members of unions, not of the document, are left out."""
    value = params
    for part in detail["loc"]:
        if not _leads_on(value, part):
            continue
        value = value[part]
        pointer = child(pointer, part)
    return pointer, detail["type"] == "missing"


def _leads_on(value: Any, part: int | str) -> bool:
    return (isinstance(value, dict) and part in value) or (
        isinstance(value, list) and isinstance(part, int) and part < len(value)
    )


def _report(kind: StepKind, pointer: str, details: list[ErrorDetails], problems: ProblemList) -> None:
    first = details[0]
    field = str(first["loc"][-1]) if first["loc"] else ""
    if first["type"] == "missing":
        for name in dict.fromkeys(str(detail["loc"][-1]) for detail in details if detail["type"] == "missing"):
            problems.add("missing_field", f"`{name}` is required here (step type {kind.name}).", pointer)
    elif first["type"] == "extra_forbidden":
        known = field_names(kind.params)
        if len(first["loc"]) == 1:
            known |= UNDERSTOOD | {body.name for body in kind.bodies}
        message = f"`{field}` is not a field of step type {kind.name}."
        if len(first["loc"]) > 1:
            message = f"`{field}` is not a field known here (step type {kind.name})."
        problems.add("unknown_field", message, pointer, at_key=True, meant=(field, known))
    else:
        sentences = dict.fromkeys(_sentence(detail["msg"]) for detail in details if detail["type"] != "extra_forbidden")
        about = f"`{tokens(pointer)[-1]}` " if first["loc"] else f"Step type {kind.name}: "
        problems.add("invalid_value", f"{about}{' or '.join(sentences)}.", pointer)


def _sentence(message: str) -> str:
    for start, better in (("Input should be ", "should be "), ("Value error, ", ": "), ("Assertion failed, ", ": ")):
        if message.startswith(start):
            return (better + message[len(start) :]).rstrip(".").removeprefix(": ")
    return message[:1].lower() + message[1:].rstrip(".")


@lru_cache(maxsize=256)
def field_names(model: type[BaseModel]) -> frozenset[str]:
    """All names of fields in a model and the models inside it."""
    names: set[str] = set()
    pending, seen = [model], {model}
    while pending:
        for name, info in pending.pop().model_fields.items():
            names.add(info.alias or name)
            for inner in _models(info.annotation):
                if inner not in seen:
                    seen.add(inner)
                    pending.append(inner)
    return frozenset(names)


@lru_cache(maxsize=256)
def own_names(model: type[BaseModel]) -> frozenset[str]:
    """The names a model declares at its top."""
    return frozenset(info.alias or name for name, info in model.model_fields.items())


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
