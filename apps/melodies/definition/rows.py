"""A document as rows of steps and connections, and back, without loss.

A row of a step has its name, kind and flag in columns, and everything else in `config`; lists of steps inside it are rows of
their own, which name it as `parent`, the field they stand in as `body`, and the key in a map of lists as `label`. Tasks in
a shorter form (the `parallel_tasks` of parallel_claude) are no steps and stay in `config`.

Edges are rows too: the entries of `connections`, and those of `depends_on` ("dependency"), whose output port is the
outcome that is waited for. What a document says that no column can say (a port written out although it is the usual
one) is kept in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from .kinds import StepKind
from .pointers import child
from .rows_bodies import Inner, inner_lists

Origin = Literal["connection", "dependency"]
StepPath = tuple[str, ...]
"""Where a step is, by names: those of the steps around it, each with field and label of the list, and its own."""

OUTPUT: Final = "output"
INPUT: Final = "input"
OUTCOMES: Final = ("success", "failure", "skipped", "done")
_PORTS: Final = {"from_output": OUTPUT, "to_input": INPUT}
WIDTH: Final = 200.0
HEIGHT: Final = 100.0


@dataclass(slots=True)
class StepRow:
    """One step. `id` is any text that no other row of the graph has; `pointer` is where it stood in the document."""

    id: str
    name: str
    type: str
    config: dict[str, Any] = field(default_factory=dict)
    enabled: bool = True
    parent: str | None = None
    body: str = ""
    label: str = ""
    order_index: int = 0
    position_x: float = 0.0
    position_y: float = 0.0
    width: float = WIDTH
    height: float = HEIGHT
    pointer: str = ""


@dataclass(slots=True)
class ConnectionRow:
    """An edge between two steps of one list, by their ids; `order_index` is its place in the list it was written in."""

    from_step: str
    to_step: str
    from_output: str = OUTPUT
    to_input: str = INPUT
    origin: Origin = "connection"
    order_index: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    path_data: Any = None


@dataclass(slots=True)
class Graph:
    """A whole document: `workflow` are its fields without the steps, `beside` what stands beside the key `workflow`."""

    workflow: dict[str, Any]
    steps: list[StepRow]
    connections: list[ConnectionRow]
    beside: dict[str, Any] = field(default_factory=dict)


# -- from document to rows -----------------------------------------------------------------------------------------
class _List(NamedTuple):
    """A list of steps, the row around it, and the mapping its `connections` stand in, if there can be any."""

    steps: list[Any]
    pointer: str
    parent: str | None
    body: str
    label: str
    wrapper: dict[str, Any] | None


def to_rows(document: Mapping[str, Any], kinds: Mapping[str, StepKind]) -> Graph:
    """The rows of a valid document; ids are numbers in document order."""
    workflow = dict(document["workflow"])
    steps = workflow.pop("steps")
    graph = Graph(workflow, [], [], {key: value for key, value in document.items() if key != "workflow"})
    pending = [_List(steps, "/workflow/steps", None, "", "", workflow)]
    while pending:
        current = pending.pop()
        rows: list[StepRow] = []
        below: list[_List] = []
        for index, step in enumerate(current.steps):
            row = StepRow(str(len(graph.steps)), step["name"], step["type"], order_index=index)
            row.parent, row.body, row.label = current.parent, current.body, current.label
            row.pointer = child(current.pointer, index)
            rows.append(row)
            graph.steps.append(row)
            below.extend(_take_apart(step, row, kinds))
        graph.connections.extend(_connections(current, rows))
        pending.extend(reversed(below))
    return graph


def _take_apart(step: Mapping[str, Any], row: StepRow, kinds: Mapping[str, StepKind]) -> Iterator[_List]:
    """Fill in a row's config; gives the lists of steps inside."""
    config = {key: value for key, value in step.items() if key not in ("name", "type")}
    if config.get("enabled") is False:
        row.enabled = False
        del config["enabled"]
    for inner in inner_lists(step, kinds, row.pointer):
        if inner.steps:
            wrapper = _cut_out(config, inner)
            yield _List(inner.steps, inner.pointer, row.id, inner.field, inner.label, wrapper)
    row.config = config


