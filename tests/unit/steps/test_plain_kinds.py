"""set_variable, test_echo, simulate, wait, checkpoint."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from apps.melodies.definition.expressions import Scope
from apps.melodies.definition.kinds import known_kinds
from tests.unit.steps.engine_side import MemoryEngine
from workers.contract import StepCancelled, StepContext, StepFailed, WaitUntil, runnable

KINDS = (
    "checkpoint",
    "codebase_query",
    "data_transform",
    "file_ops",
    "for_loop",
    "set_variable",
    "simulate",
    "switch",
    "test_echo",
    "wait",
)


def test_every_kind_is_registered_with_a_schema_that_explains_itself() -> None:
    assert set(KINDS) <= set(known_kinds())
    for name in KINDS:
        schema = known_kinds()[name].params.model_json_schema()
        assert schema["additionalProperties"] is False
        assert all("description" in field for field in schema["properties"].values()), name


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("simulate", {"seconds": "{{inputs.pause}}"}),
        ("wait", {"seconds": "{{inputs.pause}}"}),
        ("wait", {"until": "{{inputs.when}}"}),
        ("wait", {"until": "${WHEN}"}),
        ("wait", {"seconds": "${PAUSE:-3}"}),
        ("for_loop", {"iterator": "x", "data_source": [1], "steps": [{}], "max_parallel": "{{inputs.n}}"}),
        ("test_echo", {"fail": "{{inputs.fail}}"}),
        ("set_variable", {"variables": {"a": 1}, "scope": "{{inputs.scope}}"}),
        ("file_ops", {"operation": "list", "path": ".", "options": {"limit": "{{inputs.n}}"}}),
    ],
)
def test_numbers_and_flags_may_be_templates_in_documents(kind: str, params: dict[str, Any]) -> None:
    model = known_kinds()[kind].params
    model.model_validate(params)
    with pytest.raises(ValidationError):
        model.model_validate(params | {"nonsense": 1})


def test_a_rendered_value_is_never_taken_for_a_template(run: Any, context: StepContext) -> None:
    context.scope = Scope(inputs={"pause": "{{1}}"})
    with pytest.raises(StepFailed, match="seconds"):
        run("simulate", seconds="{{inputs.pause}}")


class TestSetVariable:
    def test_values_keep_their_types(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(state={"n": 5, "list": [1]})
        result = run(
            "set_variable", variables={"m": "{{state.n + 1}}", "copy": "{{state.list}}", "text": "n={{state.n}}"}
        )
        values = {"m": 6, "copy": [1], "text": "n=5"}
        assert context.variables == values
        assert result == {"variables_set": list(values), "scope": "global", "variable_count": 3, "variables": values}
        assert context.variable_scope == "global"

    @pytest.mark.parametrize(
        ("written", "meant"), [("global", "global"), ("session", "global"), ("loop", "loop"), ("local", "loop")]
    )
    def test_scopes(self, run: Any, context: StepContext, written: str, meant: str) -> None:
        assert run("set_variable", variables={"a": 1}, scope=written)["scope"] == written
        assert context.variable_scope == meant

    def test_session_variables_are_kept_for_later_runs(self, run: Any, context: StepContext) -> None:
        engine = MemoryEngine()
        context.engine = engine
        run("set_variable", variables={"a": 1, "b": 2}, scope="session")
        run("set_variable", variables={"b": [3]}, scope="session")
        run("set_variable", variables={"c": 4})
        assert engine.sessions == {"remembered": {"a": 1, "b": [3]}}

    def test_older_form(self, run: Any, context: StepContext) -> None:
        assert run("set_variable", variable="a", value=[])["variables_set"] == ["a"]
        assert context.variables == {"a": []}

    def test_nothing_to_set(self, run: Any) -> None:
        assert run("set_variable", variables={})["variable_count"] == 0

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({}, "`variables` is missing"),
            ({"variables": {"a": 1}, "variable": "b"}, "not both"),
            ({"variables": {"a.b": 1}}, "cannot name a variable"),
            ({"variables": {"": 1}}, "cannot name a variable"),
            ({"value": 1, "variables": {}}, "needs `variable`"),
            ({"variables": {}, "scope": "galaxy"}, "scope"),
        ],
    )
    def test_refused(self, run: Any, params: dict[str, Any], message: str) -> None:
        with pytest.raises(StepFailed, match=message):
            run("set_variable", **params)


class TestEcho:
    @pytest.mark.parametrize("value", [None, 0, "text", [1, {"a": None}]])
    def test_gives_the_value_back(self, run: Any, value: Any) -> None:
        assert run("test_echo", value=value) == value

    def test_default(self, run: Any) -> None:
        assert run("test_echo") == "default_echo"

    @pytest.mark.parametrize("params", [{"fail": True}, {"value": "__FAIL__"}])
    def test_fails_on_purpose(self, run: Any, params: dict[str, Any]) -> None:
        with pytest.raises(StepFailed, match="Test step intentionally failed"):
            run("test_echo", **params)
        with pytest.raises(StepFailed, match="mine"):
            run("test_echo", **params, error_message="mine")


class TestSimulate:
    def test_output_and_failure(self, run: Any) -> None:
        assert run("simulate", seconds=0.01, output={"a": 1}) == {"a": 1}
        with pytest.raises(StepFailed, match="broken"):
            run("simulate", fail="broken")

    @pytest.mark.parametrize("seconds", [-1, 86_401, "soon"])
    def test_bounds(self, run: Any, seconds: Any) -> None:
        with pytest.raises(StepFailed, match="seconds"):
            run("simulate", seconds=seconds)

    def test_a_cancelled_step_gives_its_slot_back_at_once(self, run: Any, context: StepContext) -> None:
        threading.Timer(0.05, context.cancelled.set).start()
        began = time.monotonic()
        with pytest.raises(StepCancelled):
            run("simulate", seconds=60)
        assert time.monotonic() - began < 10


class TestWait:
    def test_until_from_the_environment(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(environment={"WHEN": "2000-01-01"})
        assert run("wait", until="${WHEN}", output=7) == WaitUntil(datetime(2000, 1, 1, tzinfo=UTC), 7)
        assert run("wait", seconds="${PAUSE:-0}", output=8).result == 8

    def test_seconds(self, run: Any) -> None:
        before = datetime.now(UTC)
        outcome = run("wait", seconds=90)
        assert isinstance(outcome, WaitUntil)
        assert timedelta(seconds=89) < outcome.due_at - before < timedelta(seconds=95)
        assert outcome.result == {"waited_until": outcome.due_at.isoformat()}

    @pytest.mark.parametrize(
        "text", ["2000-01-01T00:00:00Z", "2000-01-01T01:00:00+01:00", "2000-01-01T00:00:00", "2000-01-01"]
    )
    def test_until_with_and_without_zone(self, run: Any, text: str) -> None:
        assert run("wait", until=text, output=7) == WaitUntil(datetime(2000, 1, 1, tzinfo=UTC), 7)

    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"seconds": 1, "until": "2000-01-01"},
            {"seconds": -1},
            {"seconds": 367 * 86_400},
            {"until": "tomorrow"},
            {"until": "9999-12-31T23:59:59Z"},
            {"until": "0001-01-01T00:00:00+14:00"},
        ],
    )
    def test_refused(self, run: Any, params: dict[str, Any]) -> None:
        with pytest.raises(StepFailed):
            run("wait", **params)


class TestCheckpoint:
    def test_keeps_the_state(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(steps={"a": {"n": 3}})
        result = run("checkpoint", state={"n": "{{steps.a.n}}"}, checkpoint_name="half-way")
        assert (
            result.items()
            >= {"success": True, "checkpoint_name": "half-way", "path": "checkpoints/half-way.json"}.items()
        )
        (file,) = context.files
        assert json.loads(file.data)["state"] == {"n": 3}
        assert (file.name, file.content_type) == ("checkpoints/half-way.json", "application/json")

    @pytest.mark.parametrize(("compress", "name"), [(True, "checkpoints/it.tar.gz"), (False, "checkpoints/it.tar")])
    def test_keeps_the_workspace(
        self, run: Any, context: StepContext, workspace: Path, tmp_path: Path, *, compress: bool, name: str
    ) -> None:
        (workspace / "sub").mkdir()
        (workspace / "sub" / "a.txt").write_text("inside")
        (tmp_path / "secret").write_text("outside")
        (workspace / "link").symlink_to(tmp_path / "secret")
        result = run("checkpoint", include_workspace=True, compress=compress)
        assert result["workspace_archive"] == name
        data = context.files[1].data
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data) if compress else data)) as tar:
            assert tar.getnames() == ["sub/a.txt"]

    @pytest.mark.parametrize("name", ["../x", "a/b", "", " ", "x" * 200])
    def test_refuses_names_that_are_paths(self, run: Any, name: str) -> None:
        if name:
            with pytest.raises(StepFailed, match="cannot name a checkpoint"):
                run("checkpoint", checkpoint_name=name)
        else:
            assert run("checkpoint", checkpoint_name=name)["checkpoint_name"] == "it"


def test_inline_kinds_are_the_quick_ones() -> None:
    slow = {"file_ops": "steps", "codebase_query": "steps", "simulate": "calls"}
    for name in KINDS:
        kind = runnable(name).kind
        assert kind.inline is (name not in slow)
        assert kind.queue == slow.get(name, "steps")
