"""Workflows of n8n become melodies: those that people draw, and whatever else somebody may send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.melodies.definition import load
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.n8n import Imported, import_workflow
from apps.melodies.definition.n8n.catalogue import TRANSLATIONS
from tests.unit.n8n import documents as d
from tests.unit.n8n.documents import CHAIN, fields, flow, node


def imported(workflow: Any, *, strict: bool = False) -> Imported:
    return import_workflow(json.dumps(workflow), known_kinds(), strict=strict)


def steps_of(workflow: Any) -> dict[str, Any]:
    """All steps by name, those in loops too."""
    found = imported(workflow)
    assert found.document is not None, found.issues
    waiting, steps = list(found.document["workflow"]["steps"]), {}
    while waiting:
        step = waiting.pop()
        steps[step["name"]] = step
        waiting += step.get("steps", ())
    return steps


def told(workflow: Any, severity: str = "error") -> dict[str, str]:
    return {issue.node: issue.code for issue in imported(workflow).issues if issue.severity == severity}


@pytest.mark.parametrize("workflow", d.ALL, ids=lambda workflow: workflow["name"])
def test_a_realistic_workflow_becomes_a_valid_melody(workflow: dict[str, Any]) -> None:
    found = imported(workflow)
    assert found.document is not None, found.issues
    definition = load(json.dumps(found.document), known_kinds(), media="json")
    assert definition.name == workflow["name"]
    assert definition.mode == "dag"
    placed = {item["name"]: tuple(item["position"]) for item in workflow["nodes"]}
    assert {name: found.positions[step] for name, step in found.names.items()} == {
        name: placed[name] for name in found.names
    }


@pytest.mark.parametrize(
    ("workflow", "left_behind"),
    [
        (d.GREETING, {}),
        (d.BRANCHES, {}),
        (d.ROUTES, {}),
        (d.LOOP, {}),
        (d.CALLS, {}),
        (d.CHAT, {}),
        (d.MODELS, {}),
        (d.NESTED, {}),
        (d.ANSWERS, {}),
        (d.LISTS, {}),
        (d.MERGES, {}),
        (d.OLD_IF, {}),
        (d.PROGRAMS, {"JavaScript": "no_counterpart", "Function": "no_counterpart"}),
        (d.FILTERED, {"Send": "no_counterpart"}),
        (d.NESTED_LOOPS, {"Log": "no_counterpart"}),
        (d.CIRCLE, {"B": "circle"}),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) and "name" in value else "",
)
def test_what_has_no_counterpart_is_told_by_node(workflow: dict[str, Any], left_behind: dict[str, str]) -> None:
    assert told(workflow) == left_behind
    strict = imported(workflow, strict=True)
    assert (strict.document is None) is bool(left_behind)


def test_branches_become_conditions() -> None:
    steps = steps_of(d.BRANCHES)
    assert steps["Discount"]["condition"] == "state.Large_route == 0"
    assert steps["Full_price"]["condition"] == "state.Large_route == 1"
    assert steps["Bill"]["variables"]["Bill_data"] == {
        "text": "Total: {{'{'}}{{'{'}} $json.total }}",
        "sum": "{{state.Together_data.total}}",
    }


def test_calls_keep_their_address_body_and_patience() -> None:
    steps = steps_of(d.CALLS)
    assert steps["Fetch"]["query"] == {"q": "{{now()}}"}
    assert steps["Fetch"]["timeout_seconds"] == 5
    assert steps["Fetch"]["retry"] == {"max_attempts": 4, "delay_seconds": 2, "backoff": "constant"}
    assert steps["Post"]["url"] == "https://api.example.org/things/{{steps.Fetch.body.id}}"
    assert steps["Post"]["json"] == {"title": "{{steps.Fetch.body.title}}", "tags": ["a", "{{steps.Fetch.body.tag}}"]}
    assert steps["Failed"]["depends_on"] == [{"step": "Post", "on": "failure"}]
    assert steps["Form"]["depends_on"] == ["Post"]
    assert told(d.CALLS, "warning")["Post"] == "credentials_left_behind"


def test_models_are_asked_by_the_steps_that_know_them() -> None:
    steps = steps_of(d.MODELS)
    assert (steps["Gemini"]["type"], steps["Gemini"]["model"]) == ("gemini", "gemini-2.5-flash")
    assert steps["OpenAI"]["claude_options"] == {"system_prompt": "Be brief."}
    assert steps["OpenAI"]["prompt"] == "{{steps.Gemini.text}}"
    assert steps["Claude"]["prompt"] == "{{steps.OpenAI.text}}"
    assert (steps["Basic_LLM_Chain"]["type"], steps["Basic_LLM_Chain"]["model"]) == ("gemini", "gemini-2.5-pro")
    chat = steps_of(d.CHAT)
    assert chat["AI_Agent"]["claude_options"] == {
        "model": "claude-sonnet-4-5",
        "system_prompt": "You are a careful reviewer.",
    }
    assert told(d.CHAT, "warning")["Window Buffer Memory"] == "sub_node_left_behind"


def test_loops_hold_what_leads_back_to_them() -> None:
    steps = steps_of(d.NESTED_LOOPS)
    assert [step["name"] for step in steps["Outer"]["steps"]] == ["Inner"]
    assert {step["name"] for step in steps["Inner"]["steps"]} == {"Say", "Log"}
    assert steps["Inner"]["data_source"] == "loop.Outer_item"
    assert steps["Say"]["variables"] == {"Say_data": {"text": "{{loop.Inner_item.word}}"}}
    assert steps["End"]["depends_on"] == ["Outer"]


def test_a_note_keeps_what_was_there_but_no_credentials() -> None:
    note = steps_of(d.FILTERED)["Send"]
    assert note["enabled"] is False
    assert note["value"]["parameters"]["subject"] == "Hi"
    assert "secret mail" not in json.dumps(steps_of(d.FILTERED))


def test_triggers_are_kept_as_metadata() -> None:
    found = imported(d.CALLS).document
    assert found is not None
    (trigger,) = found["workflow"]["metadata"]["triggers"]
    assert trigger["parameters"] == {"rule": {"interval": [{"triggerAtHour": 8}]}}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ('={"a": {{ $json.n }}, "b": "x {{ $json["c d"] }} y"}', {"a": "{{inputs.n}}", "b": "x {{inputs['c d']}} y"}),
        ("={{ $json }}", "{{inputs}}"),
        ('{"a": "{{ no }}"}', {"a": "{{'{'}}{{'{'}} no }}"}),
        ('=[{{ 1 }}, {{ 2 }}, "\\"{{ 3 }}\\""]', ["{{1}}", "{{2}}", '"{{3}}"']),
    ],
)
def test_json_may_hold_expressions_anywhere(body: str, value: Any) -> None:
    call = node(
        "Call",
        "httpRequest",
        {"method": "POST", "url": "https://example.org", "sendBody": True, "specifyBody": "json", "jsonBody": body},
        version=4.2,
    )
    assert steps_of(flow("x", [call]))["Call"]["json"] == value


def test_texts_that_look_like_templates_stay_texts() -> None:
    steps = steps_of(
        flow(
            "x",
            [node("Set", "set", fields(a="{{ not }} ${HOME}", b="={{ $json.x }} ${HOME} costs {{'5'}}"), version=3.4)],
        )
    )
    values = steps["Set"]["variables"]["Set_data"]
    assert values["a"] == "{{'{'}}{{'{'}} not }} $${HOME}"
    assert values["b"] == "{{inputs.x}} $${HOME} costs {{'5'}}"


def test_names_that_mean_the_same_here_are_told_apart() -> None:
    steps = steps_of(
        flow("x", [node("A b", "noOp"), node("A-b", "noOp"), node("ä b", "noOp"), node("1", "noOp"), node("…", "noOp")])
    )
    assert set(steps) == {"A_b", "A_b_2", "a_b_3", "n_1", "node"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", "not JSON"),
        (b"[]", "nodes"),
        (b'{"nodes": 1}', "nodes"),
        (b'{"nodes": []}', "no node"),
        (b'{"nodes": [1e999]}', "not JSON"),
        (b"\xff", "UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (json.dumps({"nodes": [{"name": str(number), "type": "x.noOp"} for number in range(2001)]}).encode(), "2,000"),
        (
            b'{"nodes": [{"name": "a", "type": "x.noOp"}], "connections": {"a": {"main": ['
            + b",".join([b"[]"] * 5)
            + b"]}}}",
            "",
        ),
        (b" " * 5_000_001, "longer"),
    ],
)
def test_hostile_documents_are_refused_with_words(source: bytes, words: str) -> None:
    found = import_workflow(source, known_kinds())
    if not words:
        assert found.document is not None
        return
    assert found.document is None
    assert any(words in issue.message for issue in found.issues), found.issues


def test_a_long_expression_ends_in_a_note() -> None:
    deep = "={{ " + "(" * 500 + "1" + ")" * 500 + " }}"
    long = "={{ " + "1+" * 3000 + "1 }}"
    assert told(
        flow("x", [node("A", "set", fields(a=deep), version=3.4), node("B", "set", fields(a=long), version=3.4)])
    ) == {
        "A": "no_counterpart",
        "B": "no_counterpart",
    }


_NAMES = st.sampled_from(["A", "B", "C d", "é", "{{x}}", "${y}", "steps", "a'b\"c", "\u202e", "loop"])
_KINDS = st.sampled_from(
    [*TRANSLATIONS, "manualTrigger", "splitInBatches", "stickyNote", "slack", "code", CHAIN + "lmChatAnthropic", ""]
)
_SCRIPTS = st.sampled_from(
    ["={{ $json.a }}", '={{ $node["A"].json.b }}', "={{ $('B').item.json }}", "={{", "={{ $json.a ? 1 : }}", '={{ $json["a b"][0].x.trim() }}',
     "={{ $('C d').first().json.x + 'y' }} z", "text {{x}} ${y}", "={{ new Date() }}", "={{ $json.a.map(x => x) }}", "={{ -$json.x ** 2 }}", "\0", "\ud800"]
)  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8) | _SCRIPTS,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["conditions", "values", "assignments", "rules", "name", "value", "leftValue", "operator", "operation", "mode", "url", "text",
                         "language", "pythonCode", "amount", "unit", "resume", "workflowId", "jsonOutput", "fieldToSplitOut", "maxItems"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
_NODE = st.fixed_dictionaries(
    {"name": _NAMES, "type": _KINDS.map(lambda kind: kind if "." in kind else f"n8n-nodes-base.{kind}")},
    optional={
        "parameters": _VALUES,
        "typeVersion": st.sampled_from([1, 2, 3, 3.4, "x", None]),
        "position": _VALUES,
        "disabled": st.booleans(),
        "retryOnFail": st.booleans(),
        "maxTries": _VALUES,
        "onError": st.sampled_from(["continueErrorOutput", "continueRegularOutput"]),
    },
)
_TARGET = st.fixed_dictionaries({"node": _NAMES}, optional={"index": st.integers(-1, 3), "type": st.just("main")})
_PORTS = st.dictionaries(
    st.sampled_from(["main", "main", "ai_languageModel", "ai_tool"]),
    st.lists(st.lists(_TARGET, max_size=3), max_size=3),
    max_size=2,
)
_WORKFLOW = st.fixed_dictionaries(
    {"nodes": st.lists(_NODE, max_size=8)},
    optional={"name": _VALUES, "connections": st.dictionaries(_NAMES, _PORTS, max_size=6) | _VALUES},
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(workflow=_WORKFLOW, strict=st.booleans())
def test_any_workflow_becomes_a_valid_melody_or_a_report(workflow: dict[str, Any], *, strict: bool) -> None:
    found = imported(workflow, strict=strict)
    if found.document is None:
        assert any(issue.severity == "error" for issue in found.issues)
        return
    definition = load(json.dumps(found.document), known_kinds(), media="json")
    assert {step.name for step in definition.walk()} >= set(found.names.values())