def _cut_out(config: dict[str, Any], inner: Inner) -> dict[str, Any] | None:
    """Remove a list of steps from a config, whose mappings on the way are copied. Gives the mapping it stood in when that
    is a melody of its own."""
    if inner.wrapper is not None:
        config[inner.field] = holder = dict(config[inner.field])
        if isinstance(holder.get("workflow"), dict):
            holder["workflow"] = holder = dict(holder["workflow"])
        del holder["steps"]
        return holder
    if inner.label or isinstance(config[inner.field], dict):
        config[inner.field] = holder = dict(config[inner.field])
        del holder[inner.label]
    else:
        del config[inner.field]
    return None


def _connections(current: _List, rows: list[StepRow]) -> Iterator[ConnectionRow]:
    """The edges written in one list of steps, and around it; they are taken out of there."""
    ids = {row.name: row.id for row in rows}
    written = current.wrapper.get("connections") if current.wrapper is not None else None
    if current.wrapper is not None and isinstance(written, list) and written:
        del current.wrapper["connections"]
        known: dict[tuple[str, str, str, str], ConnectionRow] = {}
        for index, entry in enumerate(written):
            edge = _connection(entry, ids, index)
            first = known.setdefault((edge.from_step, edge.to_step, edge.from_output, edge.to_input), edge)
            if first is edge:
                yield edge
            else:
                first.extra.setdefault("repeats", []).append([index, edge.extra])
    for row in rows:
        yield from _dependencies(row, ids)


def _connection(entry: Mapping[str, Any], ids: Mapping[str, str], index: int) -> ConnectionRow:
    edge = ConnectionRow(ids[entry["from"]], ids[entry["to"]], order_index=index)
    for port, usual in _PORTS.items():
        written = entry.get(port, usual)
        if isinstance(written, str) and written != usual:
            setattr(edge, port, written)
        elif port in entry:
            edge.extra[port] = written
    return edge


def _dependencies(row: StepRow, ids: Mapping[str, str]) -> Iterator[ConnectionRow]:
    written = row.config.get("depends_on")
    if written is None or written == []:
        return
    entries = written if isinstance(written, list) else [written]
    del row.config["depends_on"]
    for index, entry in enumerate(entries):
        name = entry if isinstance(entry, str) else entry["step"]
        edge = ConnectionRow(ids[name], row.id, OUTCOMES[0], origin="dependency", order_index=index)
        if not isinstance(entry, str):
            edge.from_output = entry.get("on", OUTCOMES[0])
            edge.extra["form"] = "outcome" if "on" in entry else "mapping"
        if not isinstance(written, list):
            edge.extra["single"] = True
        yield edge


# -- from rows to document -----------------------------------------------------------------------------------------
def to_document(graph: Graph, kinds: Mapping[str, StepKind]) -> dict[str, Any]:
    """The document of a graph. Ids of parents and ends must be those of rows; what is wrong otherwise is for validation
    to say."""
    inside: dict[tuple[str | None, str, str], list[StepRow]] = {}
    for row in sorted(graph.steps, key=lambda row: row.order_index):
        inside.setdefault((row.parent, row.body, row.label), []).append(row)
    written = {row.id: _with_bare_fields(row) for row in graph.steps}
    names = {row.id: row.name for row in graph.steps}
    drawn = _edges(graph, written, names, kinds)
    workflow = dict(graph.workflow)
    workflow["steps"] = [written[row.id] for row in inside.pop((None, "", ""), [])]
    _draw(workflow, drawn.get(None, []))
    rows = {row.id: row for row in graph.steps}
    for (parent, body, label), children in inside.items():
        if parent is not None:
            steps = [written[row.id] for row in children]
            holder = _put_in(written[parent], _shape(rows[parent].type, body, kinds), body, label, steps)
            if holder is not None:
                _draw(holder, drawn.get(parent, []))
    return {"workflow": workflow, **graph.beside}


def _with_bare_fields(row: StepRow) -> dict[str, Any]:
    step = {"name": row.name, "type": row.type, **row.config}
    if not row.enabled:
        step["enabled"] = False
    return step


def _shape(type_: str, body: str, kinds: Mapping[str, StepKind]) -> str:
    kind = kinds.get(type_)
    return next((field.shape for field in (kind.bodies if kind else ()) if field.name == body), "list")


