from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.core.tenancy import acting_as, staff
from apps.executions import services as executions
from apps.executions.models import Decision, Signal
from apps.melodies import services as melodies
from apps.melodies.models import Melody, MelodyVersion
from tests.apps.executions.conftest import Player
from workers.management.melody.run import inputs

HELLO = "workflow:\n  name: hello\n  steps:\n    - {name: greet, type: test_echo, value: '{{ inputs.who }}'}\n"
NOWHERE = "01a1ff30-78e0-74d1-beb1-c72c8b43fde4"
BAD = "workflow:\n  name: hello\n  steps:\n    - {name: greet, type: test_eco}\n"


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    file = tmp_path / "hello.yaml"
    file.write_text(HELLO)
    return file


def manage(*arguments: str, given: str = "", home: Path) -> subprocess.CompletedProcess[str]:
    """As a person does it, without a database or anything else."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    return subprocess.run(
        [sys.executable, "manage.py", "melody", *arguments],
        cwd=settings.BASE_DIR,
        env=kept | {"SYMPHONY_HOME": str(home)},
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_validate_and_show_need_nothing(hello: Path, tmp_path: Path) -> None:
    good = manage("validate", str(hello), home=tmp_path)
    assert (good.returncode, good.stdout, good.stderr) == (0, "valid: 1 step\n", "")
    bad = manage("validate", "-", given=BAD, home=tmp_path)
    assert bad.returncode == 1
    assert bad.stdout.startswith("<stdin>:4:27: There is no step type `test_eco`")
    assert bad.stdout.endswith("(did you mean test_echo?)\n")
    shown = manage("show", str(hello), "--mermaid", home=tmp_path)
    assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, "flowchart TD")
    none = manage("run", str(hello), home=tmp_path)
    assert (none.returncode, none.stderr) == (
        1,
        "CommandError: No database: start one with `make up`, or set DATABASE_URL.\n",
    )


def call(*arguments: str) -> str:
    out = io.StringIO()
    call_command("melody", *arguments, stdout=out)
    return out.getvalue()


def test_validate_as_json(hello: Path, tmp_path: Path) -> None:
    assert json.loads(call("validate", str(hello), "--json")) == {
        "valid": True, "name": "hello", "steps": 1, "mode": "order",
    }  # fmt: skip
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD)
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("melody", "validate", str(bad), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (left.value.code, told["valid"], told["errors"][0]["suggestion"]) == (1, False, "test_echo")


@pytest.mark.parametrize("shape", ["--plan", "--canvas", "--mermaid"])
def test_show_in_all_shapes(hello: Path, shape: str) -> None:
    assert "greet" in call("show", str(hello), shape)
    assert "greet" in json.dumps(json.loads(call("show", str(hello), shape, "--json")))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["validate", "nowhere.yaml"], "nowhere.yaml cannot be read: No such file or directory."),
        (["run", "HELLO", "--input", "who"], "--input 'who' is not NAME=VALUE."),
        (["run", "HELLO", "--input-file", "HELLO"], "is not JSON"),
    ],
)
def test_a_clear_sentence(hello: Path, arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError) as error:
        call(*(argument.replace("HELLO", str(hello)) for argument in arguments))
    assert complaint in str(error.value)


def test_inputs_are_json_or_text(tmp_path: Path) -> None:
    file = tmp_path / "inputs.json"
    file.write_text('{"a": 1, "b": 2}')
    given = ["a=[1, 2]", "c=plain", "d=", "e=a=b", "f=true"]
    assert inputs(given, str(file)) == {"a": [1, 2], "b": 2, "c": "plain", "d": "", "e": "a=b", "f": True}


@pytest.fixture
def boss(db: None) -> User:
    return create_user(email="boss@example.org", password=None, display_name="Boss", is_superuser=True, is_staff=True)


@pytest.mark.django_db(transaction=True)
def test_run_without_workers(boss: User, hello: Path, empty_broker: None, web_role: None) -> None:
    with pytest.raises(CommandError, match="No worker answers"):
        call("run", str(hello))
    with staff():
        assert not Melody.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nobody_to_run_it(hello: Path, web_role: None) -> None:
    with pytest.raises(CommandError, match="no superuser"):
        call("run", str(hello))
    with pytest.raises(CommandError, match=r"no active user x@example\.org"):
        call("run", str(hello), "--user", "x@example.org")


# -- looking at documents ------------------------------------------------------------------------------------------
OLD = "workflow:\n  name: old  # its name\n  steps:\n    - {name: a, type: test_echo, on_error: continue}\n"
NEW = OLD.replace("on_error: continue", "continue_on_error: true")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "old.yaml"
    file.write_text(OLD)
    return file


def leaves(*arguments: str) -> tuple[int, str]:
    """Exit code and output of a command that leaves early."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("melody", *arguments, stdout=out)
    assert isinstance(left.value.code, int)
    return left.value.code, out.getvalue()


