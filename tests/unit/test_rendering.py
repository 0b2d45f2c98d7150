"""What `melody show` prints, without a database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.melodies.definition import known_kinds, load_value
from workers.compiler.canvas import Chain, Chord, Group, Link
from workers.compiler.plan import LOOK_AHEAD, Plan, compile_plan
from workers.rendering import frontiers, outline


def step(name: str, *before: Any, kind: str = "test_echo", **fields: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "depends_on": list(before), **fields}


def plan_of(*steps: dict[str, Any]) -> Plan:
    document = {"workflow": {"name": "m", "mode": "dag", "steps": list(steps)}}
    return compile_plan(load_value(document, known_kinds()), known_kinds())


FORK = (step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))


def own(plan: Plan) -> list[frontiers.Frontier]:
    return next(iter(frontiers.parts(plan))).frontiers


def names(plan: Plan, canvas: Any) -> list[str]:
    return [plan.nodes[link.task_id.int & 0xFFFFFFFF].name for link in frontiers._links(canvas)]


def test_a_fork_that_meets_again_is_a_chord() -> None:
    plan = plan_of(*FORK)
    first, second, third = own(plan)
    assert [type(canvas) for canvas in (*first.sent, *second.sent, *third.sent)] == [Link, Chord]
    assert sorted(names(plan, second.sent[0])) == ["b", "c", "d"]
    assert third.carried == ["d"]


def test_a_run_is_a_chain_cut_at_the_look_ahead() -> None:
    plan = plan_of(*(step(f"s{n}", *([f"s{n - 1}"] if n else [])) for n in range(LOOK_AHEAD + 1)))
    (chain,) = own(plan)[0].sent
    assert isinstance(chain, Chain)
    assert names(plan, chain) == [f"s{n}" for n in range(LOOK_AHEAD)]
    assert [len(frontier.sent) for frontier in own(plan)] == [1, *[0] * (LOOK_AHEAD - 1), 1]


def test_what_is_ready_together_is_a_group() -> None:
    plan = plan_of(step("a"), step("b"), step("c"))
    (frontier,) = own(plan)
    assert [type(canvas) for canvas in frontier.sent] == [Group]


def test_what_waits_for_a_failure_is_not_sent() -> None:
    plan = plan_of(
        step("a"),
        step("mend", {"step": "a", "on": "failure"}),
        step("after", "mend"),
        step("then", "a", {"step": "mend", "on": "skipped"}),
        step("early", "a", "after", join="any"),
    )
    sent = [name for frontier in own(plan) for canvas in frontier.sent for name in names(plan, canvas)]
    assert sorted(sent) == ["a", "early", "then"]


def test_each_body_has_its_own_frontiers() -> None:
    plan = plan_of(
        step("choose", kind="switch", expression="'x'", cases={"x": [step("in", kind="simulate", seconds=1)]}),
        step("each", kind="for_loop", iterator="i", data_source="[1]", steps=[step("one"), step("two", "one")]),
    )
    assert [part.title for part in frontiers.parts(plan)] == ["", "inside choose, x", "inside each"]


def test_messages_stay_small_however_wide_the_melody() -> None:
    width = 500
    plan = plan_of(step("a"), *(step(f"w{n}", "a") for n in range(width)), step("z", *(f"w{n}" for n in range(width))))
    (chord,) = own(plan)[1].sent
    assert isinstance(chord, Chord)
    assert len(chord.header) == width
    assert frontiers.message_bytes(chord.header[0], chord=chord.body) < 3000
    lines = list(frontiers.as_lines(plan, chord))
    assert lines[-1] == "  then z  [steps]"
    assert len(frontiers.as_json(plan, chord)["chord"]) == width


def test_the_plan_as_a_table_and_as_json() -> None:
    plan = plan_of(*FORK)
    header, first, *_, last = outline.as_table(plan)
    assert header.split()[:3] == ["node", "step", "kind"]
    assert first.split() == ["0", "a", "test_echo", "in", "place", "at", "once", "b,", "c", first.split()[-1]]
    assert "all 2 before it" in last
    nodes = json.loads(json.dumps(outline.as_json(plan)))
    assert nodes[0]["successors"] == [{"node": 1, "when": "success"}, {"node": 2, "when": "success"}]
    assert [node["name"] for node in nodes] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("name", ['a"]', "x\nend", "<script>", "a;b#c", "%% no", "`code`", "|x|"])
def test_no_name_breaks_a_flowchart(name: str) -> None:
    inner = step("choose", kind="switch", expression="'x'", cases={name: [step("in")]})
    lines = outline.as_mermaid(plan_of(inner))
    (box,) = (line for line in lines if line.lstrip().startswith("subgraph b"))
    label = box.split('["')[1].removesuffix('"]')
    assert not set(label.replace("#", "").replace(";", "")) & set('"<>[]()|`\n')
    assert sum("subgraph" in line for line in lines) == sum(line.strip() == "end" for line in lines) == 2