def _put_in(step: dict[str, Any], shape: str, body: str, label: str, steps: list[Any]) -> dict[str, Any] | None:
    """Put a list of steps into the step around it; gives the mapping it stands in when that is a melody of its own."""
    if shape == "list":
        step[body] = steps
        return None
    # The config of a row belongs to the caller: what is changed here is a copy.
    written = step.get(body)
    step[body] = holder = dict(written) if isinstance(written, dict) else {}
    if shape == "map":
        holder[label] = steps
        return None
    if isinstance(holder.get("workflow"), dict):
        holder["workflow"] = holder = dict(holder["workflow"])
    holder["steps"] = steps
    return holder


def _edges(
    graph: Graph, written: Mapping[str, dict[str, Any]], names: Mapping[str, str], kinds: Mapping[str, StepKind]
) -> dict[str | None, list[tuple[int, dict[str, Any]]]]:
    """Write dependencies into their steps; gives the connections with their places, by the step around them.

    A list of steps that is no melody of its own has no `connections`: there an edge becomes a dependency.
    """
    rows = {row.id: row for row in graph.steps}
    drawn: dict[str | None, list[tuple[int, dict[str, Any]]]] = {}
    dependencies: dict[str, list[ConnectionRow]] = {}
    for edge in graph.connections:
        around = rows[edge.to_step].parent
        own = around is None or _shape(rows[around].type, rows[edge.to_step].body, kinds) == "workflow"
        if edge.origin == "connection" and own:
            drawn.setdefault(around, []).extend(_entries(edge, names))
        else:
            dependencies.setdefault(edge.to_step, []).append(edge)
    for step, edges in dependencies.items():
        edges.sort(key=lambda edge: edge.order_index)
        entries = [_entry(edge, names) for edge in edges]
        single = len(edges) == 1 and edges[0].extra.get("single")
        written[step]["depends_on"] = entries[0] if single else entries
    return drawn


def _entries(edge: ConnectionRow, names: Mapping[str, str]) -> Iterator[tuple[int, dict[str, Any]]]:
    own = {key: value for key, value in edge.extra.items() if key != "repeats"}
    for index, extra in [(edge.order_index, own), *edge.extra.get("repeats", ())]:
        entry: dict[str, Any] = {"from": names[edge.from_step], "to": names[edge.to_step]}
        for port, usual in _PORTS.items():
            value = getattr(edge, port)
            if value != usual:
                entry[port] = value
            elif port in extra:
                entry[port] = extra[port]
        yield index, entry


def _entry(edge: ConnectionRow, names: Mapping[str, str]) -> str | dict[str, Any]:
    name, form = names[edge.from_step], edge.extra.get("form")
    outcome = edge.from_output if edge.from_output in OUTCOMES else OUTCOMES[0]
    if form == "outcome" or outcome != OUTCOMES[0]:
        return {"step": name, "on": outcome}
    return {"step": name} if form == "mapping" else name


def _draw(holder: dict[str, Any], entries: list[tuple[int, dict[str, Any]]]) -> None:
    if entries:
        holder["connections"] = [entry for _, entry in sorted(entries, key=lambda placed: placed[0])]


# -- one graph after another ---------------------------------------------------------------------------------------
def paths(steps: Iterable[StepRow]) -> dict[str, StepPath]:
    """The path of each row by its id. Rows stand after the row they are in."""
    found: dict[str, StepPath] = {}
    for row in steps:
        around = found[row.parent] if row.parent is not None else ()
        found[row.id] = (*around, row.body, row.label, row.name)
    return found


def keep_places(new: Graph, old: Graph) -> set[str]:
    """Give steps of the new graph, where one of the same path was in the old, its place and size; and edges their drawn
    paths. Gives the ids of the new steps that had a place."""
    before = {path: row for row, path in zip(old.steps, paths(old.steps).values(), strict=True)}
    of_old = paths(old.steps)
    of_new = paths(new.steps)
    kept: set[str] = set()
    for row in new.steps:
        known = before.get(of_new[row.id])
        if known is not None:
            row.position_x, row.position_y, row.width, row.height = (
                known.position_x, known.position_y, known.width, known.height,
            )  # fmt: skip
            kept.add(row.id)
    drawn = {
        (of_old[edge.from_step], of_old[edge.to_step], edge.from_output, edge.to_input, edge.origin): edge.path_data
        for edge in old.connections
        if edge.path_data is not None
    }
    for edge in new.connections:
        key = (of_new[edge.from_step], of_new[edge.to_step], edge.from_output, edge.to_input, edge.origin)
        edge.path_data = drawn.get(key)
    return kept
