"""The rows of a melody's graph: reading them, and the only writer of them. Whether somebody may is for services to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Model

from apps.accounts.models import User
from apps.core.ids import uuid7
from apps.melodies.definition import Definition, InvalidDocument, load_value
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.rows import (
    ConnectionRow,
    Graph,
    Origin,
    StepRow,
    keep_places,
    paths,
    to_document,
    to_rows,
)
from apps.melodies.definition.rows_checks import check_rows
from apps.melodies.definition.rows_layout import lay_out
from apps.melodies.errors import GraphChanged, GraphInvalid
from apps.melodies.models import LONGEST_LABEL, Melody, MelodyConnection, MelodyGraph, MelodyStep, MelodyVersion
from apps.melodies.queries import version_of

MOST_FOLLOWED: Final = 2_000
"""A larger melody's rows are written when somebody edits them, not with every version."""
_BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class MelodyRows:
    """A melody's graph: ids are UUIDs as text. `revision` is 0 while it is only computed from the version, not stored;
    `changed` says that it differs from the version; `behind` that a later version was published since."""

    graph: Graph
    version: MelodyVersion
    revision: int
    changed: bool
    behind: bool = False


# -- reading -------------------------------------------------------------------------------------------------------
def rows_of(melody: Melody) -> MelodyRows:
    """What is stored, if it is of the latest version or holds changes; else what the latest version says."""
    latest = version_of(melody)
    header = MelodyGraph.objects.filter(melody=melody).select_related("version").first()
    if header is not None and (header.changed or header.version_id == latest.pk):
        return MelodyRows(
            _stored(header), header.version, header.revision, header.changed, behind=header.version_id != latest.pk
        )
    return MelodyRows(_computed(latest, None, _stored(header) if header else None), latest, 0, changed=False)


def document_of(rows: MelodyRows) -> dict[str, Any]:
    return to_document(rows.graph, known_kinds())


def _stored(header: MelodyGraph) -> Graph:
    """Rows in an order in which each stands after the one it is in."""
    inside: dict[str | None, list[StepRow]] = {}
    for step in MelodyStep.objects.filter(melody=header.melody_id).order_by("order_index", "id"):
        row = _step_row(step)
        inside.setdefault(row.parent, []).append(row)
    steps: list[StepRow] = []
    pending = list(reversed(inside.get(None, [])))
    while pending:
        row = pending.pop()
        steps.append(row)
        pending.extend(reversed(inside.get(row.id, [])))
    edges = MelodyConnection.objects.filter(melody=header.melody_id).order_by("order_index", "id")
    return Graph(dict(header.workflow), steps, [_connection_row(edge) for edge in edges], dict(header.beside))


def _step_row(step: MelodyStep) -> StepRow:
    parent = str(step.parent_step_id) if step.parent_step_id is not None else None
    return StepRow(
        str(step.pk), step.name, step.type, dict(step.config), step.enabled, parent, step.body, step.label,
        step.order_index, step.position_x, step.position_y, step.width, step.height,
    )  # fmt: skip


def _connection_row(edge: MelodyConnection) -> ConnectionRow:
    origin: Origin = "dependency" if edge.origin == "dependency" else "connection"
    return ConnectionRow(
        str(edge.from_step_id), str(edge.to_step_id), edge.from_output, edge.to_input, origin, edge.order_index,
        dict(edge.extra), edge.path_data,
    )  # fmt: skip


def _computed(version: MelodyVersion, definition: Definition | None, before: Graph | None) -> Graph:
    """The rows of a version. Steps that were there before under the same names keep their ids and places; the ids of new
    ones follow from their names, so that looking twice shows the same."""
    graph = to_rows(version.document, known_kinds())
    known = {path: step for step, path in paths(before.steps).items()} if before is not None else {}
    taken = set(known.values())
    ids: dict[str, str] = {}
    for step, path in paths(graph.steps).items():
        made = known.get(path) or str(uuid5(version.melody_id, "\0".join(path)))
        ids[step] = made if path in known or made not in taken else str(uuid7())
    kept = keep_places(graph, before) if before is not None else set()
    lay_out(graph, definition or _definition(version), placed=kept)
    return _renamed(graph, ids)


