"""Kinds that wait for people or events, choose between branches, or end what others do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.melodies.definition.expressions import Scope
from tests.unit.steps.engine_side import MemoryEngine, collected, outcome, resumed
from workers.contract import KEEP_WAITING, Finish, StepContext, StepFailed, WaitFor, runnable

BODY = [{"name": "inner", "type": "test_echo"}]
YES = {"user": "clara@example.org", "role": "owner", "decision": "approve", "comment": "", "at": "2026-01-01T00:00:00Z"}
NO = {**YES, "user": "fanny@example.org", "decision": "reject", "comment": "too slow"}
NIL = "00000000-0000-0000-0000-000000000000"


class TestApproval:
    def test_asks(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(steps={"draft": {"text": "la"}})
        before = datetime.now(UTC)
        asked = run(
            "approval",
            role="admin",
            title="Play {{steps.draft.text}}?",
            details={"text": "{{steps.draft.text}}"},
            quorum=2,
            exclude_submitter=True,
            deadline_seconds=60,
        )
        assert isinstance(asked, WaitFor)
        assert (asked.reason, asked.name, asked.role, asked.quorum) == ("approval", "Play la?", "admin", 2)
        assert asked.details == {
            "title": "Play la?",
            "description": None,
            "details": {"text": "la"},
            "exclude_submitter": True,
        }
        assert asked.due_at is not None
        assert timedelta(0) <= asked.due_at - before - timedelta(seconds=60) < timedelta(seconds=10)

    def test_the_least(self, run: Any) -> None:
        asked = run("approval")
        assert (asked.name, asked.role, asked.quorum, asked.due_at) == ("it", "member", 1, None)

    def test_a_deadline_by_the_calendar(self, run: Any) -> None:
        asked = run("approval", deadline="2030-01-31T09:00:00+01:00")
        assert asked.due_at == datetime(2030, 1, 31, 8, tzinfo=UTC)
        with pytest.raises(StepFailed, match="ISO 8601"):
            run("approval", deadline="soon")

    def test_approved(self, context: StepContext) -> None:
        assert resumed(context, "approval", {"quorum": 2}, decisions=[YES, YES]) == {
            "decision": "approve",
            "approved": True,
            "decisions": [YES, YES],
            "timed_out": False,
        }

    def test_rejected(self, context: StepContext) -> None:
        with pytest.raises(StepFailed, match=r"'it' was rejected by fanny@example.org: too slow") as caught:
            resumed(context, "approval", {}, decisions=[YES, NO])
        assert (caught.value.code, caught.value.final, caught.value.details["decisions"]) == (
            "rejected",
            True,
            [YES, NO],
        )
        found = resumed(context, "approval", {"on_reject": "continue"}, decisions=[NO])
        assert (found["decision"], found["approved"], found["timed_out"]) == ("reject", False, False)

    @pytest.mark.parametrize(
        ("params", "outcome_"),
        [
            ({}, "approval_timeout"),
            ({"on_timeout": "reject"}, "rejected"),
            ({"on_timeout": "reject", "on_reject": "continue"}, False),
            ({"on_timeout": "approve"}, True),
        ],
    )
    def test_too_late(self, context: StepContext, params: dict[str, Any], outcome_: Any) -> None:
        if isinstance(outcome_, bool):
            found = resumed(context, "approval", params, decisions=[YES], timed_out=True)
            assert (found["approved"], found["timed_out"], found["decisions"]) == (outcome_, True, [YES])
        else:
            with pytest.raises(StepFailed, match="in time: 1 of 2 had approved") as caught:
                resumed(context, "approval", {**params, "quorum": 2}, decisions=[YES], timed_out=True)
            assert caught.value.code == outcome_

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"role": "king"}, "role"),
            ({"role": "viewer"}, "role"),
            ({"quorum": 0}, "quorum"),
            ({"deadline_seconds": 1, "deadline": "2030-01-01"}, "not both"),
            ({"deadline_seconds": 0}, "deadline_seconds"),
            ({"on_reject": "approve"}, "on_reject"),
        ],
    )
    def test_refused(self, params: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            runnable("approval").kind.params.model_validate(params)


class TestSignal:
    def test_listens(self, run: Any, context: StepContext) -> None:
        context.scope = Scope(inputs={"order": 7})
        before = datetime.now(UTC)
        heard = run("signal", signal="paid-{{inputs.order}}", timeout_seconds=60, buffered=False)
        assert (heard.reason, heard.name, heard.buffered) == ("signal", "paid-7", False)
        assert timedelta(0) <= heard.due_at - before - timedelta(seconds=60) < timedelta(seconds=10)
        assert run("signal").name == "it"
        assert run("signal", timeout=5).due_at is not None

    def test_told(self, context: StepContext) -> None:
        assert resumed(
            context, "signal", {"signal": "paid"}, payload={"sum": 3}, received_at="2026-01-01T00:00:00Z"
        ) == {
            "signal": "paid",
            "payload": {"sum": 3},
            "received_at": "2026-01-01T00:00:00Z",
            "timed_out": False,
        }

    def test_too_late(self, context: StepContext) -> None:
        with pytest.raises(StepFailed, match="No signal 'paid' came in time") as caught:
            resumed(context, "signal", {"signal": "paid"}, timed_out=True)
        assert caught.value.code == "signal_timeout"
        found = resumed(context, "signal", {"signal": "paid", "on_timeout": "continue"}, timed_out=True)
        assert (found["payload"], found["timed_out"]) == (None, True)

    def test_a_payload_that_came_early_and_does_not_fit_wakes_nobody(self, context: StepContext) -> None:
        schema = {"type": "object", "required": ["sum"], "properties": {"sum": {"type": "number"}}}
        params = {"signal": "paid", "schema": schema}
        due = datetime.now(UTC) + timedelta(seconds=9)
        context.carry = {"schema": schema, "due_at": due.isoformat()}
        again = resumed(context, "signal", params, payload={"sum": "much"})
        assert (again.name, again.due_at) == ("paid", due)
        ((kind, told),) = context.events
        assert (kind, told["problems"][0]["pointer"]) == ("signal_refused", "/sum")
        assert resumed(context, "signal", params, payload={"sum": 1})["payload"] == {"sum": 1}

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"schema": {"type": "number-ish"}}, "not a JSON Schema"),
            ({"schema": {"$ref": "https://example.org/schema.json"}}, "not a JSON Schema"),
            ({"timeout": 1, "timeout_seconds": 1}, "not both"),
            ({"signal": ""}, "signal"),
        ],
    )
    def test_refused(self, params: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            runnable("signal").kind.params.model_validate(params)


class TestTell:
    def test_this_run_and_others(self, run: Any, context: StepContext) -> None:
        context.engine = MemoryEngine(runs=frozenset({NIL}))
        assert run("tell", signal="done", payload=[1]) == {"told": True, "signal": "done"}
        run("tell", signal="done", execution=NIL)
        assert context.engine.told == [("done", [1], None), ("done", None, NIL)]

    def test_nobody_there(self, run: Any, context: StepContext) -> None:
        context.engine = MemoryEngine()
        with pytest.raises(StepFailed, match="was not told") as caught:
            run("tell", signal="done", execution=NIL)
        assert caught.value.code == "signal_not_told"
        with pytest.raises(StepFailed, match="not the id of a run"):
            run("tell", signal="done", execution="../1")


class TestRace:
    PARAMS = {"branches": {"slow": BODY, "fast": BODY, "third": BODY}}
    ERROR = {"step": "inner", "code": "boom", "message": "it broke"}

    def test_all_start_at_once(self, run: Any) -> None:
        expand = run("race", **self.PARAMS)
        assert ([frame.body for frame in expand.frames], expand.limit) == ([0, 1, 2], 3)
        assert (expand.watch, expand.stop_on_failure) == (True, False)

    def test_the_first_to_complete_wins(self, context: StepContext) -> None:
        lost = outcome(0, status="failed", label="slow", error=self.ERROR)
        assert collected(context, "race", self.PARAMS, lost) is KEEP_WAITING
        won = outcome(1, body=1, label="fast", results={"inner": 5})
        assert collected(context, "race", self.PARAMS, lost, won) == {
            "success": True,
            "winner": "fast",
            "results": {"inner": 5},
        }

    def test_when_all_fail_so_does_the_race(self, context: StepContext) -> None:
        frames = [outcome(n, status="failed", label=label, error=self.ERROR) for n, label in enumerate(["a", "b", "c"])]
        with pytest.raises(StepFailed, match="No branch of race 'it' completed: a: it broke; b: it broke") as caught:
            collected(context, "race", self.PARAMS, *frames)
        assert (caught.value.code, set(caught.value.details)) == ("no_winner", {"a", "b", "c"})

    def test_needs_runners(self) -> None:
        with pytest.raises(ValueError, match="`branches` is missing"):
            runnable("race").kind.params.model_validate({})


def test_cancel(run: Any) -> None:
    assert run("cancel", steps="other") == Finish(
        {"success": True, "mode": "cancel", "steps": ["other"]}, cancel=["other"]
    )
    assert run("cancel", steps=["a", "b"], mode="complete").complete == ["a", "b"]
    with pytest.raises(StepFailed, match="steps"):
        run("cancel", steps=[])


def test_end(run: Any, context: StepContext) -> None:
    context.scope = Scope(steps={"a": 7})
    assert run("end") == Finish({"status": "completed", "message": "", "output": None}, run="completed")
    failed = run("end", status="failed", message="No {{steps.a}}", output="{{steps.a}}")
    assert failed == Finish({"status": "failed", "message": "No 7", "output": 7}, run="failed")
    with pytest.raises(StepFailed, match="status"):
        run("end", status="paused")
