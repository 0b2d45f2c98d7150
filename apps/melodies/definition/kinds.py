"""The registry of step kinds: what the validator must know about a kind before anybody can run it.

A kind is described beside the code that runs it (`workers/steps/<kind>.py`); validation only sees this description, so
the language does not import its engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class BodyField:
    """A field of a composite step that holds steps: a list of them, or a map from label to list."""

    name: str
    shape: Literal["list", "map"]


@dataclass(frozen=True, slots=True)
class StepKind:
    """What the language knows of one step kind.

    `params` validates the kind's own fields (common fields are taken out before). Every string in it is a template,
    except: fields in `expressions` (a bare expression, braces optional), in `sources` (a data source of section 8.1 of
    the language: `previous_response:STEP.field`, `steps.x.y`, a bare name, a template) and in `literals` (taken as is).
    `inline` kinds cost microseconds and run in the worker that finished their predecessor.
    """

    name: str
    params: type[BaseModel]
    summary: str
    queue: Literal["steps", "calls"] = "steps"
    inline: bool = False
    bodies: tuple[BodyField, ...] = ()
    expressions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    sets_variables: bool = False
    """True when the keys of its `variables` field name the variables it sets."""


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
