"""Doing to a document what a diff says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.rows import ConnectionRow, Graph, StepRow, to_document, to_rows

from .compare import by_ends
from .model import Diff, ListKey, StepDelta
from .values import changed


def apply(found: Diff, document: Mapping[str, Any], kinds: Mapping[str, StepKind]) -> dict[str, Any]:
    """The document that `found` leads to from this one, which must be the one it was made of."""
    graph = to_rows(document, kinds)
    gone = {identifier for identifier, _ in found.removed}
    deltas = {delta.id: delta for delta in found.steps}
    rows = [_step(row, deltas.get(row.id)) for row in graph.steps if row.id not in gone]
    rows += [row for row, _ in found.added]
    places = {(key, identifier): index for key, ids in found.orders.items() for index, identifier in enumerate(ids)}
    placed = [replace(row, order_index=places.get((_key(row), row.id), row.order_index)) for row in rows]
    workflow, beside = changed(graph.workflow, found.workflow), changed(graph.beside, found.beside)
    return to_document(Graph(workflow, placed, _edges(found, graph), beside), kinds)


def _key(row: StepRow) -> ListKey:
    return ListKey(row.parent, row.body, row.label)


def _edges(found: Diff, graph: Graph) -> list[ConnectionRow]:
    """Edges are told apart as they were compared: by their ends, and their place among those with the same ends."""
    gone = {edge.ends for edge in found.connections_removed} | {before.ends for before, _ in found.connections_redrawn}
    new = [edge.row for edge in found.connections_added] + [after.row for _, after in found.connections_redrawn]
    return [edge for ends, edge in by_ends(graph.connections) if ends not in gone] + new


def _step(row: StepRow, delta: StepDelta | None) -> StepRow:
    if delta is None:
        return row
    now = delta.row
    return replace(
        row, name=now.name, type=now.type, parent=now.parent, body=now.body, label=now.label, order_index=now.order_index,
        enabled=now.enabled, config=changed(row.config, delta.fields),
    )  # fmt: skip
