"""Which names the strings of a step refer to, and whether they can be compiled at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, NamedTuple

from .expressions import (
    ExpressionError,
    References,
    compile_condition,
    compile_expression,
    compile_source,
    compile_template,
)
from .expressions.tokens import split_template
from .kinds import StepKind
from .pointers import child
from .problems import InvalidDocument, Problem, ProblemList

Role = Literal["expression", "source", "literal", "per_item"]
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


_NO_NAMES = _Names((), (), (), ())


@dataclass(slots=True)
class StepUses:
    """Everything one step refers to."""

    uses: list[Use]
    variables: list[str]


def _may_refer(value: Any, role: Role | Roles | None) -> bool:
    """A quick look, to save the way into values that name nothing."""
    if type(value) is str:
        return "{{" in value or role in ("expression", "source", "per_item")
    return type(value) is dict or type(value) is list


def _inherited(role: Role | Roles | None) -> Role | None:
    """What is said of a field holds for everything in it only where it is evaluated per item."""
    return "per_item" if role == "per_item" else None


_STAND_IN = re.compile(r"(?<![\w-])(?:(?<=steps\.)|(?<=state\.)|(?=\w*\d))[A-Za-z_][A-Za-z0-9_]*(?![\w-])")
"""Names of steps and variables, and names with a digit, which are most likely numbered."""
_NUMBER = re.compile(r"(?<![\w.'\"-])\d{1,6}(?![\w.])")
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
        ("per_item", kind.per_item),
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
        self._roles: dict[str, Roles] = {}

    def read(self, kind: StepKind, params: Mapping[str, Any], pointer: str, leave_out: Collection[str]) -> StepUses:
        """The references in a step's own fields, save those in `leave_out` (its bodies)."""
        found = StepUses([], [])
        roles = self._roles.get(kind.name)
        if roles is None:
            roles = self._roles[kind.name] = roles_of(kind)
        parts = kind.references is None
        for name, value in params.items():
            if name not in leave_out:
                role = roles.get(name) if roles else None
                if type(value) is not str:
                    if type(value) is dict or type(value) is list:
                        self._walk(value, role, child(pointer, name), found, parts=parts)
                elif role is None:
                    if "{{" in value:
                        self._compile("template", value, child(pointer, name), found)
                else:
                    self._text(value, role, child(pointer, name), found)
        if kind.references is not None:
            for name, where in kind.references(params):
                if "{{" not in name:
                    found.uses.append(Use(name, "step", pointer + where))
        return found

    def value(self, value: Any, kind: StepKind, path: Sequence[str], pointer: str, found: StepUses) -> None:
        """Add the references of one value of a step, found in its params at `path` but written at `pointer`."""
        role: Role | Roles | None = roles_of(kind)
        for part in path:
            role = role.get(part) if isinstance(role, Mapping) else role
        self._walk(value, role, pointer, found, parts=False)

    def templates(self, value: Any, pointer: str, found: StepUses) -> None:
        """Add the references of any value whose texts are templates."""
        self._walk(value, None, pointer, found, parts=False)

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

    def _walk(self, value: Any, role: Role | Roles | None, pointer: str, found: StepUses, *, parts: bool) -> None:
        if type(value) is str:
            self._text(value, role, pointer, found)
        elif (type(value) is not dict and type(value) is not list) or role == "literal":
            return
        elif role == "expression":
            self.condition(value, pointer, found)
        elif type(value) is dict:
            if parts and value.get("type") == "previous_response" and isinstance(value.get("step"), str):
                found.uses.append(Use(value["step"], "step", child(pointer, "step")))
            for key, member in value.items():
                below = role.get(key, role.get("*")) if isinstance(role, Mapping) else _inherited(role)
                if _may_refer(member, below):
                    self._walk(member, below, child(pointer, key), found, parts=parts)
        else:
            below = role.get("*") if isinstance(role, Mapping) else _inherited(role)
            for index, member in enumerate(value):
                if _may_refer(member, below):
                    self._walk(member, below, child(pointer, index), found, parts=parts)

    def _text(self, value: str, role: Role | Roles | None, pointer: str, found: StepUses) -> None:
        if role in ("expression", "source"):
            self._compile(role, value, pointer, found)
        elif role == "per_item":
            self._per_item(value, pointer, found)
        elif role != "literal" and "{{" in value:
            self._compile("template", value, pointer, found)

    def _per_item(self, text: str, pointer: str, found: StepUses) -> None:
        """What a text reads that is evaluated for each item. Its bare names are mostly fields of the items."""
        if text.isidentifier() or not text:
            return
        names = self._names("template" if "{{" in text else "condition", text)
        if isinstance(names, ExpressionError):
            return
        for group in (names.steps, names.bare, names.maybe):
            found.uses.extend([Use(name, "maybe", pointer) for name in group])
        found.variables.extend(names.variables)

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
            known = self._template(text) if how == "template" else self._by_pattern(how, text)
            self._known[key] = known
        return known

    def _template(self, text: str) -> _Names | ExpressionError:
        """A template is what its expressions are; the text around them says nothing."""
        try:
            inside = [part[0] for part in split_template(text) if not isinstance(part, str)]
        except ExpressionError as error:
            return error
        found = []
        for expression in inside:
            names = self._names("expression", expression)
            if isinstance(names, ExpressionError):
                return self._fresh("template", text)
            found.append(names)
        if len(found) == 1:
            return found[0]
        return (
            _Names(*(tuple(dict.fromkeys(chain(*groups))) for groups in zip(*found, strict=True)))
            if found
            else _NO_NAMES
        )

    def _by_pattern(self, how: str, text: str) -> _Names | ExpressionError:
        """Large melodies say the same thing of thousands of steps: compile it once, with stand-ins for names and numbers.

        A stand-in is as good a name or number as any other, so what compiles with it compiles with the original; but for
        numbers in brackets, which may be names, and for patterns, where every letter counts.
        """
        if len(text) > _LONGEST_PATTERN or "matches" in text:
            return self._fresh(how, text)
        names: dict[str, str] = {}
        pattern = _STAND_IN.sub(lambda found: names.setdefault(found.group(), f"n{len(names)}"), text)
        if "[" not in pattern:
            pattern = _NUMBER.sub("7", pattern)
        if pattern == text:
            return self._fresh(how, text)
        known = self._known.get((how, pattern))
        if known is None:
            known = self._known[how, pattern] = self._fresh(how, pattern)
        if isinstance(known, ExpressionError):
            return self._fresh(how, text)
        if not names:
            return known
        written = {stand_in: name for name, stand_in in names.items()}
        return _Names(*[tuple([written.get(name, name) for name in group]) if group else group for group in known])

    def _fresh(self, how: str, text: Any) -> _Names | ExpressionError:
        if not self._problems.allowance.affords("max_expressions"):
            message = (
                f"The document has more than {self._problems.allowance.limits.max_expressions:,} different expressions."
            )
            raise InvalidDocument([Problem("too_many_expressions", message)])
        try:
            references: References = _COMPILERS[how](text).references
        except ExpressionError as error:
            return error
        groups = (references.steps, references.bare, references.maybe, references.variables)
        return _Names(*(tuple(sorted(group)) for group in groups))
