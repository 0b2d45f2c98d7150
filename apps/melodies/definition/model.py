"""What a document says, after parsing and validation: the input of the compiler.

Pure values, no framework. A `Definition` holds steps in document order; composite steps (loops, switches) hold bodies,
which hold steps. Edges are always between two steps of the same body and are already complete here: the order of a
document without `depends_on`, explicit dependencies, connections and data references all end as `Edge`s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .limiting import Limit
from .policies import CachePolicy, RetryPolicy, WorkflowLimits
from .problems import Problem
from .timeouts import NO_TIMEOUTS, Timeouts

EdgeOn = Literal["success", "failure", "skipped", "done", "order"]
"""When an edge is satisfied. `order` is the edge of documents that run strictly in order: the predecessor has completed
or was skipped."""

REMEMBERED_VARIABLES = "$variables"
"""Name of the melody's record in which variables of scope `session` outlive a run."""

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

    `via` is set when the value is a part of another step's result: of a finished composite step that holds a step of this
    name (a step of a switch case read after the switch), then it is found under `results.<name>`; or, with `field`, of a
    step whose `output_field` has this name, then it is found under `<name>`.

    `previous_pass` is set inside a loop that repeats: the step runs later in the same body, so its value is that of the
    pass before this one, null in the first.
    """

    name: str
    depth: int
    via: str | None = None
    field: bool = False
    previous_pass: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """Steps below a step. A step's bodies come in the order of their numbers: those of its kind's fields (cases of a map in
    stored order), derived ones, then its handlers.

    `field` is the field it was written under; of a body the kind derives "derived"; of handlers "on_error" or "compensate".
    `label` is the case key of a map, "default" for a switch's default, the label of a derived body, the name of a nested
    workflow, else "".

    An `isolated` body is a namespace of its own: a nested workflow, whose fields without the steps are `workflow`, and whose
    first variables are `variables`.
    """

    label: str
    steps: tuple[Step, ...]
    isolated: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)
    workflow: Mapping[str, Any] = field(default_factory=dict)
    field: str = "steps"


@dataclass(frozen=True, slots=True)
class Step:
    """One step with its common fields taken apart; `params` are the fields of its own kind, completed by the defaults of
    the workflow around it.

    `local_variables` are templates; their values are `step.variables.x`, or bare `x`, in this step's own fields only.
    """

    name: str
    kind: str
    pointer: str
    params: Mapping[str, Any]
    edges: tuple[Edge, ...] = ()
    join: Join = "all"
    cancel_rest: bool = False
    condition: Any = None
    continue_on_error: bool = False
    output_to_file: str | None = None
    timeout_seconds: float | None = None
    timeouts: Timeouts = NO_TIMEOUTS
    reads: tuple[Read, ...] = ()
    variables: tuple[str, ...] = ()
    """Names of the variables this step reads (`state.x` or bare `x`)."""
    bodies: tuple[Body, ...] = ()
    description: str = ""
    retry: RetryPolicy | None = None
    cache: CachePolicy | None = None
    output_schema: Mapping[str, Any] | bool | None = None
    error_output: str | None = None
    local_variables: Mapping[str, Any] = field(default_factory=dict)
    exclusive: str | None = None
    streaming: bool = False
    """The document asks for a streamed result (`streaming.enabled`)."""
    queue: str | None = None
    """Of workers, when it is not the one of its kind."""
    requires: tuple[str, ...] = ()
    """Capabilities its worker must have, sorted."""
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A valid document. `document` is the canonical form (plain JSON) that `sha256` is the hash of.

    `warnings` are what a person should look at although the document can be used. `output_dir` is the folder, inside the
    run's own, for files of `output_to_file`.
    """

    name: str
    mode: Literal["order", "dag"]
    steps: tuple[Step, ...]
    document: Mapping[str, Any]
    sha256: str
    description: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    limits: WorkflowLimits = field(default_factory=WorkflowLimits)
    warnings: tuple[Problem, ...] = ()
    output_dir: str | None = None

    def walk(self) -> Iterator[Step]:
        """Every step, outer before inner, in document order."""
        pending = list(reversed(self.steps))
        while pending:
            step = pending.pop()
            yield step
            for body in reversed(step.bodies):
                pending.extend(reversed(body.steps))
