"""switch and for_loop: which frames they ask for, and what they make of the outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from apps.melodies.definition.expressions import Scope
from tests.unit.steps.engine_side import collected, outcome
from workers.contract import Expand, StepContext, StepFailed, runnable
from workers.steps.loops import MOST_ITERATIONS, loop_data

BODY = [{"name": "inner", "type": "test_echo"}]


class TestSwitch:
    CASES: Mapping[str, Any] = {"cases": {"low": BODY, "high": BODY, 3: BODY, True: BODY}, "default": BODY}

    @pytest.mark.parametrize(
        ("value", "body"),
        [("low", 0), ("high", 1), (3, 2), (3.0, 2), ("3", 2), (True, 3), ("true", 3), (None, 4), ("Low", 4)],
    )
    def test_the_case_with_the_same_text(self, run: Any, context: StepContext, value: Any, body: int) -> None:
        context.scope = Scope(steps={"a": {"verdict": value}})
        for expression in ("steps.a.verdict", "{{steps.a.verdict}}", "a.verdict"):
            outcome = run("switch", expression=expression, **self.CASES)
            assert isinstance(outcome, Expand)
            assert [frame.body for frame in outcome.frames] == [body]

    @pytest.mark.parametrize(
        ("value", "label"), [("v1.2", "v1.2"), ("v1.3", "v1.*"), ("v2.0", "v*"), ("w", None), ("v*", "v*")]
    )
    def test_keys_may_be_patterns(self, run: Any, value: str, label: str | None) -> None:
        cases = {"v*": BODY, "v1.*": BODY, "v1.2": BODY, "?1.?": BODY}
        found = run("switch", expression=f"'{value}'", cases=cases)
        if label is None:
            assert found["matched_case"] is None
        else:
            assert [list(cases)[frame.body] for frame in found.frames] == [label]

    def test_no_case_and_no_default_is_a_result(self, run: Any) -> None:
        nothing = {"success": True, "matched_case": None, "results": {}}
        assert run("switch", expression="'x'", cases={"y": BODY}) == nothing

    def test_collects_the_results(self, context: StepContext) -> None:
        params = {"expression": "'low'", **self.CASES}
        frame = outcome(0, label="low", results={"inner": 1, "left_out": None})
        assert collected(context, "switch", params, frame) == {
            "success": True,
            "matched_case": "low",
            "results": {"inner": 1, "left_out": None},
        }
        default = outcome(0, body=4, label="default", results={"inner": 2})
        assert collected(context, "switch", params, default)["matched_case"] is None

    def test_a_failed_inner_step_fails_it(self, context: StepContext) -> None:
        error = {"step": "inner", "code": "boom", "message": "it broke"}
        with pytest.raises(StepFailed, match="it broke") as caught:
            collected(
                context, "switch", {"expression": "'low'", **self.CASES}, outcome(0, status="failed", error=error)
            )
        assert caught.value.code == "boom"
        assert caught.value.details["step"] == "inner"

    def test_needs_a_way(self, run: Any) -> None:
        with pytest.raises(Exception, match="cases"):
            runnable("switch").kind.params.model_validate({"expression": "x"})


class TestForLoop:
    def params(self, **more: Any) -> dict[str, Any]:
        return {"iterator": "file", "data_source": ["a", "b", "c"], "steps": BODY, **more}

    def test_one_frame_for_each_item_in_turn(self, run: Any) -> None:
        expand = run("for_loop", **self.params())
        assert (expand.limit, expand.stop_on_failure, len(expand.frames)) == (1, True, 3)
        assert expand.frames[1].loop == {
            "file": "b",
            "index": 1,
            "total": 3,
            "length": 3,
            "first": False,
            "last": False,
            "is_first": False,
            "is_last": False,
            "level": 0,
        }
        assert [frame.loop["is_last"] for frame in expand.frames] == [False, False, True]

    @pytest.mark.parametrize(
        "source",
        [
            "steps.list.files",
            "{{steps.list.files}}",
            "previous_response:list.files",
            "list.files",
            "state.files",
            "files",
            ["{{steps.list.files[0]}}", "b"],
        ],
    )
    def test_sources(self, run: Any, context: StepContext, source: Any) -> None:
        context.scope = Scope(steps={"list": {"files": ["a", "b"]}}, state={"files": ["a", "b"]})
        expand = run("for_loop", **self.params(data_source=source))
        assert [frame.loop["file"] for frame in expand.frames] == ["a", "b"]

    @pytest.mark.parametrize("source", [{"a": 1}, "steps.nobody", "'text'", 3])
    def test_only_lists(self, run: Any, source: Any) -> None:
        with pytest.raises(StepFailed, match="must be a list"):
            run("for_loop", **self.params(data_source=source))

    def test_too_many_items(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(state={"many": [0] * (MOST_ITERATIONS + 1)})
        with pytest.raises(StepFailed, match="limit"):
            run("for_loop", **self.params(data_source="state.many"))

    def test_parallel_limit(self, run: Any) -> None:
        expand = run("for_loop", **self.params(parallel=True, max_parallel=500, break_on_error=False))
        assert (expand.limit, expand.stop_on_failure) == (500, False)
        assert run("for_loop", **self.params(parallel=True)).limit == 5

    @pytest.mark.parametrize(
        ("more", "items"),
        [
            ({"max_iterations": 2}, ["a", "b"]),
            ({"continue_condition": "file == 'b'"}, ["a", "c"]),
            ({"continue_condition": {"not": "loop.is_last"}}, ["c"]),
            ({"continue_condition": "loop.index == 0", "max_iterations": 1}, ["b"]),
        ],
    )
    def test_fewer_iterations(self, run: Any, more: dict[str, Any], items: list[str]) -> None:
        expand = run("for_loop", **self.params(**more))
        assert [frame.loop["file"] for frame in expand.frames] == items
        assert {frame.loop["total"] for frame in expand.frames} == {3}

    def test_nothing_to_do_is_a_result(self, run: Any) -> None:
        assert run("for_loop", **self.params(data_source=[])) == {
            "iterations": [],
            "success": True,
            "total_items": 0,
            "completed_items": 0,
        }
        left_out = run("for_loop", **self.params(continue_condition="true", parallel=True))
        assert left_out.items() >= {"total_items": 3, "completed_items": 0, "parallel": True, "max_parallel": 5}.items()

    def test_nested_loops_know_their_parent(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(loop=loop_data("package", "apps", 0, 2, None))
        inner = run("for_loop", **self.params()).frames[0].loop
        assert (inner["level"], inner["parent"]["package"], inner["parent"]["index"]) == (1, "apps", 0)

    def test_collects_iterations(self, context: StepContext) -> None:
        loops = [loop_data("file", name, index, 3, None) for index, name in enumerate("abc")]
        error = {"step": "inner", "code": "boom", "message": "it broke"}
        frames = [
            outcome(0, loop=loops[0], results={"inner": 1}),
            outcome(1, loop=loops[1], status="failed", error=error),
            outcome(2, loop=loops[2], status="cancelled"),
        ]
        assert collected(context, "for_loop", self.params(parallel=True, max_parallel=2), *frames) == {
            "iterations": [
                {"index": 0, "item": "a", "success": True, "results": {"inner": 1}},
                {"index": 1, "item": "b", "success": False, "error": error},
            ],
            "success": False,
            "total_items": 3,
            "completed_items": 1,
            "parallel": True,
            "max_parallel": 2,
        }

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"iterator": "index"}, "already means"),
            ({"iterator": "a b"}, "iterator"),
            ({"max_parallel": 1001}, "max_parallel"),
            ({"max_parallel": 0}, "max_parallel"),
            ({"max_iterations": 0}, "max_iterations"),
        ],
    )
    def test_refused(self, run: Any, more: dict[str, Any], message: str) -> None:
        with pytest.raises(StepFailed, match=message):
            run("for_loop", **self.params(**more))

    def test_a_document_without_steps_is_refused(self) -> None:
        with pytest.raises(ValueError, match="`steps` is missing"):
            runnable("for_loop").kind.params.model_validate({"iterator": "x", "data_source": []})