def test_lint_says_where(hello: Path, old: Path) -> None:
    told = call("lint", str(hello), str(old)).splitlines()
    assert told[0].startswith(f"{old}:4:34: warning: `on_error: continue` is the older form")
    assert told[0].endswith("[outdated_form]")
    assert told[1:] == ["2 files, 0 errors, 1 warning"]


def test_lint_leaves_with_a_code(hello: Path, old: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD)
    assert call("lint", str(hello), "--strict") == "1 file, 0 errors, 0 warnings\n"
    code, told = leaves("lint", str(old), "--strict")
    assert (code, told.splitlines()[-1]) == (1, "1 file, 0 errors, 1 warning")
    code, told = leaves("lint", str(bad), str(old))
    assert (code, told.splitlines()[-1]) == (1, "2 files, 1 error, 1 warning")
    code, told = leaves("lint", str(bad), "--json")
    (file,) = json.loads(told)["files"]
    assert (code, file["valid"], file["errors"][0]["suggestion"], file["warnings"]) == (1, False, "test_echo", [])


def test_migrate_prints_shows_or_writes(old: Path) -> None:
    assert call("migrate", str(old)) == NEW
    assert "-    - {name: a, type: test_echo, on_error: continue}\n+" in call("migrate", str(old), "--diff")
    assert json.loads(call("migrate", str(old), "--json"))["text"] == NEW
    assert old.read_text() == OLD
    assert call("migrate", str(old), "--write") == f"{old}: 1 change\n"
    assert old.read_text() == NEW
    assert call("migrate", str(old), "--write") == f"{old}: nothing to change\n"
    assert call("migrate", str(old), "--diff") == ""
    assert [file.name for file in old.parent.iterdir()] == ["old.yaml"]
    assert "claude_auth:" in call("migrate", str(old), "--complete")


def test_migrate_writes_only_what_is_valid(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD.replace("type: test_eco", "type: test_eco, on_error: continue"))
    before = bad.read_text()
    code, told = leaves("migrate", str(bad), "--write")
    assert (code, bad.read_text()) == (1, before)
    assert "There is no step type `test_eco`" in told
    merged = tmp_path / "merged.yaml"
    merged.write_text(
        "workflow:\n  name: a\n  steps:\n    - &one {name: a, type: test_echo, on_error: continue}\n    - {<<: *one, name: b}\n"
    )
    with pytest.raises(CommandError, match="merges mappings"):
        call("migrate", str(merged))


def test_the_schema_is_printed() -> None:
    whole, one = json.loads(call("schema")), json.loads(call("schema", "--kind", "wait"))
    assert whole["$id"] == "urn:symphony:schema:melody"
    assert one["properties"]["type"]["const"] == "wait"
    with pytest.raises(CommandError, match="did you mean claude"):
        call("schema", "--kind", "clude")


# -- files that name files -----------------------------------------------------------------------------------------
def nest(name: str, file: str) -> str:
    return f"workflow:\n  name: {name}\n  steps:\n    - {{name: inner, type: pipeline, pipeline_file: {file}}}\n"


