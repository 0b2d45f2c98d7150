from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.melodies.definition import InvalidDocument, StepKind, known_kinds, load, load_value, parse, sha256
from apps.melodies.definition.rows import ConnectionRow, Graph, StepRow, keep_places, to_document, to_rows
from apps.melodies.definition.rows_checks import check_rows
from apps.melodies.definition.rows_layout import lay_out
from apps.melodies.definition.rows_text import as_json, as_yaml

from .conftest import CORPUS, EXAMPLES

Kinds = Mapping[str, StepKind]


def echo(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "type": "test_echo", **fields}


def document(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"workflow": {"name": "it", "steps": list(steps), **fields}}


@pytest.mark.parametrize("file", [*EXAMPLES, *CORPUS], ids=lambda file: "-".join(file.parts[-2:]))
def test_real_files_come_back_as_they_were(file: Path, kinds: Kinds) -> None:
    try:
        definition = load(file.read_bytes(), kinds)
    except InvalidDocument:
        return
    before = copy.deepcopy(definition.document)
    graph = to_rows(definition.document, kinds)
    assert check_rows(graph, kinds) == []
    assert len(graph.steps) == sum(body.field != "derived" for body in _bodies(definition.steps) for _ in body.steps)
    assert sha256(to_document(graph, kinds)) == definition.sha256
    assert parse(as_yaml(definition.document, kinds)).value == definition.document == before
    assert not as_yaml(definition.document, kinds).startswith("{")


def _bodies(steps: Any) -> list[Any]:
    class Root:
        field = ""

    root = Root()
    root.steps = steps  # type: ignore[attr-defined]
    found, pending = [root], list(steps)
    while pending:
        step = pending.pop()
        for body in step.bodies:
            if body.field != "derived":
                found.append(body)  # type: ignore[arg-type]
                pending.extend(body.steps)
    return found


def test_where_everything_goes(kinds: Kinds) -> None:
    graph = to_rows(
        document(
            echo("a", enabled=False, value=1),
            {
                "name": "s",
                "type": "switch",
                "expression": "steps.a",
                "cases": {"x": [echo("b")], "y": []},
                "default": [echo("b")],
            },
            echo("c", depends_on=["a", {"step": "s", "on": "done"}], on_error=[echo("d")]),
            connections=[{"from": "a", "to": "s", "to_input": "left"}],
        ),
        kinds,
    )
    rows = {(row.name, row.body, row.label): row for row in graph.steps}
    assert rows.keys() == {
        ("a", "", ""), ("s", "", ""), ("c", "", ""), ("b", "cases", "x"), ("b", "default", ""), ("d", "on_error", ""),
    }  # fmt: skip
    assert (rows["a", "", ""].enabled, rows["a", "", ""].config) == (False, {"value": 1})
    assert rows["s", "", ""].config == {"expression": "steps.a", "cases": {"y": []}}
    assert rows["d", "on_error", ""].parent == rows["c", "", ""].id
    assert graph.workflow == {"name": "it"}
    names = {row.id: row.name for row in graph.steps}
    edges = [(names[e.from_step], names[e.to_step], e.from_output, e.to_input, e.origin) for e in graph.connections]
    assert edges == [
        ("a", "s", "output", "left", "connection"),
        ("a", "c", "success", "input", "dependency"),
        ("s", "c", "done", "input", "dependency"),
    ]


def test_what_an_editor_changes_comes_out(kinds: Kinds) -> None:
    graph = to_rows(document(echo("a", enabled=False), echo("b", depends_on="a"), echo("c")), kinds)
    a, b, c = graph.steps
    a.enabled, b.name, c.order_index, a.order_index = True, "bee", 0, 2
    graph.connections[0].from_output = "failure"
    graph.connections.append(ConnectionRow(c.id, a.id))
    assert to_document(graph, kinds) == document(
        echo("c"), echo("bee", depends_on={"step": "a", "on": "failure"}), echo("a"),
        connections=[{"from": "c", "to": "a"}],
    )  # fmt: skip


def test_an_edge_inside_a_loop_is_a_dependency(kinds: Kinds) -> None:
    loop = {"name": "l", "type": "for_loop", "iterator": "i", "data_source": [1], "steps": [echo("a"), echo("b")]}
    graph = to_rows(document(loop), kinds)
    graph.connections.append(ConnectionRow(graph.steps[1].id, graph.steps[2].id))
    assert to_document(graph, kinds)["workflow"]["steps"][0]["steps"][1] == echo("b", depends_on=["a"])


