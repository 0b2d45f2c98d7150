"""pipeline: which melody, what goes in, what comes out, and what keeps it from running away."""

from __future__ import annotations

from typing import Any

import pytest

from apps.melodies.definition.expressions import MISSING, Scope
from tests.unit.steps.engine_side import MemoryEngine, collected, outcome
from workers.contract import MelodyRef, StepContext, StepFailed, Workflow, runnable
from workers.steps.nested.outputs import value_at

SCALES = MelodyRef(version_id="v1", melody_id="m-scales", name="scales", size=4)
OLDER = MelodyRef(version_id="v0", melody_id="m-scales", name="scales", size=2)
INLINE = {"pipeline": {"name": "inside", "steps": [{"name": "a", "type": "test_echo"}]}}
ERROR = {"step": "a", "code": "boom", "message": "it broke"}


@pytest.fixture
def engine(context: StepContext) -> MemoryEngine:
    context.engine = MemoryEngine(
        melodies={"music/scales.yaml": SCALES, "music/scales.yaml@1": OLDER, "scales": SCALES}
    )
    context.workflow = Workflow(name="concert", melody_id="m-concert")
    context.ancestors = ("m-concert",)
    return context.engine


class TestSource:
    @pytest.mark.parametrize(
        ("params", "melody"),
        [
            ({"pipeline_file": "music/scales.yaml"}, SCALES),
            ({"pipeline_file": "./music/scales.yaml"}, SCALES),
            ({"pipeline_file": "music/{{inputs.which}}.yaml"}, SCALES),
            ({"pipeline_file": "music/scales.yaml", "version": 1}, OLDER),
            ({"pipeline_ref": "scales"}, SCALES),
            (INLINE, None),
            ({**INLINE, "pipeline_file": "music/scales.yaml"}, SCALES),
            ({**INLINE, "pipeline_ref": "nobody"}, None),
            ({"pipeline_ref": "nobody", "pipeline_file": "music/scales.yaml"}, SCALES),
        ],
    )
    def test_file_before_inline_before_ref(
        self, run: Any, context: StepContext, engine: MemoryEngine, params: dict[str, Any], melody: MelodyRef | None
    ) -> None:
        context.scope = Scope(inputs={"which": "scales"})
        (frame,) = run("pipeline", **params).frames
        assert (frame.melody, frame.isolated, frame.body) == (melody, True, 0)

    @pytest.mark.parametrize(
        ("params", "code", "message"),
        [
            ({"pipeline_file": "no.yaml"}, "file_not_found", "Pipeline file not found: .*'no.yaml'"),
            ({"pipeline_file": "music/scales.yaml", "version": 9}, "file_not_found", "version 9"),
            ({"pipeline_ref": "nobody"}, "pipeline_not_found", "'nobody'"),
        ],
    )
    def test_nothing_there(
        self, run: Any, engine: MemoryEngine, params: dict[str, Any], code: str, message: str
    ) -> None:
        with pytest.raises(StepFailed, match=message) as caught:
            run("pipeline", **params)
        assert (caught.value.code, caught.value.final) == (code, True)

    def test_a_document_must_name_one(self) -> None:
        with pytest.raises(ValueError, match="`pipeline_file`, `pipeline` and `pipeline_ref`"):
            runnable("pipeline").kind.params.model_validate({"inputs": {"a": 1}})


class TestWhatGoesIn:
    def test_inputs_keep_their_type(self, run: Any, context: StepContext, engine: MemoryEngine) -> None:
        context.scope = Scope(steps={"count": {"n": 3, "all": [1, 2]}}, inputs={"mine": 1})
        inputs = {"n": "{{steps.count.n}}", "deep": {"list": "{{steps.count.all}}", "text": "n={{steps.count.n}}"}}
        (frame,) = run("pipeline", **INLINE, inputs=inputs).frames
        assert frame.inputs == {"n": 3, "deep": {"list": [1, 2], "text": "n=3"}}
        assert frame.variables == {}

    def test_nothing_is_inherited_unless_asked_for(self, run: Any, context: StepContext, engine: MemoryEngine) -> None:
        engine.seen = {"key": "c", "tempo": 90}
        context.scope = Scope(inputs={"mine": 1}, state={"key": "c"})
        assert run("pipeline", **INLINE).frames[0].inputs == {}
        (frame,) = run("pipeline", **INLINE, config={"inherit_context": True}).frames
        assert (frame.inputs, frame.variables) == ({"mine": 1}, {"key": "c", "tempo": 90})
        (frame,) = run("pipeline", **INLINE, inputs={"own": 2}, config={"inherit_context": True}).frames
        assert frame.inputs == {"own": 2}


