"""Steps on their way from mapping to `Step`: read, but names not yet resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

from .common_fields import CommonFields
from .defaults import Defaults
from .kinds import StepKind
from .model import Edge, Read
from .references import Use
from .workflow import Workflow


@dataclass(slots=True)
class Draft:
    """One step. `uses` and `variables` are the names its strings mention; `edges` and `reads` what resolution made of them.

    `siblings` are steps of the same list it names without reading them, each with the pointer where it does.
    """

    name: str
    kind: StepKind
    pointer: str
    params: Mapping[str, Any]
    common: CommonFields
    uses: list[Use]
    variables: list[str]
    bodies: list[DraftBody]
    defaults: Defaults
    siblings: Sequence[tuple[str, str]] = ()
    edges: dict[str, Edge] = made(default_factory=dict)
    reads: dict[tuple[str, int], Read] = made(default_factory=dict)


@dataclass(slots=True)
class DraftBody:
    """The steps of one body. `dag` says whether they are ordered by their edges or by their places.

    `field` is the field it was written under, `items` the names that mean something only inside (the loop's item, a handler's
    `error`), `workflow` what a nested workflow says of itself: then the body is a namespace of its own.

    `positions` gives a step's place by its name; `setters` the places of the steps that set a variable, themselves or
    somewhere inside; `inner` the places of the branches (switches) that hold a step of that name; `aliases` the places of
    the steps whose `output_field` has that name; `wishes` are edges (before, after) that are added if the others leave
    room for them.
    """

    label: str
    pointer: str
    steps: list[Draft]
    dag: bool
    field: str = "steps"
    items: tuple[str, ...] = ()
    repeats: bool = False
    workflow: Workflow | None = None
    positions: dict[str, int] = made(default_factory=dict)
    setters: dict[str, list[int]] = made(default_factory=dict)
    inner: dict[str, list[int]] = made(default_factory=dict)
    aliases: dict[str, list[int]] = made(default_factory=dict)
    wishes: list[tuple[int, int]] = made(default_factory=list)

    @property
    def handler(self) -> bool:
        """Whether these steps run only after the step around them, because of how it ended."""
        return self.field in ("on_error", "compensate")


def set_by(step: Draft) -> Iterable[str]:
    """The variables a step sets itself or in its bodies."""
    if step.kind.sets_variables:
        variables = step.params.get("variables")
        if isinstance(variables, Mapping):
            yield from variables
        elif isinstance(step.params.get("variable"), str):
            yield step.params["variable"]
    if step.common.error_output is not None:
        yield step.common.error_output
    for body in step.bodies:
        if body.workflow is None and body.field != "compensate":
            yield from body.setters
