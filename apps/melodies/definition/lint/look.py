"""What the rules look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.melodies.definition.expressions import ExpressionError, Scope, compile_condition, compile_source
from apps.melodies.definition.expressions.references import References
from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.model import Definition
from apps.melodies.definition.pointers import child
from apps.melodies.definition.problems import ProblemList
from apps.melodies.definition.rows_bodies import Written

# Names that give a value and are not counted as references, for they need nothing of the document.
_CHANGING: Final = re.compile(
    r"\b(workflow|config|environment|step|global_vars|loop|item|now|date|timestamp|execution_id|state|inputs|steps)\b"
)
_LONGEST_EVALUATED: Final = 1_000
_MOST_EVALUATED: Final = 500


@dataclass(frozen=True, slots=True)
class Look:
    """A document as written, its steps, and (when it is valid) what it was read as. Warnings go to `found`."""

    document: Any
    workflow: Mapping[str, Any]
    pointer: str
    steps: tuple[Written, ...]
    kinds: Mapping[str, StepKind]
    definition: Definition | None
    found: ProblemList
    constants: Constants

    def warn(self, code: str, message: str, pointer: str, *, at_key: bool = False) -> None:
        self.found.warn(code, message, pointer, at_key=at_key)


def strings(value: Any, pointer: str) -> Iterator[tuple[str, str, str]]:
    """Every text below a value as (pointer, key of the mapping it stands in, text)."""
    pending: list[tuple[str, str, Any]] = [(pointer, "", value)]
    while pending:
        where, key, current = pending.pop()
        if isinstance(current, str):
            yield where, key, current
        elif isinstance(current, dict):
            pending.extend((child(where, name), str(name), member) for name, member in current.items())
        elif isinstance(current, list):
            pending.extend((child(where, index), key, member) for index, member in enumerate(current))


class Constants:
    """What expressions come out as that read nothing. Evaluates a bounded number of different ones: a document comes from a
    stranger, and each may be as costly as an expression may be."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def outcome(self, condition: Any) -> bool | None:
        """What a condition always comes out as; None when that depends, or it cannot be read."""
        if condition is None or isinstance(condition, bool):
            return condition is not False
        found = self._value(f"condition {condition!r}", condition, _outcome)
        return found if isinstance(found, bool) else None

    def items(self, source: Any) -> list[Any] | None:
        """The list a data source always gives: written out, or an expression that reads nothing, such as range(1, 9)."""
        if isinstance(source, list):
            return source
        if not isinstance(source, str) or len(source) > _LONGEST_EVALUATED:
            return None
        found = self._value(f"source {source}", source, _source)
        return found if isinstance(found, list) else None

    def _value(self, key: str, written: Any, evaluate: Callable[[Any], Any]) -> Any:
        if key not in self._known:
            if len(self._known) >= _MOST_EVALUATED:
                return None
            try:
                self._known[key] = None if _depends(written) else evaluate(written)
            except ExpressionError:
                self._known[key] = None
        return self._known[key]


def _outcome(condition: Any) -> bool | None:
    compiled = compile_condition(condition)
    return None if _reads(compiled.references) else compiled.holds(Scope())


def _source(source: str) -> Any:
    compiled = compile_source(source)
    return None if _reads(compiled.references) else compiled.evaluate(Scope())


def _reads(references: References) -> bool:
    return references.loop or any(
        (references.steps, references.variables, references.bare, references.inputs, references.environment)
    )


def _depends(written: Any) -> bool:
    return any("${" in text or _CHANGING.search(text) for _, _, text in strings(written, ""))