class TestWhatComesOut:
    RESULTS = {"a": {"text": "A", "list": [{"n": 1}, {"n": 2}]}, "b": {"result": 5}, "c.d": "dotted", "gone": None}

    def out(self, context: StepContext, **params: Any) -> Any:
        return collected(context, "pipeline", {**INLINE, **params}, outcome(0, label="inside", results=self.RESULTS))

    def test_every_result_without_wrappers(self, context: StepContext) -> None:
        assert self.out(context) == {**self.RESULTS, "b": 5}

    def test_wrapped_where_there_are_inputs(self, context: StepContext) -> None:
        assert self.out(context, inputs={"x": 1}) == {"result": {**self.RESULTS, "b": 5}}
        assert self.out(context, inputs={}) == {**self.RESULTS, "b": 5}

    def test_those_asked_for(self, context: StepContext) -> None:
        outputs = ["a", "a.text", {"path": "a.list[1].n", "as": "last"}, {"path": "a.list[-1].n"}, "b.result", "c.d"]
        assert self.out(context, outputs=outputs) == {
            "a": self.RESULTS["a"],
            "a.text": "A",
            "last": 2,
            "a.list[-1].n": 2,
            "b.result": 5,
            "c.d": "dotted",
        }

    @pytest.mark.parametrize("path", ["nobody", "a.nothing", "a.list[2]", "a.text[0]", "a..text", "a.list[x]", "ab"])
    def test_one_that_is_not_there_is_an_error(self, context: StepContext, path: str) -> None:
        with pytest.raises(StepFailed, match="its steps are: a, b") as caught:
            self.out(context, outputs=[path])
        assert caught.value.code == "output_not_found"

    @pytest.mark.parametrize(
        ("path", "value"),
        [("s.result", {"x": 1}), ("s.x", 1), ("s.y", MISSING), ("t.x", 2), ("t.result.x", 2), ("gone", None)],
    )
    def test_results_may_be_wrapped_or_not(self, path: str, value: Any) -> None:
        assert value_at(path, {"s": {"x": 1}, "t": {"result": {"x": 2}}, "gone": None}) == value


class TestFailure:
    def failed(self, context: StepContext, label: str = "inside", **config: Any) -> Any:
        frame = outcome(0, status="failed", label=label, error=ERROR, results={"before": 1})
        return collected(context, "pipeline", {**INLINE, "config": config}, frame)

    @pytest.mark.parametrize(("label", "name"), [("inside", "inside"), ("", "it")])
    def test_says_whose_it_is(self, context: StepContext, label: str, name: str) -> None:
        with pytest.raises(StepFailed, match=f"Nested pipeline '{name}' failed: it broke") as caught:
            self.failed(context, label)
        assert (caught.value.code, caught.value.details["step"]) == ("boom", "a")

    @pytest.mark.parametrize("field", ["continue_on_error", "capture_errors"])
    def test_as_a_result(self, context: StepContext, field: str) -> None:
        found = self.failed(context, **{field: True})
        assert (found["success"], found["results"]) == (False, {"before": 1})
        assert found["error"] == {**ERROR, "message": "Nested pipeline 'inside' failed: it broke"}

    @pytest.mark.parametrize("value", [None, {"score": 0}])
    def test_a_value_to_fall_back_to(self, context: StepContext, value: Any) -> None:
        assert self.failed(context, fallback_value=value) == value
        assert [kind for kind, _ in context.events] == ["pipeline_fell_back"]


