"""The registry of step kinds: what the validator must know about a kind before anybody can run it.

A kind is described beside the code that runs it (`workers/steps/<kind>.py`); validation only sees this description, so
the language does not import its engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class BodyField:
    """A field of a composite step that holds steps: a list of them, a map from label to list, or a whole `workflow`
    (with or without that key around it), whose steps see nothing of the document around them."""

    name: str
    shape: Literal["list", "map", "workflow"]
    optional: bool = False
    """True when the step may do without this field even if it is the only one that holds steps."""


@dataclass(frozen=True, slots=True)
class DerivedBody:
    """Steps that are written in a shorter form inside a step (the `parallel_tasks` of parallel_claude).

    `steps` are whole steps (mappings with name and type); `pointers` are, relative to the step, where each is written,
    so that problems are reported there. `loop_item` is the item's name when the body runs once for each item of a list.
    """

    label: str
    steps: Sequence[Mapping[str, Any]]
    pointers: Sequence[str]
    loop_item: str | None = None


Derive = Callable[[Mapping[str, Any]], Sequence[DerivedBody]]
"""From a step as written (possibly invalid: then leave out what cannot be read) to its derived bodies, in a stable order."""


@dataclass(frozen=True, slots=True)
class StepKind:
    """What the language knows of one step kind.

    `params` validates the kind's own fields (common fields are taken out before). Every string in it is a template,
    except: fields in `expressions` (a bare expression, braces optional), in `sources` (a data source of section 8.1 of
    the language: `previous_response:STEP.field`, `steps.x.y`, a bare name, a template) and in `literals` (taken as is).
    `inline` kinds cost microseconds and run in the worker that finished their predecessor.

    A field of this model that has the name of a field every step may have (`condition`, `retry`, `variables`) is the kind's
    own; `output_schema` is both.
    """

    name: str
    params: type[BaseModel]
    summary: str
    queue: Literal["steps", "calls", "heavy"] = "steps"
    inline: bool = False
    bodies: tuple[BodyField, ...] = ()
    expressions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    per_item: tuple[str, ...] = ()
    """Texts and trees of them that the kind evaluates once for each item of a list: what they name as `steps.x` or
    `state.x` is read, bare names are mostly fields of the items. They are not templates, and the kind itself checks them."""
    sets_variables: bool = False
    """True when the keys of its `variables` field, and the text of its `variable` field, name the variables it sets."""
    derive: Derive | None = None
    """Makes bodies from the step's own fields. They come after those of `bodies`; the fields stay in `params`."""
    branches: bool = False
    """True when inner results keep their names after the step has ended, as those of a switch case do."""
    steps: tuple[str, ...] = ()
    """Fields that name steps of the same list (a text or a list of texts); naming one makes no edge and no read."""
    references: Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]] | None = None
    """Steps a step reads besides those its templates name, as (step name, JSON pointer relative to the step): the
    `previous_response` parts of a prompt."""
    retries_itself: bool = False
    """True when the kind has its own rules for failures (`retry_config`) and answers `Again`."""
    repeats: bool = False
    """True when its list body runs pass after pass: inside, a step may read what a later one gave in the pass before."""
    common: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    """From a step as written to fields every step may have that it says in words of its own (the `config.timeout_seconds`
    of a pipeline). They count where the step does not say them itself."""
    waits: bool = False
    """True when it waits for time or people, so that a workflow's default timeout is not meant for it."""


_KINDS: dict[str, StepKind] = {}


def register(kind: StepKind) -> StepKind:
    """Add a kind. The same name twice is a programming error, unless it is the very same description."""
    known = _KINDS.setdefault(kind.name, kind)
    if known is not kind:
        raise ValueError(f"step kind {kind.name!r} is registered twice")
    return kind


def known_kinds() -> Mapping[str, StepKind]:
    """All registered kinds by name."""
    return _KINDS
