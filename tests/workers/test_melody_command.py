from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.core.tenancy import staff
from apps.melodies.models import Melody
from workers.management.commands import melody as command

HELLO = "workflow:\n  name: hello\n  steps:\n    - {name: greet, type: test_echo, value: '{{ inputs.who }}'}\n"
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
    assert command._inputs(given, str(file)) == {"a": [1, 2], "b": 2, "c": "plain", "d": "", "e": "a=b", "f": True}


@pytest.fixture
def boss(db: None) -> User:
    return create_user(email="boss@example.org", password=None, display_name="Boss", is_superuser=True, is_staff=True)


@pytest.mark.django_db(transaction=True)
def test_run_without_workers(boss: User, hello: Path, empty_broker: Any, web_role: None) -> None:
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
