"""A step's own fields against the model of its kind, with pydantic's complaints in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, get_args

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .common_fields import UNDERSTOOD
from .fields import what
from .kinds import StepKind
from .pointers import child
from .problems import ProblemList

Path = tuple[str | int, ...]
"""The keys and indexes that lead to a value inside a step's params."""

_ROUNDS = 4
_SHOWN = 80
_QUOTED = re.compile(r"'([^']+)'")
_TAG = re.compile(
    r"Input tag '(?P<found>.*)' found using '(?P<field>\w+)' does not match any of the expected tags: (?P<known>.*)"
)
_EXPECTED = {
    "string_type": "text", "list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping",
    "model_attributes_type": "a mapping", "bool_type": "true or false", "bool_parsing": "true or false",
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number",
}  # fmt: skip
"""What pydantic calls by other names."""


class ParamsChecker:
    """Checks the fields of one step at `pointer`.

    Fields in `silent` were reported already. `elsewhere` says of values that were not written in the step itself where
    they were.
    """

    def __init__(
        self,
        kind: StepKind,
        pointer: str,
        problems: ProblemList,
        *,
        silent: frozenset[str] = frozenset(),
        elsewhere: Mapping[Path, str] | None = None,
    ) -> None:
        self._kind = kind
        self._pointer = pointer
        self._problems = problems
        self._silent = silent
        self._elsewhere = elsewhere or {}

    def check(self, params: dict[str, Any]) -> dict[str, Any]:
        """Report every field that does not fit; gives the params without those nobody knows."""
        for _ in range(_ROUNDS):
            try:
                checked = self._kind.params.model_validate(params)
            except ValidationError as error:
                if error.error_count() > self._problems.allowance.limits.max_complaints:
                    message = f"{error.error_count():,} things are wrong in this step; they are not listed one by one."
                    self._problems.add("invalid_value", message, self._pointer)
                    return params
                details = error.errors(include_url=False, include_context=False, include_input=False)
            else:
                if _is_loose(self._kind.params):
                    self._check_kept(checked, ())
                return params
            details = [detail for detail in details if not (detail["loc"] and detail["loc"][0] in self._silent)]
            unknown = self._unknown(details, params)
            if not unknown:
                self._report(details, params)
                return params
            for path in unknown:
                self._warn(path)
            params = _without(params, unknown)
        return params

    def _unknown(self, details: Sequence[ErrorDetails], params: Any) -> list[Path]:
        """The fields that are no misspelling of any field of the kind.

        Where members of a union are tried in turn, each complains of the fields of the others; such a field counts only if
        nothing else is wrong.
        """
        names = field_names(self._kind.params)
        extras = [_path(detail, params) for detail in details if detail["type"] == "extra_forbidden"]
        strangers = [
            path
            for path in extras
            if path[-1] not in names and not self._problems.misspelt(str(path[-1]), self._known(path))
        ]
        if not strangers and len(extras) == len(details) and all(path[-1] in names for path in extras):
            strangers = extras
        return list(dict.fromkeys(strangers))

    def _known(self, path: Path) -> frozenset[str]:
        known = field_names(self._kind.params)
        if len(path) == 1:
            known |= UNDERSTOOD | {body.name for body in self._kind.bodies}
        return known

    def _warn(self, path: Path) -> None:
        field, kind = str(path[-1])[:_SHOWN], self._kind.name
        owner = owner_of(self._kind.params, field) if len(path) == 1 else None
        message = f"`{field}` is not a field of step type {kind}; it is kept and has no effect."
        if owner is not None:
            message = (
                f"`{field}` is not a field of step type {kind} itself but of its `{owner}`; here it has no effect."
            )
        self._problems.warn("unknown_field", message, self._where(path), at_key=True)

    def _check_kept(self, model: BaseModel, path: Path) -> None:
        """Warn of a slip of the finger where a model takes any field: there it would be taken for a field of others."""
        if model.model_extra:
            known = own_names(type(model))
            for name in model.model_extra:
                meant = self._problems.misspelt(name, known)
                if meant is not None:
                    message = f"`{name[:_SHOWN]}` is not known here and has no effect."
                    self._problems.warn("unknown_field", message, self._where((*path, name)), at_key=True, meant=meant)
        for name, key in _loose_fields(type(model)):
            value = getattr(model, name)
            if isinstance(value, BaseModel):
                self._check_kept(value, (*path, key))
            elif isinstance(value, list):
                for place, item in enumerate(value):
                    if isinstance(item, BaseModel):
                        self._check_kept(item, (*path, key, place))

    def _where(self, path: Path) -> str:
        for length in range(len(path), 0, -1):
            pointer = self._elsewhere.get(path[:length])
            if pointer is not None:
                return _joined(pointer, path[length:])
        return _joined(self._pointer, path)

    def _report(self, details: Sequence[ErrorDetails], params: Any) -> None:
        complaints: dict[tuple[Path, bool], list[ErrorDetails]] = {}
        paths = {_path(detail, params) for detail in details}
        inside = {path[:length] for path in paths for length in range(len(path))}
        for detail in details:
            path = _path(detail, params)
            if not (detail["type"].endswith("_type") and path in inside):
                # Else another type would do here as well, and of that one there is more to say.
                complaints.setdefault((path, detail["type"] == "missing"), []).append(detail)
        for (path, _), found in complaints.items():
            self._complain(path, found, params)

    def _complain(self, path: Path, details: Sequence[ErrorDetails], params: Any) -> None:
        kind, first, pointer = self._kind.name, details[0], self._where(path)
        if first["type"] == "missing":
            place = f"in {_named(path)}" if path else "here"
            for name in dict.fromkeys(str(detail["loc"][-1]) for detail in details if detail["type"] == "missing"):
                self._problems.add("missing_field", f"`{name}` is required {place} (step type {kind}).", pointer)
        elif first["type"] == "extra_forbidden":
            self._complain_of_stranger(path, pointer)
        else:
            value = _value_at(path, params)
            found = dict.fromkeys(_sentence(detail, value) for detail in details if detail["type"] != "extra_forbidden")
            about = _named(path) if path else f"Step type {kind}"
            between = " " if all(sentence.startswith("should ") for sentence in found) else ": "
            about = about[:1].upper() + about[1:]
            self._problems.add(
                "invalid_value", f"{about}{between}{' or '.join(found)}.", pointer, meant=_meant(details, value)
            )

    def _complain_of_stranger(self, path: Path, pointer: str) -> None:
        field, kind = str(path[-1])[:_SHOWN], self._kind.name
        owner = owner_of(self._kind.params, field) if len(path) == 1 else None
        if owner is not None:
            message = (
                f"`{field}` is not a field of step type {kind} itself but of its `{owner}`; check the indentation."
            )
            self._problems.add("unknown_field", message, pointer, at_key=True)
            return
        where = f"a field of step type {kind}" if len(path) == 1 else f"a field known here (step type {kind})"
        meant = (field, self._known(path) - {field})
        self._problems.add("unknown_field", f"`{field}` is not {where}.", pointer, at_key=True, meant=meant)


