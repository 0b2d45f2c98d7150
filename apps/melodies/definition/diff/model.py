"""What `diff` finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from apps.melodies.definition.rows import ConnectionRow, StepRow

from .values import Change

Ends = tuple[str, str, str, str, str, int]
"""Both steps, both ports, the origin, and the place among those where all that is the same."""


class ListKey(NamedTuple):
    """A list of steps: the step it is in (None for the document's own), the field, the key in a map of lists."""

    parent: str | None
    body: str
    label: str


class StepPlace(NamedTuple):
    """A step for people: the names of the steps around it and its own, its type, and where it stands in its document."""

    names: tuple[str, ...]
    type: str
    pointer: str

    def __str__(self) -> str:
        return " › ".join(self.names)


@dataclass(frozen=True, slots=True)
class StepDelta:
    """A step that both documents have, and how it differs. `reordered`: the same list, another place among its steps."""

    id: str
    before: StepPlace
    after: StepPlace
    row: StepRow
    moved: bool
    reordered: bool
    was_enabled: bool
    fields: tuple[Change, ...]
    """In its `config`."""

    @property
    def switched(self) -> bool:
        return self.was_enabled != self.row.enabled

    @property
    def changes(self) -> tuple[Change, ...]:
        """In all it says but its name and type."""
        if not self.switched:
            return self.fields
        return (Change("replace", ("enabled",), self.was_enabled, self.row.enabled), *self.fields)

    @property
    def renamed(self) -> bool:
        return self.before.names[-1] != self.after.names[-1]

    @property
    def retyped(self) -> bool:
        return self.before.type != self.after.type

    @property
    def differs(self) -> bool:
        return bool(self.renamed or self.retyped or self.moved or self.reordered or self.changes)


@dataclass(frozen=True, slots=True)
class Edge:
    """A connection or dependency, with the names of its ends. `ends` tells it from all others."""

    ends: Ends
    row: ConnectionRow
    from_step: str
    to_step: str


@dataclass(slots=True)
class Diff:
    """From one document to another. Ids are those of the first document's rows; steps that only the second has bear
    new ones, which begin with "+"."""

    workflow: list[Change] = field(default_factory=list)
    beside: list[Change] = field(default_factory=list)
    removed: list[tuple[str, StepPlace]] = field(default_factory=list)
    added: list[tuple[StepRow, StepPlace]] = field(default_factory=list)
    steps: list[StepDelta] = field(default_factory=list)
    """Steps of both that differ in anything."""
    orders: dict[ListKey, tuple[str, ...]] = field(default_factory=dict)
    """The ids of each list of steps that is not what it was."""
    connections_removed: list[Edge] = field(default_factory=list)
    connections_added: list[Edge] = field(default_factory=list)
    connections_redrawn: list[tuple[Edge, Edge]] = field(default_factory=list)
    """The same edge between the same steps, written in another way or at another place of its list."""

    @property
    def is_empty(self) -> bool:
        return not (
            self.workflow or self.beside or self.removed or self.added or self.steps or self.orders
            or self.connections_removed or self.connections_added or self.connections_redrawn
        )  # fmt: skip

    def counts(self) -> dict[str, int]:
        return {
            "steps_added": len(self.added),
            "steps_removed": len(self.removed),
            "steps_renamed": sum(delta.renamed for delta in self.steps),
            "steps_moved": sum(delta.moved or delta.reordered for delta in self.steps),
            "steps_changed": sum(delta.retyped or bool(delta.changes) for delta in self.steps),
            "connections_added": len(self.connections_added),
            "connections_removed": len(self.connections_removed),
            "workflow_changed": len({change.path[:1] for change in (*self.workflow, *self.beside)}),
        }