def _renamed(graph: Graph, ids: Mapping[str, str]) -> Graph:
    steps = [
        replace(row, id=ids[row.id], parent=ids[row.parent] if row.parent is not None else None) for row in graph.steps
    ]
    edges = [replace(edge, from_step=ids[edge.from_step], to_step=ids[edge.to_step]) for edge in graph.connections]
    return Graph(graph.workflow, steps, edges, graph.beside)


def _definition(version: MelodyVersion) -> Definition | None:
    try:
        return load_value(version.document, known_kinds())
    except InvalidDocument:
        # Valid when it was published; the language has become stricter since.
        return None


# -- writing -------------------------------------------------------------------------------------------------------
def import_version(*, actor: User, version: MelodyVersion, definition: Definition | None = None) -> MelodyRows:
    """Make the rows say what a version says. Steps whose names stay keep their ids and places."""
    with transaction.atomic():
        header = _locked(version.melody_id)
        graph = _computed(version, definition, _stored(header) if header is not None else None)
        _check_lengths(graph)
        revision = _store(actor, version, graph, header, changed=False)
    return MelodyRows(graph, version, revision, changed=False)


def follow(*, actor: User, version: MelodyVersion, definition: Definition) -> None:
    """A version was published: rows that hold no changes of their own follow it. Nobody's changes are lost."""
    header = MelodyGraph.objects.filter(melody=version.melody_id).first()
    if header is not None and not header.changed and version.step_count <= MOST_FOLLOWED:
        import_version(actor=actor, version=version, definition=definition)


def replace_rows(*, actor: User, melody: Melody, graph: Graph, revision: int | None) -> MelodyRows:
    """Store what an editor has sent. With `revision`, only if that is what the editor had read."""
    problems = check_rows(graph, known_kinds())
    if problems:
        raise GraphInvalid("The rows do not hang together.", errors=[asdict(problem) for problem in problems])
    _check_lengths(graph)
    with transaction.atomic():
        Melody.objects.select_for_update().get(pk=melody.pk)
        header = _locked(melody.pk)
        current = rows_of(melody)
        if revision is not None and revision != current.revision:
            raise GraphChanged(f"The graph is at revision {current.revision} by now, not {revision}.")
        graph = _renamed(graph, _uuids(graph.steps))
        changed = document_of(replace(current, graph=graph)) != current.version.document
        number = _store(actor, current.version, graph, header, changed=changed)
    return MelodyRows(graph, current.version, number, changed, behind=current.behind)


def settle(*, actor: User, melody: Melody, version: MelodyVersion) -> None:
    """The rows were published as this version."""
    MelodyGraph.objects.filter(melody=melody).update(version=version, changed=False, updated_by=actor)


def _locked(melody_id: UUID) -> MelodyGraph | None:
    return MelodyGraph.objects.select_for_update().filter(melody=melody_id).first()


def _uuids(steps: Iterable[StepRow]) -> dict[str, str]:
    """An editor may name new steps as it likes; what is no UUID gets one."""
    ids: dict[str, str] = {}
    for row in steps:
        try:
            ids[row.id] = str(UUID(row.id))
        except ValueError:
            ids[row.id] = str(uuid7())
    return ids


def _check_lengths(graph: Graph) -> None:
    """Names in columns are shorter than a document may make them."""
    texts = [text for row in graph.steps for text in (row.body, row.label, row.name, row.type)]
    texts += [port for edge in graph.connections for port in (edge.from_output, edge.to_input)]
    longest = max(texts, key=len, default="")
    if len(longest) > LONGEST_LABEL:
        raise GraphInvalid(
            f"A graph has names, case keys and ports of {LONGEST_LABEL} characters at most; {longest[:40]!r}… is longer."
        )


