"""`melody retry | rerun | skip | set-result | bulk`, on the database role of the web."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.core.tenancy import acting_as, staff
from apps.executions import services
from apps.executions.models import Execution
from apps.executions.queries import tasks_of
from apps.melodies.services import create_melody
from tests.apps.executions.conftest import Player
from tests.workers.test_melody_command import call

pytestmark = pytest.mark.django_db

FAILS = {"status": "failed", "error": {"code": "meant", "message": "meant to fail"}}
DOCUMENT = {"workflow": {"name": "chain", "steps": [{"name": name, "type": "test_echo"} for name in ("a", "b", "c")]}}


@pytest.fixture
def boss(web_role: None) -> User:
    return create_user(email="boss@example.org", password=None, display_name="Boss", is_superuser=True)


@pytest.fixture
def player(boss: User) -> Player:
    """A run that has failed at its second step."""
    with acting_as(boss.pk):
        home = accounts.organization_for(actor=boss)
        melody = create_melody(actor=boss, organization=home, source=json.dumps(DOCUMENT), media="json").melody
        player = Player(services.start_execution(actor=boss, melody=melody, input={"size": 1, "kept": True}))
    player.play(b=FAILS)
    return player


def statuses(player: Player) -> dict[str, str]:
    with staff():
        return {task.name: task.status for task in tasks_of(player.execution.pk)}


def test_retry(player: Player) -> None:
    run = str(player.execution.pk)
    assert call("retry", run, "--reason", "once more") == f"execution {run} pending, retry 1 of 3\n"
    assert statuses(player) == {"a": "completed", "b": "dispatched", "c": "pending"}
    with pytest.raises(CommandError, match="only one that failed"):
        call("retry", run)


def test_retry_tells_programs(player: Player) -> None:
    told = json.loads(call("retry", str(player.execution.pk), "--json"))
    assert (told["id"], told["status"], told["retry_count"]) == (str(player.execution.pk), "pending", 1)
    assert told["task_counts"]["completed"] == 1


def test_rerun_in_each_mode(player: Player) -> None:
    run = str(player.execution.pk)
    for flags, mode, step, values in (
        ([], "failed", "", {"size": 1, "kept": True}),
        (["--downstream"], "downstream", "", {"size": 1, "kept": True}),
        (["--from", "a", "--input", "size=4"], "from_here", "a", {"size": 4, "kept": True}),
    ):
        told = json.loads(call("rerun", run, *flags, "--json"))
        with staff():
            made = Execution.objects.get(pk=told["id"])
        assert (made.rerun_of_id, made.rerun_mode, made.rerun_step) == (player.execution.pk, mode, step)
        assert (made.input, told["status"]) == (values, "pending")
        assert (told["rerun_of"], told["mode"], told["step"]) == (run, mode, step or None)
    with pytest.raises(CommandError, match="there is no step 'd'"):
        call("rerun", run, "--from", "d")
    with staff():
        assert Execution.objects.filter(rerun_of=player.execution).count() == 3


def test_skip_and_set_result(player: Player) -> None:
    run = str(player.execution.pk)
    assert call("set-result", run, "b", '{"by": "hand"}') == "b: completed by boss@example.org\n"
    told = json.loads(call("skip", run, "c", "--reason", "not today", "--json"))
    assert (told["execution"], told["step"], told["status"]) == (run, "c", "skipped")
    assert statuses(player) == {"a": "completed", "b": "completed", "c": "skipped"}
    with staff():
        assert Execution.objects.get(pk=run).status == "completed"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["set-result", "b", "{"], "The result is not JSON"),
        (["set-result", "b", "NaN"], "NaN"),
        (["set-result", "nobody", "1"], "there is no step 'nobody'"),
        (["skip", "a"], "The execution is failed"),
        (["skip", "a[0]"], "name a step inside"),
    ],
)
def test_what_cannot_be_decided(player: Player, arguments: list[str], complaint: str) -> None:
    verb, *rest = arguments
    with pytest.raises(CommandError, match=complaint):
        call(verb, str(player.execution.pk), *rest)
    assert statuses(player) == {"a": "completed", "b": "failed", "c": "cancelled"}


def test_bulk_counts_first(player: Player) -> None:
    run, melody = str(player.execution.pk), str(player.execution.melody_id)
    assert call("bulk", "retry", "--melody", melody) == "1 match: 1 failed\n"
    assert statuses(player)["b"] == "failed"
    done = call("bulk", "retry", "--status", "failed", "--yes")
    assert done == "1 match: 1 failed\n1 done, 0 refused, 0 remaining\n"
    told = json.loads(call("bulk", "cancel", "--melody", melody, "--yes", "--json"))
    assert (told["done"], told["executions"], told["refused"]) == (1, [run], [])
    with pytest.raises(CommandError, match="at least one of --status"):
        call("bulk", "cancel", "--yes")
