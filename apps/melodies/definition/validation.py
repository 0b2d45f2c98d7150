"""From a parsed document to a `Definition`, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import hashing
from .collector import paused_collector
from .document import ParsedDocument, parse, plain
from .drafts import Draft, DraftBody
from .edges import add_explicit, complete
from .kinds import StepKind
from .limits import DEFAULT, Limits
from .model import Body, Definition, Edge, Step
from .pointers import child
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
    problems = ProblemList(parsed.limits.max_problems)
    problems.extend(parsed.problems)
    workflow = read_workflow(parsed.value, problems)
    body = _read_body(workflow, kinds, problems) if workflow is not None else None
    if problems or workflow is None or body is None:
        raise InvalidDocument(problems.located(parsed.locate))
    return Definition(
        name=workflow.name,
        mode="dag" if body.dag else "order",
        steps=tuple([_step(draft) for draft in body.steps]),
        document=parsed.value,
        sha256=hashing.sha256(parsed.value),
        description=workflow.description,
        variables=workflow.variables,
    )


def _read_body(workflow: Workflow, kinds: Mapping[str, StepKind], problems: ProblemList) -> DraftBody:
    """Read all steps and settle how they hang together."""
    wants_dag = workflow.mode == "dag" or bool(workflow.connections)
    body = StepReader(kinds, problems).body(workflow.steps, "", child(workflow.pointer, "steps"), dag=wants_dag)
    if body.dag and workflow.mode == "order":
        culprit = "connections" if workflow.connections else "steps with `depends_on`"
        message = f"`mode: order` runs the steps one after the other, but there are {culprit}; write mode: dag or leave it out."
        problems.add("conflicting_fields", message, child(workflow.pointer, "mode"))
    add_explicit(body, problems)
    _connect(workflow, body, problems)
    Resolver(body, workflow.variables, problems).resolve()
    complete(body, problems)
    return body


def _connect(workflow: Workflow, body: DraftBody, problems: ProblemList) -> None:
    for connection in workflow.connections:
        missing = [
            (key, name)
            for key, name in (("from", connection.source), ("to", connection.target))
            if name not in body.positions
        ]
        for key, name in missing:
            where = child(connection.pointer, key)
            problems.add("unknown_step", f"There is no step `{name}` to connect.", where, meant=(name, body.positions))
        if missing:
            continue
        if connection.source == connection.target:
            problems.add(
                "self_reference", f"The step `{connection.source}` is connected to itself.", connection.pointer
            )
        else:
            target = body.steps[body.positions[connection.target]]
            target.edges.setdefault(connection.source, Edge(connection.source))


def _step(draft: Draft) -> Step:
    common = draft.common
    return Step(
        name=draft.name,
        kind=draft.kind.name,
        pointer=draft.pointer,
        params=draft.params,
        edges=tuple(draft.edges.values()),
        join=common.join,
        condition=common.condition if common.enabled else False,
        continue_on_error=common.continue_on_error,
        output_to_file=common.output_to_file,
        timeout_seconds=common.timeout_seconds,
        reads=tuple(draft.reads.values()),
        variables=tuple(dict.fromkeys(draft.variables)),
        bodies=tuple([Body(below.label, tuple([_step(inner) for inner in below.steps])) for below in draft.bodies]),
        description=common.description,
    )
