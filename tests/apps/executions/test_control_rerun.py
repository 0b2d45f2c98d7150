"""Running an execution again as a new one: what runs, what is kept, and from where."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.core.errors import Invalid
from apps.core.tenancy import acting_as
from apps.executions import ledger
from apps.executions.errors import NothingToRerun, NotOver, StepNotRerunnable, VersionsDiffer
from apps.executions.models import Artifact, Execution, Task, Variable
from apps.executions.queries import tasks_of
from apps.executions.services import Wanted, cancel_execution, rerun_execution
from apps.executions.states import RerunMode
from apps.melodies.services import publish_version
from tests.apps.executions.conftest import Player, as_worker
from tests.apps.executions.test_control_retry import FAILS, NESTED, chain, dag, looping, statuses

pytestmark = pytest.mark.django_db

Start = Callable[..., Player]


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


def rerun(actor: User, execution: Execution, mode: str = "failed", **more: Any) -> Player:
    execution.refresh_from_db()
    return Player(rerun_execution(actor=actor, execution=execution, wanted=Wanted(RerunMode(mode), **more)))


def done(player: Player, **outcomes: Mapping[str, Any]) -> Execution:
    player.play(**outcomes)
    player.execution.refresh_from_db()
    return player.execution


def next_step(player: Player, **outcome: Any) -> str:
    claimed = player.claim(player.task_ids("dispatched")[0])
    player.finish(claimed, **outcome)
    return str(claimed["name"])


def each(**more: Any) -> dict[str, Any]:
    loop = {"name": "each", "type": "for_loop", "iterator": "one", "data_source": "range(0, 4)", **more, "steps": [
        {"name": "inner", "type": "test_echo"}, {"name": "outer", "type": "test_echo"}]}  # fmt: skip
    return {"workflow": {"name": "loop", "steps": [loop, {"name": "after", "type": "test_echo"}]}}


def test_what_completed_is_kept_with_its_result(acting: User, start: Start) -> None:
    first = start(acting, chain("a", "b", "c"), size=3)
    data = first.artifact("report.txt", b"text", "text/plain")
    first.finish(first.claim(first.task_ids("dispatched")[0]), output=[1], artifacts=[data])
    assert done(first, b=FAILS).status == "failed"
    second = rerun(acting, first.execution)
    made = second.execution
    assert (made.rerun_of_id, made.rerun_mode, made.input) == (first.execution.pk, "failed", {"size": 3})
    assert statuses(made) == {"a": "completed", "b": "dispatched", "c": "pending"}
    kept = Task.objects.get(execution=made, name="a")
    assert (kept.output, kept.attempt) == ([1], 0)
    assert kept.kept_from == Task.objects.get(execution=first.execution, name="a").pk
    copied = Artifact.objects.get(execution=made)
    assert (copied.task_id, copied.content_hash) == (kept.pk, data["sha256"])
    assert done(second).status == "completed"
    first.execution.refresh_from_db()
    assert (first.execution.status, statuses(first.execution)["b"]) == ("failed", "failed")


def test_failed_keeps_what_completed_behind_it_and_downstream_does_not(acting: User, start: Start) -> None:
    steps = ({"name": "a", "continue_on_error": True}, {"name": "b", "depends_on": ["a"]}, {"name": "other"})
    first = start(acting, dag(*steps))
    done(first, a=FAILS, b={"output": "first"})
    second = rerun(acting, first.execution)
    assert statuses(second.execution) == {"a": "dispatched", "b": "pending", "other": "completed"}
    assert done(second).status == "completed"
    assert Task.objects.get(execution=second.execution, name="b").output == "first"
    assert Task.objects.get(execution=second.execution, name="b").attempt == 0
    third = rerun(acting, first.execution, "downstream")
    assert done(third).status == "completed"
    assert Task.objects.get(execution=third.execution, name="b").output == "b"
    assert Task.objects.get(execution=third.execution, name="other").attempt == 0


def test_from_here_of_a_run_that_completed_with_other_input(acting: User, start: Start) -> None:
    first = start(acting, chain("a", "b", "c"), size=3)
    done(first)
    with pytest.raises(NothingToRerun):
        rerun(acting, first.execution)
    second = rerun(acting, first.execution, "from_here", step="b", input={"size": 4})
    assert second.execution.input == {"size": 4}
    assert statuses(second.execution) == {"a": "completed", "b": "dispatched", "c": "pending"}
    assert done(second).status == "completed"
    third = rerun(acting, second.execution, "from_here", step="c")
    assert (
        Task.objects.get(execution=third.execution, name="a").kept_from
        == Task.objects.get(execution=first.execution, name="a").pk
    )


def played_loop(player: Player, iterations: int = 4) -> None:
    """The loop to its end, one iteration after the other, and what follows it."""
    looping(player, iterations)
    while player.task_ids("dispatched"):
        next_step(player, output="first")
    player.execution.refresh_from_db()
    assert player.execution.status == "completed"


def kept_of(execution: Execution) -> list[tuple[str, bool, str]]:
    return [(task.name, task.kept_from is not None, task.status) for task in tasks_of(execution.pk)]


def test_from_an_iteration_of_a_loop(acting: User, start: Start) -> None:
    first = start(acting, each())
    played_loop(first)
    second = rerun(acting, first.execution, "from_here", step="each[2]")
    assert kept_of(second.execution) == [
        ("each", False, "waiting"), ("after", False, "pending"),
        ("inner", True, "completed"), ("outer", True, "completed"), ("inner", True, "completed"), ("outer", True, "completed"),
        ("inner", False, "dispatched"), ("outer", False, "pending"), ("inner", False, "pending"), ("outer", False, "pending"),
    ]  # fmt: skip
    assert [next_step(second) for _ in range(6)] == ["inner", "outer", "inner", "outer", "each", "after"]
    second.execution.refresh_from_db()
    assert second.execution.status == "completed"


def test_from_a_step_of_an_iteration_by_address_and_by_id(acting: User, start: Start) -> None:
    first = start(acting, each())
    played_loop(first)
    by_id = str(Task.objects.filter(execution=first.execution, name="outer").order_by("seq")[3].pk)
    for step in ("each[3].outer", by_id):
        second = rerun(acting, first.execution, "from_here", step=step)
        assert [name for name, kept, _ in kept_of(second.execution) if not kept] == ["each", "after", "outer"]
        assert [next_step(second) for _ in range(3)] == ["outer", "each", "after"]
        second.execution.refresh_from_db()
        assert second.execution.status == "completed"


def test_iterations_that_failed_run_again_as_many_at_once_as_the_loop_says(acting: User, start: Start) -> None:
    first = start(acting, each())
    claimed = first.claim(first.task_ids("dispatched")[0])
    with as_worker():
        ledger.expand(claimed, [{"body": 0}] * 4, limit=2, stop_on_failure=False, worker="player/1")
    count = 0
    while first.task_ids("dispatched"):
        count += 1
        next_step(first, **(FAILS if count in (3, 4, 6) else {"output": "first"}))
    first.execution.refresh_from_db()
    assert first.execution.status == "completed"
    second = rerun(acting, first.execution)
    failed = [task.name for task in tasks_of(first.execution.pk).filter(status="failed")]
    again = [name for name, kept, status in kept_of(second.execution) if status == "dispatched"]
    assert (len(failed), len(again)) == (3, 2)
    assert done(second).status == "completed"
    assert {task.status for task in tasks_of(second.execution.pk)} == {"completed"}
    after = Task.objects.get(execution=second.execution, name="after")
    assert (after.output, after.attempt) == ("first", 0)


def test_inside_of_a_composite_step_only_what_did_not_complete(acting: User, start: Start) -> None:
    first = start(acting, NESTED)
    first.expand(first.claim(first.task_ids("dispatched")[0]), [{"body": 0, "variables": {"own": 1}}])
    next_step(first, output="x")
    next_step(first, **FAILS)
    next_step(first, **FAILS)
    second = rerun(acting, first.execution)
    assert kept_of(second.execution) == [
        ("call", False, "waiting"), ("after", False, "pending"), ("x", True, "completed"), ("y", False, "dispatched")
    ]  # fmt: skip
    (frame,) = second.execution.frames.all()
    assert (frame.lineage, frame.status) == ([frame.pk], "running")
    assert Variable.objects.get(execution=second.execution, scope=frame.pk).value == 1
    assert done(second).status == "completed"
    third = rerun(acting, second.execution, "from_here", step="call.y")
    assert done(third).status == "completed"


def test_variables_are_as_the_kept_steps_left_them(acting: User, start: Start) -> None:
    steps = [
        {"name": "one", "type": "set_variable", "variables": {"v": 1, "w": 1}},
        {"name": "two", "type": "set_variable", "variables": {"v": 2}},
        {"name": "last", "type": "test_echo"},
    ]
    first = start(acting, {"workflow": {"name": "counting", "variables": {"v": 0, "u": 0}, "steps": steps}})
    for value in ({"v": 1, "w": 1}, {"v": 2}):
        next_step(first, output={"variables": value, "scope": "global"}, variables=value)
    next_step(first)
    second = rerun(acting, first.execution, "from_here", step="two")
    assert dict(Variable.objects.filter(execution=second.execution).values_list("name", "value")) == {
        "v": 1, "w": 1, "u": 0
    }  # fmt: skip


def test_a_step_nobody_can_begin_from_is_refused_by_its_name(acting: User, start: Start) -> None:
    first = start(acting, each())
    with pytest.raises(NotOver):
        rerun(acting, first.execution)
    played_loop(first)
    for step, why in (
        ("nothing", "there is no step 'nothing'; there are after, each"),
        ("each[9]", "no iteration 9"),
        ("each[0].other", "there is no step 'other' in 'each[0]'"),
        ("each.inner", "which iteration"),
        ("after[0]", "no iteration 0"),
        ("each[0]x", "comes"),
        (str(first.execution.pk), "no task with this id"),
    ):
        with pytest.raises(StepNotRerunnable) as refused:
            rerun(acting, first.execution, "from_here", step=step)
        assert why in refused.value.detail
        assert refused.value.errors[0]["pointer"] == "/step"
    for wrong in ({"mode": "from_here"}, {"mode": "failed", "step": "each"}):
        with pytest.raises(Invalid) as invalid:
            rerun(acting, first.execution, **wrong)
        assert invalid.value.errors[0]["pointer"] == "/step"


def test_a_cancelled_run_goes_on_in_a_new_one(acting: User, start: Start) -> None:
    first = start(acting, each())
    looping(first, 4)
    for _ in range(3):
        next_step(first)
    cancel_execution(actor=acting, execution=first.execution)
    second = rerun(acting, first.execution)
    assert [status for name, _, status in kept_of(second.execution) if name != "after"] == [
        "waiting", "completed", "completed", "completed", "dispatched", "pending", "pending", "pending", "pending"
    ]  # fmt: skip
    assert done(second).status == "completed"


def publish(actor: User, player: Player, document: Mapping[str, Any]) -> int:
    version = publish_version(actor=actor, melody=player.execution.melody, source=json.dumps(document), media="json")
    return int(version.number)


def test_a_newer_version_takes_results_over_where_the_steps_are_the_same(acting: User, start: Start) -> None:
    first = start(acting, chain("a", "b", "c"))
    done(first, c=FAILS)
    newer = publish(acting, first, chain("a", "between", "b", "mended", "last"))
    second = rerun(acting, first.execution, version=newer)
    assert statuses(second.execution) == {
        "a": "completed", "between": "dispatched", "b": "pending", "mended": "pending", "last": "pending"
    }  # fmt: skip
    assert next_step(second) == "between"
    assert statuses(second.execution)["b"] == "completed"
    assert [next_step(second), next_step(second)] == ["mended", "last"]
    second.execution.refresh_from_db()
    assert (second.execution.status, second.execution.version.number) == ("completed", newer)


def test_a_loop_goes_on_in_a_newer_version(acting: User, start: Start) -> None:
    first = start(acting, each())
    looping(first, 4)
    for _ in range(5):
        next_step(first)
    cancel_execution(actor=acting, execution=first.execution)
    document = each()
    document["workflow"]["steps"].insert(0, {"name": "before", "type": "test_echo", "depends_on": []})
    document["workflow"]["steps"].append({"name": "more", "type": "test_echo"})
    newer = publish(acting, first, {"workflow": {**document["workflow"], "steps": document["workflow"]["steps"][1:]}})
    second = rerun(acting, first.execution, version=newer)
    assert [name for name, kept, _ in kept_of(second.execution) if kept] == [
        "inner",
        "outer",
        "inner",
        "outer",
        "inner",
    ]
    assert done(second).status == "completed"
    assert statuses(second.execution)["more"] == "completed"


def test_a_newer_version_in_which_kept_steps_differ_is_refused_with_a_list(acting: User, start: Start) -> None:
    first = start(acting, chain("a", "b", "c", "d"))
    done(first, d=FAILS)
    newer = publish(acting, first, {"workflow": {"name": "chain", "steps": [
        {"name": "a", "type": "test_echo", "value": "other"}, {"name": "b", "type": "wait", "seconds": 0},
        {"name": "d", "type": "test_echo"}]}})  # fmt: skip
    before = Execution.objects.count()
    with pytest.raises(VersionsDiffer) as refused:
        rerun(acting, first.execution, version=newer)
    assert [(one["code"], one["message"].split(":")[0]) for one in refused.value.errors] == [
        ("step_parameters", "a"), ("step_kind", "b"), ("step_missing", "c")
    ]  # fmt: skip
    assert Execution.objects.count() == before


def test_many_kept_steps_take_no_more_statements_than_few(acting: User, start: Start) -> None:
    small, large = (statements(acting, start, count) for count in (5, 300))
    assert large == small


def statements(actor: User, start: Start, count: int) -> int:
    first = start(actor, dag(*({"name": f"s{number}"} for number in range(count))))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE executions_task SET status = 'completed', completed_at = now()"
            " WHERE execution_id = %s AND name <> 's0' AND kind <> 'join'",
            [first.execution.pk],
        )
    cancel_execution(actor=actor, execution=first.execution)
    first.execution.refresh_from_db()
    with CaptureQueriesContext(connection) as seen:
        second = rerun(actor, first.execution)
    assert [one.name for one in second.execution.tasks.filter(status="dispatched")] == ["s0"]
    return len(seen)
