"""All rules over one document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apps.melodies.definition.document import ParsedDocument, parse
from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.limits import DEFAULT, Limits
from apps.melodies.definition.migration.changes import find_changes
from apps.melodies.definition.model import Definition
from apps.melodies.definition.problems import InvalidDocument, Problem, ProblemList
from apps.melodies.definition.rows_bodies import workflow_of, written_steps
from apps.melodies.definition.source_tokens import Media
from apps.melodies.definition.validation import validate

from . import conditions, names, reach, secrets, sizes, timeouts, tokens, unset, variables
from .look import Constants, Look

_RULES: Final = (
    names.check,
    conditions.check,
    reach.check,
    variables.check,
    unset.check,
    sizes.check,
    tokens.check,
    timeouts.check,
    secrets.check,
)


@dataclass(frozen=True, slots=True)
class Report:
    """`errors` keep a document from being used, `warnings` do not. `definition` is None when there are errors."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    definition: Definition | None


def lint(
    source: str | bytes, kinds: Mapping[str, StepKind], media: Media | None = None, *, limits: Limits = DEFAULT
) -> Report:
    """Validate a document and look at it more closely than running it needs. Never raises for a bad document: what keeps
    it from being read at all is the only error then."""
    try:
        parsed = parse(source, media=media, limits=limits)
    except InvalidDocument as invalid:
        return Report(tuple(invalid.problems), (), None)
    try:
        definition = validate(parsed, kinds)
    except InvalidDocument as invalid:
        warnings = _warnings(parsed, kinds, None, limits)
        return Report(tuple(invalid.problems), _merged(invalid.warnings, warnings), None)
    return Report((), _merged(definition.warnings, _warnings(parsed, kinds, definition, limits)), definition)


def _warnings(
    parsed: ParsedDocument, kinds: Mapping[str, StepKind], definition: Definition | None, limits: Limits
) -> list[Problem]:
    workflow = workflow_of(parsed.value)
    if workflow is None:
        return []
    found = ProblemList(limits.max_problems)
    fields, pointer = workflow
    steps = tuple(written_steps(fields, kinds, pointer))
    look = Look(parsed.value, fields, pointer, steps, kinds, definition, found, Constants())
    for check in _RULES:
        check(look)
    for change in find_changes(parsed.value, kinds):
        look.warn(
            "outdated_form", f"{change.message} `melody migrate` rewrites it.", change.pointer, at_key=change.at_key
        )
    return found.located_warnings(parsed.locate)


def _merged(mine: tuple[Problem, ...] | list[Problem], others: list[Problem]) -> tuple[Problem, ...]:
    """Both in document order; of two with the same code and place, one."""
    together = {(problem.code, problem.pointer, problem.message): problem for problem in (*mine, *others)}
    return tuple(sorted(together.values(), key=lambda problem: (problem.line or 0, problem.column or 0)))
