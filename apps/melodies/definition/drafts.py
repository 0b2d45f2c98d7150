"""Steps on their way from mapping to `Step`: read, but names not yet resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .common_fields import CommonFields
from .kinds import StepKind
from .model import Edge, Read
from .references import Use


@dataclass(slots=True)
class Draft:
    """One step. `uses` and `variables` are the names its strings mention; `edges` and `reads` what resolution made of them."""

    name: str
    kind: StepKind
    pointer: str
    params: Mapping[str, Any]
    common: CommonFields
    uses: list[Use]
    variables: list[str]
    bodies: list[DraftBody]
    loop_item: str | None
    edges: dict[str, Edge] = field(default_factory=dict)
    reads: dict[tuple[str, int], Read] = field(default_factory=dict)


@dataclass(slots=True)
class DraftBody:
    """The steps of one body. `dag` says whether they are ordered by their edges or by their places.

    `positions` gives a step's place by its name; `setters` the places of the steps that set a variable, themselves or
    somewhere inside; `inner` the places of the branches (switches) that hold a step of that name; `wishes` are edges
    (before, after) that are added if the others leave room for them.
    """

    label: str
    pointer: str
    steps: list[Draft]
    dag: bool
    positions: dict[str, int] = field(default_factory=dict)
    setters: dict[str, list[int]] = field(default_factory=dict)
    inner: dict[str, list[int]] = field(default_factory=dict)
    wishes: list[tuple[int, int]] = field(default_factory=list)


def set_by(step: Draft) -> Iterable[str]:
    """The variables a step sets itself or in its bodies."""
    if step.kind.sets_variables:
        variables = step.params.get("variables")
        if isinstance(variables, Mapping):
            yield from variables
    for body in step.bodies:
        yield from body.setters
