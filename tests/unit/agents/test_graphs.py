"""LangGraph in this process: streamed, paused, gone on with elsewhere, and never more than was allowed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from workers.agents.graphs import GraphAdapter
from workers.agents.port import AgentCall, Done, Paused
from workers.contract import StepCancelled, StepFailed

GRAPHS = "tests.workers.agent_graphs"
ADAPTER = GraphAdapter((GRAPHS,))


class Watching:
    """Keeps what it is told; cancelled after so many updates."""

    def __init__(self, patience: int = 10_000) -> None:
        self.updates: list[tuple[str, Any]] = []
        self._patience = patience

    def update(self, kind: str, data: Any) -> None:
        self.updates.append((kind, data))

    def check(self) -> None:
        if len(self.updates) >= self._patience:
            raise StepCancelled("the step")


def call(graph: str, given: Any = None, **more: Any) -> AgentCall:
    fields: dict[str, Any] = {
        "agent": "a",
        "version": "1.0.0",
        "framework": "langgraph",
        "run_id": "r",
        "task_id": "t",
        "attempt": 1,
        "config": {"graph": f"{GRAPHS}:{graph}"},
        "thread_id": "thread",
        "input": given,
    }
    return AgentCall(**{**fields, **more})


def done(came: Done | Paused) -> Done:
    assert isinstance(came, Done), came
    return came


def paused(came: Done | Paused) -> Paused:
    assert isinstance(came, Paused), came
    json.dumps(came.checkpoint)
    return came


def stored(came: Paused) -> Any:
    """As another process reads it."""
    return json.loads(json.dumps(came.checkpoint))


@pytest.mark.parametrize("name", ["sums", "unfinished"])
def test_a_graph_runs_and_its_updates_are_told(name: str) -> None:
    watch = Watching()
    came = done(ADAPTER.run(call(name, {"numbers": [1, 2]}), watch))
    assert came.output == {"numbers": [1, 2], "total": 6, "seen": ["adding", "doubling"]}
    assert came.updates == 2
    assert [(kind, data["node"]) for kind, data in watch.updates] == [("update", "adding"), ("update", "doubling")]


@pytest.mark.parametrize("name", ["asking", "nested"])
def test_a_question_pauses_and_the_answer_goes_on_elsewhere(name: str) -> None:
    asked = call(name, {"numbers": [1, 2]})
    first = paused(ADAPTER.run(asked, Watching()))
    (question,) = first.interrupts
    assert question.value == {"question": "Is 3 right?"}
    second = replace(asked, checkpoint=stored(first), answers={question.id: "yes"}, round=1)
    came = done(ADAPTER.run(second, Watching()))
    assert came.output["total"] == 6
    assert came.output["seen"][-2:] == ["answer 'yes'", "doubling"]
    assert "adding" in came.output["seen"]


def test_a_graph_may_ask_again() -> None:
    asked = call("asking", {"numbers": [2]})
    first = paused(ADAPTER.run(asked, Watching()))
    second = paused(
        ADAPTER.run(
            replace(asked, checkpoint=stored(first), answers={first.interrupts[0].id: "more"}, round=1), Watching()
        )
    )
    assert second.interrupts[0].value == "And what else?"
    third = replace(asked, checkpoint=stored(second), answers={second.interrupts[0].id: "tea"}, round=2)
    assert done(ADAPTER.run(third, Watching())).output["seen"] == ["adding", "answer 'more'", "more 'tea'", "doubling"]


def test_a_graph_that_stops_before_a_node_goes_on_when_told() -> None:
    asked = call("stopping", {"numbers": [4]})
    first = paused(ADAPTER.run(asked, Watching()))
    assert [(one.id, one.value) for one in first.interrupts] == [("", {"before": ["doubling"]})]
    came = done(ADAPTER.run(replace(asked, checkpoint=stored(first), answers={"": None}, round=1), Watching()))
    assert came.output["total"] == 8


def test_a_text_begins_a_conversation_and_a_thread_remembers_it() -> None:
    first = done(ADAPTER.run(call("chat", "Hello"), Watching()))
    assert first.output["messages"][-1]["content"] == "1 messages"
    assert first.usage.as_dict() == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    second = done(ADAPTER.run(call("chat", "Again", checkpoint=json.loads(json.dumps(first.checkpoint))), Watching()))
    assert second.output["messages"][-1]["content"] == "3 messages"
    assert second.usage.input_tokens == 21


@pytest.mark.parametrize(
    ("graph", "code"),
    [
        ("os:system", "agent_not_allowed"),
        ("tests.workers.agent_graphs_too:sums", "agent_not_allowed"),
        ("tests.workers:agent_graphs.sums", "agent_not_allowed"),
        (f"{GRAPHS}:nothing_there", "agent_not_allowed"),
        (f"{GRAPHS}:_private", "agent_not_allowed"),
        (f"{GRAPHS}:sums.__class__", "agent_not_allowed"),
        (f"{GRAPHS}:no_graph", "agent_not_allowed"),
        (f"{GRAPHS}.nowhere:sums", "agent_not_allowed"),
        ("", "agent_not_allowed"),
        ("../x:y", "agent_not_allowed"),
    ],
)
def test_only_graphs_of_allowed_modules_run(graph: str, code: str) -> None:
    with pytest.raises(StepFailed) as refused:
        ADAPTER.run(call("", config={"graph": graph}), Watching())
    assert (refused.value.code, refused.value.final) == (code, True)


def test_nothing_is_allowed_unless_it_is_named() -> None:
    with pytest.raises(StepFailed, match="SYMPHONY_AGENT_MODULES"):
        GraphAdapter(()).run(call("sums", {"numbers": []}), Watching())


@pytest.mark.parametrize(
    ("name", "more", "code", "final"),
    [
        ("failing", {}, "agent_failed", False),
        ("endless", {"recursion_limit": 5}, "recursion_limit", True),
        ("sums", {"checkpoint": {"format": 99}}, "checkpoint_broken", True),
        ("sums", {"checkpoint": {"format": 1, "thread_id": "thread", "namespaces": [{}]}}, "checkpoint_broken", True),
    ],
)
def test_what_goes_wrong_is_told_by_code(name: str, more: dict[str, Any], code: str, final: bool) -> None:  # noqa: FBT001
    with pytest.raises(StepFailed) as failed:
        ADAPTER.run(call(name, {"numbers": []}, **more), Watching())
    assert (failed.value.code, failed.value.final) == (code, final)


def test_the_recursion_limit_of_the_version_holds_where_the_step_says_none() -> None:
    config = {"graph": f"{GRAPHS}:endless", "recursion_limit": 3}
    watch = Watching()
    with pytest.raises(StepFailed, match="recursion limit"):
        ADAPTER.run(call("", {"numbers": []}, config=config), watch)
    assert len(watch.updates) == 3


def test_a_cancelled_graph_stops_at_its_next_step() -> None:
    watch = Watching(patience=2)
    with pytest.raises(StepCancelled):
        ADAPTER.run(call("slowly", {"numbers": []}), watch)
    assert len(watch.updates) == 2