@pytest.fixture
def family(tmp_path: Path) -> Path:
    """A main file, its child in a folder, and a grandchild that names the main file."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "main.yaml").write_text(nest("main", "./parts/child.yaml"))
    (tmp_path / "parts" / "child.yaml").write_text(nest("child", "parts/grandchild.yaml"))
    (tmp_path / "parts" / "grandchild.yaml").write_text(nest("grandchild", "main.yaml"))
    return tmp_path / "main.yaml"


@pytest.mark.django_db
def test_publish_takes_the_files_along(boss: User, family: Path, web_role: None) -> None:
    told = call("publish", str(family)).splitlines()
    assert told[:2] == ["published parts/child.yaml", "published parts/grandchild.yaml"]
    assert told[2].startswith("published main version 1 at main.yaml (")
    with staff():
        assert set(Melody.objects.values_list("name", "path")) == {
            ("main", "main.yaml"), ("child", "parts/child.yaml"), ("grandchild", "parts/grandchild.yaml"),
        }  # fmt: skip
    (family.parent / "parts" / "child.yaml").write_text(HELLO)
    value = json.loads(call("publish", str(family), "--json"))
    assert (value["name"], value["path"], value["version"], value["others"]) == (
        "main", "main.yaml", 1, ["parts/child.yaml"],
    )  # fmt: skip
    with staff():
        assert Melody.objects.count() == 3
        assert MelodyVersion.objects.filter(melody__path="parts/child.yaml").count() == 2


@pytest.mark.django_db
def test_publish_under_a_path(boss: User, hello: Path, web_role: None) -> None:
    call("publish", str(hello), "--path", "./tools/hello.yaml")
    call("publish", str(hello), "--path", "tools/hello.yaml")
    call("publish", str(hello))
    with staff():
        assert list(Melody.objects.values_list("path", flat=True)) == ["tools/hello.yaml"]
        assert MelodyVersion.objects.count() == 1
    with pytest.raises(CommandError, match="absolute"):
        call("publish", str(hello), "--path", "/etc/passwd")


@pytest.mark.django_db
def test_nothing_is_published_when_something_is_wrong(boss: User, family: Path, web_role: None) -> None:
    grandchild = family.parent / "parts" / "grandchild.yaml"
    grandchild.write_text(BAD)
    code, told = leaves("publish", str(family))
    assert code == 1
    assert told.startswith(f"{grandchild}:4:27: There is no step type")
    grandchild.unlink()
    with pytest.raises(CommandError, match=r"child\.yaml names parts/grandchild\.yaml: there is no such file here"):
        call("publish", str(family))
    grandchild.write_text(nest("grandchild", "../outside.yaml"))
    with pytest.raises(CommandError, match=r"grandchild\.yaml: /workflow/steps/0: .* leaves the folder"):
        call("publish", str(family))
    with staff():
        assert not Melody.objects.exists()


@pytest.mark.django_db
def test_a_file_that_was_published_before_may_be_away(boss: User, family: Path, web_role: None) -> None:
    call("publish", str(family))
    (family.parent / "parts" / "grandchild.yaml").unlink()
    assert call("publish", str(family)).startswith("published parts/child.yaml\npublished main version 1")


# -- people and signals --------------------------------------------------------------------------------------------
ASKING = """\
workflow:
  name: asking
  mode: dag
  steps:
    - {name: review, type: approval}
    - {name: paid, type: signal}
"""


@pytest.fixture
def player(boss: User, web_role: None) -> Player:
    """A run whose steps wait as soon as the player lets them."""
    with acting_as(boss.pk):
        version = melodies.create_melody(
            actor=boss, organization=accounts.organization_for(actor=boss), source=ASKING, media="yaml"
        )
        return Player(executions.start_execution(actor=boss, melody=version.melody, version=version, input={}))


@pytest.mark.django_db
@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_decision(player: Player, decision: str) -> None:
    run = str(player.execution.pk)
    with pytest.raises(CommandError, match="wait"):
        call(decision, run, "review")
    task = player.ask("May it?")
    told = json.loads(call(decision, run, "review", "--comment", "As agreed.", "--json"))
    assert told == {"execution": run, "step": "review", "task": task, "decision": decision}
    with staff():
        made = Decision.objects.get()
        assert (made.comment, str(made.task_id), made.decision) == ("As agreed.", task, decision)
    with pytest.raises(CommandError, match="has no step nobody"):
        call(decision, run, "nobody")


@pytest.mark.django_db
def test_a_signal(player: Player) -> None:
    run = str(player.execution.pk)
    assert call("signal", run, "paid", "--payload", '{"amount": 3}') == f"execution {run} was told paid\n"
    with staff():
        assert Signal.objects.get().payload == {"amount": 3}


@pytest.mark.django_db
def test_pause_and_resume(player: Player) -> None:
    run = str(player.execution.pk)
    assert call("pause", run) == f"execution {run} paused\n"
    assert call("resume", run) == f"execution {run} running\n"
    with pytest.raises(CommandError, match="only a paused one"):
        call("resume", run)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["approve", NOWHERE, "review"], "There is no such execution"),
        (["reject", NOWHERE, "review", "--comment", "No."], "There is no such execution"),
        (["signal", NOWHERE, "paid"], "There is no such execution"),
        (["signal", NOWHERE, "paid", "--payload", "{"], "--payload is not JSON"),
        (["cancel", NOWHERE], "There is no such execution"),
        (["pause", NOWHERE], "There is no such execution"),
        (["resume", NOWHERE], "There is no such execution"),
    ],
)
@pytest.mark.django_db
def test_what_is_not_there(boss: User, web_role: None, arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        call(*arguments)