def _path(detail: ErrorDetails, params: Any) -> Path:
    """Where a complaint belongs. Parts of its path that name members of unions, not of the document, are left out."""
    value = params
    path: list[str | int] = []
    for part in detail["loc"]:
        if _leads_on(value, part):
            value = value[part]
            path.append(part)
    return tuple(path)


def _leads_on(value: Any, part: int | str) -> bool:
    return (isinstance(value, dict) and part in value) or (
        isinstance(value, list) and isinstance(part, int) and part < len(value)
    )


def _joined(pointer: str, path: Path) -> str:
    for part in path:
        pointer = child(pointer, part)
    return pointer


def _without(value: Any, paths: Sequence[Path]) -> Any:
    """A copy without the fields at these places; what lies beside the way to them is not copied."""
    here = {path[0] for path in paths if len(path) == 1}
    below: dict[str | int, list[Path]] = {}
    for path in paths:
        if len(path) > 1 and path[0] not in here:
            below.setdefault(path[0], []).append(path[1:])
    if isinstance(value, list):
        return [_without(item, below[index]) if index in below else item for index, item in enumerate(value)]
    return {key: _without(item, below[key]) if key in below else item for key, item in value.items() if key not in here}


def _value_at(path: Path, params: Any) -> Any:
    for part in path:
        params = params[part]
    return params


