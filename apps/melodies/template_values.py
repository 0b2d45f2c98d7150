"""What is filled in when a template becomes a melody. Pure.

`default_values` of a template: `{"variables": {NAME: SPEC}, "inputs": {NAME: SPEC}}`, where a SPEC has a JSON `type`, and may
have a `description`, a `default` and `required`. Variables become those of the melody; inputs are for its first run, since
a document sets none. What has a default, or (a variable) a value in the document, need not be given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

SECTIONS: Final = ("variables", "inputs")
MOST_NAMES: Final = 100
LONGEST_NAME: Final = 200
LONGEST_DESCRIPTION: Final = 2_000

_FIELDS: Final = frozenset({"type", "description", "default", "required"})
TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "any": lambda value: True,
}

Problem = dict[str, Any]
Document = Mapping[str, Any]


@dataclass(slots=True)
class Filled:
    """Values by name, of each section; with `problems` nothing else counts."""

    variables: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def specs_of(document: Document) -> dict[str, Any]:
    """What a document itself says can be filled in: its variables, and the inputs it tells of."""
    workflow = _mapping(document.get("workflow", document))
    variables = {**_mapping(workflow.get("global_vars")), **_mapping(workflow.get("variables"))}
    told = workflow.get("inputs")
    inputs = told if isinstance(told, dict) else dict.fromkeys(told, "") if isinstance(told, list) else {}
    return {
        "variables": {name: {"type": type_of(value)} for name, value in _first(variables)},
        "inputs": {
            name: {"type": "any", "required": False} | ({"description": text} if isinstance(text, str) and text else {})
            for name, text in _first(inputs)
        },
    }


def type_of(value: Any) -> str:
    """The JSON type of a value; "any" for null, which may become anything."""
    if value is None:
        return "any"
    return next(name for name in ("string", "boolean", "integer", "number", "array", "object") if TYPES[name](value))


def problems_of_specs(specs: Any) -> list[Problem]:
    """Why this cannot be the `default_values` of a template; JSON that PostgreSQL can keep is presumed."""
    if not isinstance(specs, Mapping):
        return [_problem("", "not_an_object", "This must be an object with `variables` and `inputs`.")]
    found: list[Problem] = []
    for section, named in specs.items():
        if section not in SECTIONS:
            found.append(
                _problem(
                    f"/{_token(section)}",
                    "unknown_section",
                    "There are `variables` and `inputs` here.",
                    section,
                    SECTIONS,
                )
            )
        elif not isinstance(named, Mapping):
            found.append(_problem(f"/{section}", "not_an_object", "This must be an object of names."))
        elif len(named) > MOST_NAMES:
            found.append(_problem(f"/{section}", "too_many", f"At most {MOST_NAMES} names."))
        else:
            for name, spec in named.items():
                found.extend(_problems_of_spec(name, spec, f"/{section}/{_token(name)}"))
    return found


def fill(specs: Mapping[str, Any], document: Document, given: Mapping[str, Any]) -> Filled:
    """The values for a new melody; problems point into `given`, and name what is missing."""
    filled = Filled()
    workflow = _mapping(document.get("workflow", document))
    written = {
        "variables": {**_mapping(workflow.get("global_vars")), **_mapping(workflow.get("variables"))},
        "inputs": {},
    }
    for section in given.keys() - set(SECTIONS):
        filled.problems.append(
            _problem(
                f"/{_token(section)}", "unknown_section", "There are `variables` and `inputs` here.", section, SECTIONS
            )
        )
    for section, target in (("variables", filled.variables), ("inputs", filled.inputs)):
        values = given.get(section, {})
        if not isinstance(values, Mapping):
            filled.problems.append(
                _problem(f"/{section}", "not_an_object", "This must be an object of names and values.")
            )
            continue
        known = _mapping(specs.get(section))
        filled.problems.extend(_fill_one(section, known, written[section], values, target))
    return filled


def _fill_one(
    section: str,
    specs: Mapping[str, Any],
    written: Mapping[str, Any],
    values: Mapping[str, Any],
    target: dict[str, Any],
) -> Iterator[Problem]:
    word = section.removesuffix("s")
    for name, value in values.items():
        spec = specs.get(name)
        pointer = f"/{section}/{_token(name)}"
        if spec is None and name not in written:
            message = f"The template has no {word} {name[:LONGEST_NAME]!r}."
            yield _problem(pointer, "unknown_name", message, name, [*specs, *written])
        elif spec is not None and not TYPES[spec["type"]](value):
            yield _problem(pointer, "wrong_type", f"{name} must be of type {spec['type']}, not {type_of(value)}.")
        else:
            target[name] = value
    for name, spec in specs.items():
        if name in values:
            continue
        if "default" in spec:
            target[name] = spec["default"]
        elif spec.get("required", True) and name not in written:
            told = f": {spec['description']}" if spec.get("description") else "."
            yield _problem(f"/{section}/{_token(name)}", "missing", f"The {word} {name} must be given{told}")


def _problems_of_spec(name: str, spec: Any, pointer: str) -> Iterator[Problem]:
    if not name or len(name) > LONGEST_NAME:
        yield _problem(pointer, "invalid_name", f"A name has 1 to {LONGEST_NAME} characters.")
    if not isinstance(spec, Mapping):
        yield _problem(pointer, "not_an_object", "This must be an object with a `type`.")
        return
    for key in spec.keys() - _FIELDS:
        yield _problem(
            f"{pointer}/{_token(key)}", "unknown_field", f"Nobody knows the field {key[:100]!r}.", key, _FIELDS
        )
    kind = spec.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        yield _problem(f"{pointer}/type", "unknown_type", f"Choose from {', '.join(TYPES)}.", str(kind), TYPES)
    elif "default" in spec and not TYPES[kind](spec["default"]):
        yield _problem(f"{pointer}/default", "wrong_type", f"The default must be of type {kind}.")
    description = spec.get("description", "")
    if not isinstance(description, str) or len(description) > LONGEST_DESCRIPTION:
        yield _problem(
            f"{pointer}/description", "invalid_description", f"A text of at most {LONGEST_DESCRIPTION:,} characters."
        )
    if not isinstance(spec.get("required", True), bool):
        yield _problem(f"{pointer}/required", "wrong_type", "This is true or false.")


def _first(named: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """As many as a template may have."""
    return [(name, value) for name, value in named.items() if 0 < len(name) <= LONGEST_NAME][:MOST_NAMES]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _token(part: Any) -> str:
    return str(part)[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")


def _problem(pointer: str, code: str, message: str, written: str = "", known: Iterable[str] = ()) -> Problem:
    close = get_close_matches(written[:LONGEST_NAME], list(known), n=1) if written else []
    problem: Problem = {"code": code, "message": message, "pointer": pointer}
    if close:
        problem |= {"message": f"{message} Did you mean {close[0]!r}?", "suggestion": close[0]}
    return problem