class TestRunningAway:
    @pytest.mark.parametrize(
        ("depth", "config", "sections", "fits"),
        [
            (9, {}, {}, True),
            (10, {}, {}, False),
            (14, {"max_depth": 15}, {}, True),
            (2, {"max_depth": 2}, {}, False),
            (2, {}, {"safety": {"max_nesting_depth": 2}}, False),
            (2, {"max_depth": 5}, {"resource_limits": {"max_nesting_depth": 2}}, False),
            (11, {}, {"safety": {"max_nesting_depth": 20}}, True),
        ],
    )
    def test_depth(
        self,
        run: Any,
        context: StepContext,
        depth: int,
        config: dict[str, Any],
        sections: dict[str, Any],
        *,
        fits: bool,
    ) -> None:
        context.depth = depth
        context.workflow = Workflow(fields=sections)
        if fits:
            assert len(run("pipeline", **INLINE, config=config).frames) == 1
        else:
            with pytest.raises(StepFailed, match=r"Maximum nesting depth \(\d+\) exceeded: current depth is") as caught:
                run("pipeline", **INLINE, config=config)
            assert (caught.value.code, caught.value.final) == ("nesting_too_deep", True)

    @pytest.mark.parametrize(
        ("ancestors", "told"),
        [
            (("m-scales",), "scales -> scales"),
            (("m-scales", "m-concert"), "scales -> concert -> scales"),
            (("m-x", "m-scales", "m-y", "m-concert"), "scales -> … -> concert -> scales"),
        ],
    )
    def test_circles_are_known_by_identity(
        self, run: Any, context: StepContext, engine: MemoryEngine, ancestors: tuple[str, ...], told: str
    ) -> None:
        context.ancestors = ancestors
        with pytest.raises(StepFailed, match=f"Circular dependency detected: {told}") as caught:
            run("pipeline", pipeline_ref="scales")
        assert caught.value.code == "circular_pipeline"
        context.workflow = Workflow(name="concert", fields={"safety": {"detect_circular_deps": False}})
        assert run("pipeline", pipeline_ref="scales").frames[0].melody == SCALES

    def test_another_melody_of_the_same_name_is_no_circle(
        self, run: Any, context: StepContext, engine: MemoryEngine
    ) -> None:
        context.workflow = Workflow(name="scales", melody_id="m-concert")
        assert run("pipeline", pipeline_ref="scales").frames[0].melody == SCALES

    def test_total_steps(self, run: Any, context: StepContext, engine: MemoryEngine) -> None:
        context.total_tasks = 6
        assert run("pipeline", pipeline_ref="scales", config={"max_total_steps": 10}).frames
        with pytest.raises(StepFailed, match=r"Maximum total steps \(9\) exceeded: current total is 10") as caught:
            run("pipeline", pipeline_ref="scales", config={"max_total_steps": 9})
        assert caught.value.code == "too_many_steps"

    def test_total_steps_of_what_is_written_out(self) -> None:
        with pytest.raises(ValueError, match=r"Maximum total steps \(1\) exceeded"):
            runnable("pipeline").kind.params.model_validate(
                {"pipeline": {"steps": [{"name": "a"}, {"name": "b"}]}, "config": {"max_total_steps": 1}}
            )

    def test_every_field_of_the_language_is_accepted(self, run: Any) -> None:
        config = {
            "inherit_providers": True, "inherit_functions": True, "workspace_dir": "x", "checkpoint_enabled": True,
            "checkpoint_frequency": 1, "checkpoint_dir": "x", "timeout_seconds": 300, "max_retries": 2, "retry_on": ["timeout"],
            "memory_limit_mb": 1024, "workspace_enabled": True, "cleanup_on_error": True, "cleanup_on_success": True,
            "enable_tracing": True, "trace_level": "full", "trace_metadata": {}, "cache_enabled": True, "cache_pipeline": True,
            "cache_ttl": 60, "lazy_load": True, "collect_metrics": True, "metrics": ["a"], "reuse_workspace": True, "pool_size": 2,
        }  # fmt: skip
        assert run("pipeline", **INLINE, config=config).frames
        with pytest.raises(StepFailed, match="max_dpeth"):
            run("pipeline", **INLINE, config={"max_dpeth": 3})
