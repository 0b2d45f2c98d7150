"""From a parsed document to a `Definition`, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import hashing
from .collector import paused_collector
from .document import ParsedDocument, parse, plain
from .drafts import Draft, DraftBody
from .edges import add_explicit, complete
from .finishing import made
from .kinds import StepKind
from .limits import DEFAULT, Limits
from .model import Definition, Step
from .problems import InvalidDocument, ProblemList
from .resolution import Resolver
from .source_tokens import Media
from .steps import StepReader
from .workflow import Workflow, read_workflow


def load(
    source: str | bytes, kinds: Mapping[str, StepKind], media: Media | None = None, *, limits: Limits = DEFAULT
) -> Definition:
    """Parse and validate a source text."""
    return validate(parse(source, media=media, limits=limits), kinds)


def load_value(value: Mapping[str, Any], kinds: Mapping[str, StepKind], *, limits: Limits = DEFAULT) -> Definition:
    """Validate a document that was parsed elsewhere; problems have pointers but no lines."""
    return validate(plain(value, limits=limits), kinds)


def validate(parsed: ParsedDocument, kinds: Mapping[str, StepKind]) -> Definition:
    """Check a document against the language and the known step kinds.

    Raises `InvalidDocument` with every problem of the document.
    """
    with paused_collector():
        return _validate(parsed, kinds)


def _validate(parsed: ParsedDocument, kinds: Mapping[str, StepKind]) -> Definition:
    problems = ProblemList(parsed.limits.max_problems, parsed.limits)
    problems.extend(parsed.problems)
    workflow = read_workflow(parsed.value, problems)
    body = _read_body(workflow, kinds, problems) if workflow is not None else None
    if problems or workflow is None or body is None:
        raise InvalidDocument(problems.located(parsed.locate), problems.located_warnings(parsed.locate))
    return Definition(
        name=workflow.name,
        mode="dag" if body.dag else "order",
        steps=_made_all(body.steps),
        document=parsed.value,
        sha256=hashing.sha256(parsed.value),
        description=workflow.description,
        variables=workflow.variables,
        limits=workflow.limits,
        warnings=tuple(problems.located_warnings(parsed.locate)),
        output_dir=workflow.output_dir,
    )


def _made_all(drafts: list[Draft]) -> tuple[Step, ...]:
    """Each draft goes as its step comes: 100,000 of both at once would take twice the room."""
    drafts.reverse()
    return tuple([made(drafts.pop()) for _ in range(len(drafts))])


def _read_body(workflow: Workflow, kinds: Mapping[str, StepKind], problems: ProblemList) -> DraftBody:
    """Read all steps and settle how they hang together."""
    body = StepReader(kinds, workflow, problems).workflow(workflow)
    add_explicit(body, problems)
    Resolver(body, problems).resolve()
    complete(body, problems)
    return body
