"""Loops that decide after each iteration whether to go on: while_loop, and for_loop with conditions over results."""

from __future__ import annotations

from typing import Any

import pytest

from apps.melodies.definition.expressions import Scope
from tests.unit.steps.engine_side import MemoryEngine, collected, outcome
from workers.contract import KEEP_WAITING, Expand, StepContext, StepFailed, runnable
from workers.steps.loops import MOST_ITERATIONS, loop_data, pass_data

BODY = [{"name": "inner", "type": "test_echo"}]
ERROR = {"step": "inner", "code": "boom", "message": "it broke"}


class TestWhileLoop:
    def params(self, condition: Any = "steps.inner.done != true", **more: Any) -> dict[str, Any]:
        return {"condition": condition, "steps": BODY, **more}

    def passed(self, number: int, **results: Any) -> Any:
        return outcome(number, loop=pass_data(number, None), results={"inner": results})

    def test_a_pass_is_a_frame(self, run: Any) -> None:
        expand = run("while_loop", **self.params())
        assert isinstance(expand, Expand)
        (frame,) = expand.frames
        assert frame.loop is not None
        assert frame.loop.items() >= {"iteration": 0, "count": 0, "index": 0, "first": True, "level": 0}.items()

    def test_a_condition_that_never_held_is_a_result(self, run: Any) -> None:
        assert run("while_loop", **self.params("1 > 2")) == {
            "success": True,
            "iterations": 0,
            "condition_met": False,
            "results": {},
        }

    def test_the_condition_sees_the_pass_before(self, context: StepContext) -> None:
        context.earlier_frames = 1
        again = collected(context, "while_loop", self.params(), self.passed(1, done=False))
        (frame,) = again.frames
        assert (frame.loop["iteration"], frame.loop["previous"]) == (2, {"inner": {"done": False}})
        assert collected(context, "while_loop", self.params(), self.passed(1, done=True)) == {
            "success": True,
            "iterations": 2,
            "condition_met": False,
            "results": {"inner": {"done": True}},
        }

    @pytest.mark.parametrize(
        "condition",
        [
            "loop.iteration < 3",
            "{{loop.count < 3}}",
            {"and": ["loop.count < 3", {"not": "inner.done"}]},
            ["loop.index < 3"],
        ],
    )
    def test_it_may_count(self, context: StepContext, condition: Any) -> None:
        params = self.params(condition)
        context.earlier_frames = 1
        assert isinstance(collected(context, "while_loop", params, self.passed(1)), Expand)
        context.earlier_frames = 2
        assert collected(context, "while_loop", params, self.passed(2))["iterations"] == 3

    def test_an_outer_step_of_the_same_name_counts_until_the_first_pass(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(steps={"inner": {"done": True}})
        assert run("while_loop", **self.params())["iterations"] == 0
        assert isinstance(collected(context, "while_loop", self.params(), self.passed(0, done=False)), Expand)

    def test_variables_are_seen(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(state={"n": 3})
        assert isinstance(run("while_loop", **self.params("state.n < 5")), Expand)
        context.scope = Scope(state={"n": 5})
        assert collected(context, "while_loop", self.params("state.n < 5"), self.passed(0))["success"] is True

    def test_the_limit(self, context: StepContext) -> None:
        params = self.params("true", max_iterations=2)
        assert isinstance(collected(context, "while_loop", params, self.passed(0)), Expand)
        context.earlier_frames = 1
        found = collected(context, "while_loop", params, self.passed(1, done=False))
        assert found.pop("reason").startswith("Maximum iterations exceeded")
        assert found == {
            "success": False,
            "iterations": 2,
            "max_iterations_reached": True,
            "results": {"inner": {"done": False}},
        }

    def test_the_limit_is_no_limit_when_the_condition_ends_it(self, context: StepContext) -> None:
        params = self.params("loop.count < 1", max_iterations=1)
        assert collected(context, "while_loop", params, self.passed(0))["success"] is True

    def test_a_pass_that_failed_fails_it(self, context: StepContext) -> None:
        context.earlier_frames = 2
        with pytest.raises(StepFailed, match="While loop failed at iteration 3: it broke") as caught:
            collected(context, "while_loop", self.params(), outcome(2, status="failed", error=ERROR))
        assert (caught.value.code, caught.value.details["step"]) == ("boom", "inner")

    def test_nested_loops_know_their_parent(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(loop=loop_data("item", "x", 1, 3, None))
        (frame,) = run("while_loop", **self.params("loop.parent.item == 'x' and loop.iteration == 0")).frames
        assert (frame.loop["level"], frame.loop["parent"]["item"]) == (1, "x")

    def test_a_condition_that_breaks_says_where(self, run: Any) -> None:
        with pytest.raises(StepFailed, match=r"condition of loop 'it'") as caught:
            run("while_loop", **self.params("round('x', 1, 2, 3)"))
        assert caught.value.code == "bad_expression"

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ({"condition": "x"}, "`steps` is missing"),
            ({"steps": BODY}, "condition"),
            ({"condition": None, "steps": BODY}, "`condition` is missing"),
            ({"condition": "x", "steps": BODY, "max_iterations": 0}, "max_iterations"),
            ({"condition": "x", "steps": BODY, "max_iterations": MOST_ITERATIONS + 1}, "max_iterations"),
        ],
    )
    def test_refused(self, document: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            runnable("while_loop").kind.params.model_validate(document)


class TestForLoopThatMayEndEarly:
    def params(self, **more: Any) -> dict[str, Any]:
        return {"iterator": "file", "data_source": ["a", "b", "c"], "steps": BODY, **more}

    def ended(self, index: int, **more: Any) -> Any:
        return outcome(index, loop=loop_data("file", "abc"[index], index, 3, None), **more)

    def test_one_by_one_when_there_is_something_to_ask(self, run: Any) -> None:
        for more in (
            {"break_condition": "steps.inner.stop"},
            {"complete_after": 2},
            {"complete_when": "loop.failed > 0"},
        ):
            expand = run("for_loop", **self.params(**more))
            assert ([frame.loop["file"] for frame in expand.frames], expand.watch) == (["a"], False), more

    def test_a_break_keeps_the_iteration_it_is_about(self, context: StepContext) -> None:
        params = self.params(break_condition="steps.inner.stop == true or loop.file == 'z'")
        goes_on = collected(context, "for_loop", params, self.ended(0, results={"inner": {"stop": False}}))
        assert [frame.loop["file"] for frame in goes_on.frames] == ["b"]
        context.engine = MemoryEngine(earlier=[self.ended(0, results={"inner": {"stop": False}})])
        context.earlier_frames = 1
        found = collected(context, "for_loop", params, self.ended(1, results={"inner": {"stop": True}}))
        assert [one["item"] for one in found["iterations"]] == ["a", "b"]
        assert (found["success"], found["total_items"], found["completed_items"]) == (True, 3, 2)
        assert found["ended_by"] == "break_condition"

    def test_it_ends_with_the_list(self, context: StepContext) -> None:
        context.engine = MemoryEngine(earlier=[self.ended(0), self.ended(1)])
        context.earlier_frames = 2
        found = collected(context, "for_loop", self.params(break_condition="false"), self.ended(2))
        assert ([one["index"] for one in found["iterations"]], "ended_by" in found) == ([0, 1, 2], False)

    def test_what_is_left_out_is_told_by_the_iteration_before(self, context: StepContext) -> None:
        params = self.params(break_condition="false", continue_condition="steps.inner.skip == loop.file")
        expand = collected(context, "for_loop", params, self.ended(0, results={"inner": {"skip": "b"}}))
        assert [frame.loop["file"] for frame in expand.frames] == ["c"]

    @pytest.mark.parametrize(("keep_on", "count"), [(False, 2), (True, 1)])
    def test_a_failure_ends_it_unless_told_otherwise(self, context: StepContext, *, keep_on: bool, count: int) -> None:
        context.engine = MemoryEngine(earlier=[self.ended(0)])
        context.earlier_frames = 1
        params = self.params(break_condition="true", break_on_error=not keep_on)
        found = collected(context, "for_loop", params, self.ended(1, status="failed", error=ERROR))
        if keep_on:
            assert len(found.frames) == count
        else:
            assert (found["success"], len(found["iterations"])) == (False, count)

    def test_max_iterations_counts_all_rounds(self, context: StepContext) -> None:
        context.engine = MemoryEngine(earlier=[self.ended(0)])
        context.earlier_frames = 1
        params = self.params(break_condition="false", max_iterations=2)
        assert len(collected(context, "for_loop", params, self.ended(1))["iterations"]) == 2

    def test_complete_after(self, context: StepContext) -> None:
        params = self.params(complete_after=2, break_on_error=False)
        context.engine = MemoryEngine(earlier=[self.ended(0, status="failed", error=ERROR)])
        context.earlier_frames = 1
        assert isinstance(collected(context, "for_loop", params, self.ended(1)), Expand)
        context.engine = MemoryEngine(earlier=[self.ended(0)])
        found = collected(context, "for_loop", params, self.ended(1))
        assert (found["ended_by"], found["completed_items"]) == ("complete_after", 2)

    def test_side_by_side_it_watches(self, run: Any, context: StepContext) -> None:
        params = self.params(parallel=True, complete_after=2, max_parallel=3)
        expand = run("for_loop", **params)
        assert (len(expand.frames), expand.watch, expand.limit) == (3, True, 3)
        context.open_frames = 2
        assert collected(context, "for_loop", params, self.ended(1)) is KEEP_WAITING
        context.open_frames = 1
        found = collected(context, "for_loop", params, self.ended(1), self.ended(2))
        assert ([one["item"] for one in found["iterations"]], found["ended_by"]) == (["b", "c"], "complete_after")

    def test_side_by_side_it_ends_when_nothing_is_left(self, context: StepContext) -> None:
        params = self.params(parallel=True, complete_when="loop.completed > 5", break_on_error=False)
        frames = [self.ended(0), self.ended(1, status="failed", error=ERROR), self.ended(2)]
        found = collected(context, "for_loop", params, *frames)
        assert (found["success"], found["completed_items"], "ended_by" in found) == (False, 2, False)

    @pytest.mark.parametrize(
        ("condition", "ends"),
        [
            ("loop.completed >= 2", True),
            ("loop.failed >= 1", True),
            ("loop.completed == loop.total", False),
            ("sum(map(iterations, 'results.inner.points')) >= 7", True),
            ("sum(map(results, 'inner.points')) > 7", False),
            ({"and": ["length(results) == 2", "iterations[1].success == false"]}, True),
        ],
    )
    def test_complete_when(self, context: StepContext, condition: Any, *, ends: bool) -> None:
        context.open_frames = 1
        params = self.params(parallel=True, complete_when=condition, break_on_error=False)
        frames = [
            self.ended(0, results={"inner": {"points": 3}}),
            self.ended(1, status="failed", error=ERROR),
            self.ended(2, results={"inner": {"points": 4}}),
        ]
        found = collected(context, "for_loop", params, *frames)
        assert (found is not KEEP_WAITING) is ends
        assert not ends or found["ended_by"] == "complete_when"

    def test_a_break_side_by_side(self, context: StepContext) -> None:
        context.open_frames = 1
        params = self.params(parallel=True, break_condition="inner == 'stop'")
        assert collected(context, "for_loop", params, self.ended(2, results={"inner": "go"})) is KEEP_WAITING
        found = collected(context, "for_loop", params, self.ended(2, results={"inner": "stop"}))
        assert found["ended_by"] == "break_condition"

    def test_batches_are_counted(self, context: StepContext) -> None:
        found = collected(context, "for_loop", self.params(batch_size=2), self.ended(0), self.ended(1), self.ended(2))
        assert found["batches_processed"] == 2

    def test_a_range(self, run: Any) -> None:
        expand = run("for_loop", **self.params(data_source="range(2, 4)"))
        assert [frame.loop["file"] for frame in expand.frames] == [2, 3, 4]