def _store(actor: User, version: MelodyVersion, graph: Graph, header: MelodyGraph | None, *, changed: bool) -> int:
    melody, organization = version.melody_id, version.organization_id
    if header is None:
        header = MelodyGraph(melody_id=melody, organization_id=organization, revision=0)
    header.version, header.changed, header.updated_by = version, changed, actor
    header.workflow, header.beside = graph.workflow, graph.beside
    header.revision += 1
    header.save()
    _store_steps(melody, organization, graph)
    _store_connections(melody, organization, graph)
    return header.revision


_COLUMNS: Final = (
    "parent_step_id", "body", "label", "name", "type", "enabled", "config", "position_x", "position_y", "width",
    "height", "order_index",
)  # fmt: skip


def _store_steps(melody: UUID, organization: UUID, graph: Graph) -> None:
    """Rows that stay are updated where they differ, so that they keep their ids and dates."""
    known = {step.pk: step for step in MelodyStep.objects.filter(melody=melody)}
    wanted = [_step(melody, organization, row) for row in graph.steps]
    gone = known.keys() - {step.pk for step in wanted}
    if gone:
        MelodyStep.objects.filter(melody=melody, pk__in=gone).delete()
    new = [step for step in wanted if step.pk not in known]
    differing = [step for step in wanted if step.pk in known and _differs(step, known[step.pk], _COLUMNS)]
    MelodyStep.objects.bulk_create(new, batch_size=_BATCH)
    MelodyStep.objects.bulk_update(differing, [*(name.removesuffix("_id") for name in _COLUMNS)], batch_size=_BATCH)


_ENDS: Final = ("from_step_id", "to_step_id", "from_output", "to_input", "origin")
_DRAWN: Final = ("order_index", "extra", "path_data")


def _store_connections(melody: UUID, organization: UUID, graph: Graph) -> None:
    """Edges have no id of their own in an editor: those with the same ends are the same."""
    known = {_ends(edge): edge for edge in MelodyConnection.objects.filter(melody=melody)}
    new: list[MelodyConnection] = []
    differing: list[MelodyConnection] = []
    for row in graph.connections:
        wanted = _connection(melody, organization, row)
        stored = known.pop(_ends(wanted), None)
        if stored is None:
            new.append(wanted)
        elif _differs(wanted, stored, _DRAWN):
            wanted.pk = stored.pk
            differing.append(wanted)
    if known:
        MelodyConnection.objects.filter(pk__in=[edge.pk for edge in known.values()]).delete()
    MelodyConnection.objects.bulk_create(new, batch_size=_BATCH)
    MelodyConnection.objects.bulk_update(differing, _DRAWN, batch_size=_BATCH)


def _ends(edge: MelodyConnection) -> tuple[object, ...]:
    return tuple(getattr(edge, name) for name in _ENDS)


def _differs(one: Model, other: Model, columns: Iterable[str]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in columns)


def _step(melody: UUID, organization: UUID, row: StepRow) -> MelodyStep:
    return MelodyStep(
        id=UUID(row.id),
        organization_id=organization,
        melody_id=melody,
        parent_step_id=UUID(row.parent) if row.parent is not None else None,
        body=row.body,
        label=row.label,
        name=row.name,
        type=row.type,
        enabled=row.enabled,
        config=row.config,
        position_x=row.position_x,
        position_y=row.position_y,
        width=row.width,
        height=row.height,
        order_index=row.order_index,
    )


def _connection(melody: UUID, organization: UUID, edge: ConnectionRow) -> MelodyConnection:
    return MelodyConnection(
        organization_id=organization,
        melody_id=melody,
        from_step_id=UUID(edge.from_step),
        to_step_id=UUID(edge.to_step),
        from_output=edge.from_output,
        to_input=edge.to_input,
        origin=edge.origin,
        order_index=edge.order_index,
        extra=edge.extra,
        path_data=edge.path_data,
    )
