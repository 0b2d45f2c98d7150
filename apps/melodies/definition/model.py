"""What a document says, after parsing and validation: the input of the compiler.

Pure values, no framework. A `Definition` holds steps in document order; composite steps (loops, switches) hold bodies,
which hold steps. Edges are always between two steps of the same body and are already complete here: the order of a
document without `depends_on`, explicit dependencies, connections and data references all end as `Edge`s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EdgeOn = Literal["success", "failure", "skipped", "done", "order"]
"""When an edge is satisfied. `order` is the edge of documents that run strictly in order: the predecessor has completed
or was skipped."""

Join = Literal["all", "any"] | int
"""How many incoming edges must be satisfied: all, any one, or a number."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An incoming edge: `step` is the name of the predecessor in the same body."""

    step: str
    on: EdgeOn = "success"


@dataclass(frozen=True, slots=True)
class Read:
    """A data reference: `name` as written, `depth` of the body that owns the step (0 = the document's own steps).

    `via` is set when the name belongs to a step inside a finished composite step of that body (a step of a switch case
    read after the switch): the value is then found in the composite's result under `results.<name>`.
    """

    name: str
    depth: int
    via: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """The steps below a composite step: a loop's `steps`, one case of a switch (`label` is the case key).

    `label` is "" for a list body, the key for a map body, "default" for a switch's default.
    """

    label: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step with its common fields taken apart; `params` are the fields of its own kind, as written."""

    name: str
    kind: str
    pointer: str
    params: Mapping[str, Any]
    edges: tuple[Edge, ...] = ()
    join: Join = "all"
    condition: Any = None
    continue_on_error: bool = False
    output_to_file: str | None = None
    timeout_seconds: float | None = None
    reads: tuple[Read, ...] = ()
    variables: tuple[str, ...] = ()
    """Names of the variables this step reads (`state.x` or bare `x`)."""
    bodies: tuple[Body, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A valid document. `document` is the canonical form (plain JSON) that `sha256` is the hash of."""

    name: str
    mode: Literal["order", "dag"]
    steps: tuple[Step, ...]
    document: Mapping[str, Any]
    sha256: str
    description: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)

    def walk(self) -> Iterator[Step]:
        """Every step, outer before inner, in document order."""
        pending = list(reversed(self.steps))
        while pending:
            step = pending.pop()
            yield step
            for body in reversed(step.bodies):
                pending.extend(reversed(body.steps))