def test_new_steps_and_cases(kinds: Kinds) -> None:
    graph = to_rows(document({"name": "s", "type": "switch", "expression": "1", "cases": {"x": [echo("a")]}}), kinds)
    graph.steps.append(StepRow("new", "n", "test_echo", parent=graph.steps[0].id, body="cases", label="y"))
    cases = to_document(graph, kinds)["workflow"]["steps"][0]["cases"]
    assert cases == {"x": [echo("a")], "y": [echo("n")]}


# -- the law -------------------------------------------------------------------------------------------------------
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab\n 'é#:", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["k", "steps", "workflow"]), inner, max_size=2)
    ),
    max_leaves=4,
)
step_names = st.sampled_from(["a", "b", "c", "two words"])
enabled = st.sampled_from([True, False, None])
outcomes = st.sampled_from(["success", "failure", "skipped", "done"])


@st.composite
def bodies(draw: st.DrawFn, depth: int) -> list[dict[str, Any]]:
    names = draw(st.lists(step_names, min_size=1, max_size=3, unique=True))
    steps: list[dict[str, Any]] = []
    for name in names:
        step = draw(
            st.fixed_dictionaries(
                {}, optional={"value": json_values, "enabled": enabled, "description": st.text("xy", max_size=3)}
            )
        )
        step |= {"name": name, "type": "test_echo"}
        if steps and draw(st.booleans()):
            step["depends_on"] = draw(dependencies([before["name"] for before in steps]))
        if depth:
            step |= draw(composite_fields(depth - 1))
        steps.append(step)
    return steps


@st.composite
def dependencies(draw: st.DrawFn, names: list[str]) -> Any:
    entry = st.one_of(st.just("text"), st.just("mapping"), outcomes)
    entries: list[Any] = []
    for name in draw(st.lists(st.sampled_from(names), min_size=1, unique=True)):
        form = draw(entry)
        entries.append(name if form == "text" else {"step": name} if form == "mapping" else {"step": name, "on": form})
    return entries[0] if len(entries) == 1 and draw(st.booleans()) else entries


@st.composite
def composite_fields(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["test_echo", "for_loop", "switch", "pipeline", "handlers"]))
    inner = bodies(depth)
    if kind == "for_loop":
        return {"type": kind, "iterator": "i", "data_source": [1], "steps": draw(inner)}
    if kind == "switch":
        cases = draw(st.dictionaries(st.sampled_from(["", "x", "yes no"]), inner | st.just([]), min_size=1, max_size=2))
        fields = {"type": kind, "expression": "1", "cases": cases}
        return fields | ({"default": draw(inner | st.just([]))} if draw(st.booleans()) else {})
    if kind == "pipeline":
        workflow = {"steps": draw(inner), **draw(st.sampled_from([{}, {"name": "n", "mode": "dag"}]))}
        return {"type": kind, "pipeline": {"workflow": workflow} if draw(st.booleans()) else workflow}
    if kind == "handlers":
        return {draw(st.sampled_from(["on_error", "compensate"])): draw(inner)}
    return {}


def _is_valid(written: dict[str, Any]) -> bool:
    try:
        load_value(written, known_kinds())
    except InvalidDocument:
        return False
    return True


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    steps = draw(bodies(2))
    fields = draw(
        st.fixed_dictionaries(
            {}, optional={"metadata": st.dictionaries(st.text("ab", max_size=2), json_values, max_size=2)}
        )
    )
    names = [step["name"] for step in steps]
    if len(names) > 1 and draw(st.booleans()):
        ports = st.fixed_dictionaries(
            {}, optional={"from_output": st.sampled_from(["output", "x", None]), "to_input": st.just("input")}
        )
        pairs = [(one, other) for index, one in enumerate(names) for other in names[index + 1 :]]
        drawn = draw(st.lists(st.tuples(st.sampled_from(pairs), ports), max_size=4))
        fields["connections"] = [{"from": one, "to": other, **more} for (one, other), more in drawn]
    beside = {"notes": draw(json_values)} if draw(st.booleans()) else {}
    return {"workflow": {"name": "it", **fields, "steps": steps}, **beside}


@settings(max_examples=300, deadline=None)
@given(written=documents().filter(_is_valid))
def test_there_and_back_nothing_is_lost(written: dict[str, Any]) -> None:
    kinds = known_kinds()
    before = copy.deepcopy(written)
    graph = to_rows(written, kinds)
    assert check_rows(graph, kinds) == []
    assert sha256(to_document(graph, kinds)) == sha256(before)
    assert written == before
    assert parse(as_yaml(written, kinds)).value == before
    assert parse(as_json(written)).value == before


