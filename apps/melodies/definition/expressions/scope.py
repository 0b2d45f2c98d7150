"""What an expression can see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from apps.melodies.definition.expressions.limits import Budget


class Missing:
    """The type of MISSING: nothing is there, which differs from a null that is there."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


@dataclass(slots=True)
class Scope:
    """The names an expression can read. Values are JSON; the mappings may load their values on demand."""

    steps: Mapping[str, Any] = field(default_factory=dict)
    """Results by step name."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """The run's variables, those of the loop's iteration over them."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    loop: Mapping[str, Any] | None = None
    """The data of the innermost loop, with `parent` for the outer one."""
    workflow: Mapping[str, Any] = field(default_factory=dict)
    """The fields of the document without its steps; `config.x` and `environment.x` look in here as well."""
    builtins: Mapping[str, Any] = field(default_factory=dict)
    """timestamp, date, execution_id."""
    global_vars: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    """Variables of the worker's environment that melodies may read, for `${NAME}`."""
    step: Mapping[str, Any] = field(default_factory=dict)
    """What is known of the step itself (its name)."""
    locals: Mapping[str, Any] = field(default_factory=dict)
    """The step's own `variables`; they hide variables of the run."""
    error: Mapping[str, Any] | None = None
    """Inside handlers: code, message and step of the failure."""
    item: Any = MISSING
    """What `@` and bare field names refer to."""


class Frame:
    """One evaluation under way: the scope, the item at hand and what is left of the budget."""

    __slots__ = ("budget", "item", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.item = scope.item
        self.budget = Budget()


Run = Callable[[Frame], Any]
"""A compiled piece of an expression."""

LOOP_FIELDS: Final = frozenset(
    {
        "index",
        "total",
        "first",
        "last",
        "level",
        "length",
        "is_first",
        "is_last",
        "parent",
        "iteration",
        "count",
        "previous",
    }
)
"""Names in loop data that describe the loop; every other name in it is an iterator."""


def iterator_value(loop: Mapping[str, Any] | None, name: str) -> Any:
    """The item of the innermost loop whose iterator has this name, or MISSING."""
    for _ in range(32):
        if loop is None or name in LOOP_FIELDS:
            return MISSING
        value = loop.get(name, MISSING)
        if value is not MISSING:
            return value
        loop = loop.get("parent")
        if not isinstance(loop, Mapping):
            return MISSING
    return MISSING


def bare_value(frame: Frame, name: str) -> Any:
    """A bare name: local, loop item, error, variable, step, input, global_vars, built-in, environment; the first that
    knows it, or MISSING."""
    scope = frame.scope
    value = scope.locals.get(name, MISSING) if scope.locals else MISSING
    if value is MISSING and scope.loop is not None:
        value = iterator_value(scope.loop, name)
    if value is not MISSING:
        return value
    if name == "error" and scope.error is not None:
        return scope.error
    for names in (scope.state, scope.steps, scope.inputs, scope.global_vars, scope.builtins, scope.environment):
        value = names.get(name, MISSING)
        if value is not MISSING:
            return value
    return MISSING