def _named(path: Path) -> str:
    """A place in words: `prompt`, or item 2 of `prompt`."""
    last = path[-1]
    if isinstance(last, int) and len(path) > 1:
        return f"item {last + 1} of {_named(path[:-1])}"
    return f"`{str(last)[:_SHOWN]}`"


def _meant(details: Sequence[ErrorDetails], value: Any) -> tuple[str, list[str]] | None:
    """What was written instead of one of a few words, and these words."""
    for detail in details:
        tag = _TAG.match(detail["msg"])
        if tag is not None:
            return tag["found"], _QUOTED.findall(tag["known"])
        if detail["type"] == "literal_error" and isinstance(value, str):
            return value, _QUOTED.findall(detail["msg"])
    return None


def _sentence(detail: ErrorDetails, value: Any) -> str:
    """A complaint in plain words, to stand behind the name of the field."""
    expected = _EXPECTED.get(detail["type"])
    if expected is not None:
        found = what(value)
        return f"should be {expected}" + (f", not {found}" if found != expected else "")
    message = detail["msg"]
    tag = _TAG.match(message)
    if tag is not None:
        return f"its `{tag['field']}` should be {tag['known']}, not '{tag['found'][:_SHOWN]}'"
    for start, better in (("Input should be ", "should be "), ("Value error, ", ""), ("Assertion failed, ", "")):
        if message.startswith(start):
            return (better + message[len(start) :]).rstrip(".")
    return message[:1].lower() + message[1:].rstrip(".")


@lru_cache(maxsize=256)
def field_names(model: type[BaseModel]) -> frozenset[str]:
    """All names of fields in a model and the models inside it."""
    names: set[str] = set()
    pending, seen = [model], {model}
    while pending:
        for name, info in pending.pop().model_fields.items():
            names.update(_spellings(name, info))
            for inner in _models(info.annotation):
                if inner not in seen:
                    seen.add(inner)
                    pending.append(inner)
    return frozenset(names)


@lru_cache(maxsize=256)
def own_names(model: type[BaseModel]) -> frozenset[str]:
    """The keys a document may use at the top of a model."""
    return frozenset(spelling for name, info in model.model_fields.items() for spelling in _spellings(name, info))


def owner_of(model: type[BaseModel], name: str) -> str | None:
    """The field of a model that takes a field of this name directly below itself, or in its items."""
    for field, info in model.model_fields.items():
        if any(name in own_names(inner) for inner in _models(info.annotation)):
            return next(_spellings(field, info), field)
    return None


@lru_cache(maxsize=256)
def _loose_fields(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """The fields of a model below which a model takes any field, each with its key in a document."""
    return tuple(
        (name, next(_spellings(name, info), name))
        for name, info in model.model_fields.items()
        if any(_is_loose(inner) for inner in _models(info.annotation))
    )


@lru_cache(maxsize=256)
def _is_loose(model: type[BaseModel]) -> bool:
    """Whether a model, or one inside it, takes any field."""
    pending, seen = [model], {model}
    while pending:
        current = pending.pop()
        if current.model_config.get("extra") == "allow":
            return True
        inside = {inner for info in current.model_fields.values() for inner in _models(info.annotation)}
        pending.extend(inside - seen)
        seen |= inside
    return False


def _spellings(name: str, info: FieldInfo) -> Iterator[str]:
    """The keys a document may use for a field."""
    alias = info.validation_alias or info.alias or name
    for choice in alias.choices if isinstance(alias, AliasChoices) else (alias,):
        if isinstance(choice, str):
            yield choice


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
