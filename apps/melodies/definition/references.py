"""Which names the strings of a step refer to, and whether they can be compiled at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from .expressions import (
    ExpressionError,
    References,
    compile_condition,
    compile_expression,
    compile_source,
    compile_template,
)
from .kinds import StepKind
from .pointers import child
from .problems import ProblemList

Role = Literal["expression", "source", "literal"]
Roles = Mapping[str, "Role | Roles"]
"""How the strings of a kind's fields are read, by field name; fields not named hold templates. `*` is any list item."""


How = Literal["step", "bare", "maybe"]


class Use(NamedTuple):
    """A name as it was used: surely a `step`; or `bare`, which may be a loop item, a variable, a step or an input; or
    `maybe`, which is bare inside a condition over items and most likely a field of theirs."""

    name: str
    how: How
    pointer: str


class _Names(NamedTuple):
    """The names in `References`, sorted."""

    steps: tuple[str, ...]
    bare: tuple[str, ...]
    maybe: tuple[str, ...]
    variables: tuple[str, ...]


@dataclass(slots=True)
class StepUses:
    """Everything one step refers to."""

    uses: list[Use]
    variables: list[str]


_STEP_NAME = re.compile(r"(?<=steps\.)[A-Za-z_][A-Za-z0-9_]*(?![\w-])")
_LONGEST_PATTERN = 2_000
_COMPILERS: dict[str, Callable[[Any], Any]] = {
    "template": compile_template,
    "expression": compile_expression,
    "source": compile_source,
    "condition": compile_condition,
}


@lru_cache(maxsize=256)
def roles_of(kind: StepKind) -> Roles:
    """The roles a kind declares, as a tree: `operations.*.right_source` is a field inside each item of a list."""
    tree: dict[str, Any] = {}
    declared: tuple[tuple[Role, tuple[str, ...]], ...] = (
        ("expression", kind.expressions),
        ("source", kind.sources),
        ("literal", kind.literals),
    )
    for role, paths in declared:
        for path in paths:
            *above, last = path.split(".")
            node = tree
            for part in above:
                node = node.setdefault(part, {})
            node[last] = role
    return tree


class ReferenceReader:
    """Compiles the strings of one document, each distinct one once."""

    def __init__(self, problems: ProblemList) -> None:
        self._problems = problems
        self._known: dict[tuple[str, str], _Names | ExpressionError] = {}

    def read(self, kind: StepKind, params: Mapping[str, Any], pointer: str, leave_out: frozenset[str]) -> StepUses:
        """The references in a step's own fields, save those in `leave_out` (its bodies)."""
        found = StepUses([], [])
        roles = roles_of(kind)
        for name, value in params.items():
            if name not in leave_out:
                role = roles.get(name) if roles else None
                if type(value) is not str:
                    if type(value) is dict or type(value) is list:
                        self._walk(value, role, child(pointer, name), found)
                elif role is None:
                    if "{{" in value:
                        self._compile("template", value, child(pointer, name), found)
                elif role != "literal":
                    self._compile(role if isinstance(role, str) else "template", value, child(pointer, name), found)
        return found

    def template(self, text: str, pointer: str, found: StepUses) -> None:
        """Add the references of one templated string."""
        self._compile("template", text, pointer, found)

    def condition(self, condition: Any, pointer: str, found: StepUses) -> None:
        """Add the references of a condition: text, or a tree of and/or/not."""
        if isinstance(condition, dict | list):
            if not self._sound(condition, pointer):
                return
        elif not isinstance(condition, str):
            return
        self._compile("condition", condition, pointer, found)

    def _sound(self, condition: Any, pointer: str) -> bool:
        """Whether each leaf of a condition tree compiles; problems point at the leaf."""
        if isinstance(condition, str):
            before = len(self._problems)
            self._compile("condition", condition, pointer, StepUses([], []))
            return len(self._problems) == before
        if isinstance(condition, dict | list):
            members = condition.items() if isinstance(condition, dict) else enumerate(condition)
            sound = [self._sound(member, child(pointer, key)) for key, member in members]
            return all(sound)
        return True

    def _walk(self, value: Any, role: Role | Roles | None, pointer: str, found: StepUses) -> None:
        if type(value) is str:
            self._text(value, role, pointer, found)
        elif (type(value) is not dict and type(value) is not list) or role == "literal":
            return
        elif role == "expression":
            self.condition(value, pointer, found)
        elif type(value) is dict:
            if value.get("type") == "previous_response" and isinstance(value.get("step"), str):
                found.uses.append(Use(value["step"], "step", child(pointer, "step")))
            for key, member in value.items():
                self._walk(
                    member,
                    role.get(key, role.get("*")) if isinstance(role, Mapping) else None,
                    child(pointer, key),
                    found,
                )
        else:
            below = role.get("*") if isinstance(role, Mapping) else None
            for index, member in enumerate(value):
                self._walk(member, below, child(pointer, index), found)

    def _text(self, value: str, role: Role | Roles | None, pointer: str, found: StepUses) -> None:
        if role in ("expression", "source"):
            self._compile(role, value, pointer, found)
        elif role != "literal" and "{{" in value:
            self._compile("template", value, pointer, found)

    def _compile(self, how: str, text: Any, pointer: str, found: StepUses) -> None:
        names = self._names(how, text)
        if isinstance(names, ExpressionError):
            self._problems.add("invalid_expression", str(names), pointer + names.pointer, offset=names.position)
            return
        found.uses.extend([Use(name, "step", pointer) for name in names.steps])
        if names.bare:
            found.uses.extend([Use(name, "bare", pointer) for name in names.bare])
        if names.maybe:
            found.uses.extend([Use(name, "maybe", pointer) for name in names.maybe])
        found.variables.extend(names.variables)

    def _names(self, how: str, text: Any) -> _Names | ExpressionError:
        if not isinstance(text, str):
            return self._fresh(how, text)
        key = (how, text)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._by_pattern(how, text) if "steps." in text else self._fresh(how, text)
        return known

    def _by_pattern(self, how: str, text: str) -> _Names | ExpressionError:
        """Large melodies say the same thing of thousands of steps: compile it once, with stand-ins for their names.

        A stand-in is as good a name as any other, so what compiles with it compiles with the name.
        """
        names: dict[str, str] = {}
        pattern = _STEP_NAME.sub(lambda found: names.setdefault(found.group(), f"s{len(names)}"), text)
        if len(text) > _LONGEST_PATTERN or pattern == text:
            return self._fresh(how, text)
        known = self._known.get((how, pattern))
        if known is None:
            known = self._known[how, pattern] = self._fresh(how, pattern)
        if isinstance(known, ExpressionError):
            return self._fresh(how, text)
        written = {stand_in: name for name, stand_in in names.items()}
        return known._replace(steps=tuple([written.get(name, name) for name in known.steps]))

    def _fresh(self, how: str, text: Any) -> _Names | ExpressionError:
        try:
            references: References = _COMPILERS[how](text).references
        except ExpressionError as error:
            return error
        groups = (references.steps, references.bare, references.maybe, references.variables)
        return _Names(*(tuple(sorted(group)) for group in groups))