# -- places --------------------------------------------------------------------------------------------------------
def test_columns_follow_the_edges(kinds: Kinds) -> None:
    written = document(echo("a"), echo("b"), echo("c", depends_on=["a", "b"]), echo("d", depends_on=["c"]))
    graph = to_rows(written, kinds)
    lay_out(graph, load_value(written, kinds))
    places = {row.name: (row.position_x, row.position_y) for row in graph.steps}
    assert places["a"] == (0, 0)
    assert places["b"][0] == 0 < places["b"][1]
    assert places["a"][0] < places["c"][0] < places["d"][0]
    boxes = sorted((row.position_x, row.position_y) for row in graph.steps)
    assert len(set(boxes)) == len(boxes)


def test_steps_that_keep_their_names_keep_their_places(kinds: Kinds) -> None:
    loop = {"name": "l", "type": "for_loop", "iterator": "i", "data_source": [1], "steps": [echo("a")]}
    old = to_rows(document(echo("a"), loop, connections=[{"from": "a", "to": "l"}]), kinds)
    for number, row in enumerate(old.steps):
        row.position_x, row.width = 1000.0 + number, 300.0
    old.connections[0].path_data = {"d": "M 0 0"}
    new = to_rows(document(echo("new"), loop, echo("a", value=2), connections=[{"from": "a", "to": "l"}]), kinds)
    kept = keep_places(new, old)
    lay_out(new, None, placed=kept)
    places = [(row.name, row.parent is None, row.position_x, row.width) for row in new.steps]
    assert places == [
        ("new", True, 0.0, 200.0), ("l", True, 1001.0, 300.0), ("a", True, 1000.0, 300.0), ("a", False, 1002.0, 300.0),
    ]  # fmt: skip
    assert new.connections[0].path_data == {"d": "M 0 0"}


# -- rows that do not hang together --------------------------------------------------------------------------------
A, B = StepRow("1", "a", "test_echo"), StepRow("2", "b", "test_echo")
LOOP = StepRow("3", "l", "for_loop", {"iterator": "i", "data_source": [1]})
INNER = StepRow("4", "c", "test_echo", parent="3", body="steps")


@pytest.mark.parametrize(
    ("steps", "edges", "code", "pointer"),
    [
        ([A, replace(B, id="1")], [], "duplicate_id", "/steps/1/id"),
        ([A, replace(B, name="a")], [], "duplicate_name", "/steps/1/name"),
        ([replace(A, config={"name": "x"})], [], "unknown_field", "/steps/0/config/name"),
        ([replace(A, position_x=float("nan"))], [], "out_of_range", "/steps/0"),
        ([replace(A, parent="9", body="steps")], [], "unknown_step", "/steps/0/parent_step"),
        ([replace(A, body="steps")], [], "invalid_value", "/steps/0"),
        ([LOOP, replace(INNER, body="cases")], [], "invalid_value", "/steps/1/body"),
        ([LOOP, replace(INNER, label="x")], [], "invalid_value", "/steps/1/label"),
        ([replace(LOOP, parent="3", body="steps")], [], "too_deep", "/steps/0/parent_step"),
        ([replace(LOOP, parent="5", body="steps"), replace(LOOP, id="5", parent="3", body="steps")], [], "too_deep", "/steps/0/parent_step"),
        ([A, B], [ConnectionRow("1", "9")], "unknown_step", "/connections/0/to_step"),
        ([A, B], [ConnectionRow("1", "1")], "self_reference", "/connections/0"),
        ([A, B], [ConnectionRow("1", "2"), ConnectionRow("1", "2")], "duplicate_connection", "/connections/1"),
        ([A, LOOP, INNER], [ConnectionRow("1", "4")], "invalid_connection", "/connections/0"),
        ([A, B], [ConnectionRow("1", "2", "fire", origin="dependency")], "invalid_outcome", "/connections/0/from_output"),
        ([A, replace(B, config={"depends_on": ["a"]})], [ConnectionRow("1", "2", "done", origin="dependency")], "conflicting_fields", "/connections/0"),
    ],
    ids=str,
)  # fmt: skip
def test_rows_that_do_not_hang_together(
    kinds: Kinds, steps: list[StepRow], edges: list[ConnectionRow], code: str, pointer: str
) -> None:
    problems = check_rows(Graph({"name": "it"}, steps, edges), kinds)
    assert (code, pointer) in [(problem.code, problem.pointer) for problem in problems]


def test_a_long_chain_of_parents_is_told_in_time(kinds: Kinds) -> None:
    steps = [replace(LOOP, id=str(n), parent=str(n + 1), body="steps") for n in range(5_000)]
    assert check_rows(Graph({}, steps, []), kinds)
