"""`manage.py melody run` on a running stack."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symphony.env import STACK_FILE, read_env_file
from symphony.stack import BASE_DIR

HELLO = "workflow:\n  name: hello\n  steps:\n    - {name: greet, type: test_echo, value: 'Hello {{ inputs.who }}'}\n"
LONG = "workflow: {name: long, steps: [{name: hold, type: simulate, seconds: 120}]}"

Melody = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def melody(stack: Any) -> Melody:
    named = read_env_file(stack.home.root / STACK_FILE)

    def melody(*arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", "melody", *map(str, arguments)],
            cwd=BASE_DIR,
            env={**os.environ, **named},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return melody


def over(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, complaint = process.communicate(timeout=120)
    return process.returncode, out, complaint


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    file = tmp_path / "hello.yaml"
    file.write_text(HELLO)
    return file


def test_followed_to_its_end(melody: Melody, hello: Path) -> None:
    code, out, complaint = over(melody("run", hello, "--input", "who=Fanny", "--follow"))
    assert (code, complaint) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("execution ")
    assert any("task_completed" in line and "greet" in line for line in lines)
    assert lines[-1] == lines[0].replace("started", "completed")


def test_followed_as_json(melody: Melody, hello: Path) -> None:
    code, out, _ = over(melody("run", hello, "--input", "who=Fanny", "--follow", "--json"))
    run = json.loads(out)
    assert (code, run["status"], run["outputs"]) == (0, "completed", {"greet": "Hello Fanny"})


def test_a_failure_is_told(melody: Melody, hello: Path) -> None:
    hello.write_text(HELLO.replace("greet,", "greet, fail: true, error_message: 'The bow broke.',"))
    code, out, _ = over(melody("run", hello, "--follow"))
    assert code == 1
    assert "The bow broke." in out.splitlines()[-1]


def test_a_name_cannot_play_with_the_terminal(melody: Melody, hello: Path) -> None:
    hello.write_text(HELLO.replace("greet,", 'greet, fail: true, error_message: "\\e[2J\\a",'))
    _, out, _ = over(melody("run", hello, "--follow"))
    assert not {"\x1b", "\x07"} & set(out)


def test_whoever_stops_following_is_told_how_to_cancel(melody: Melody, hello: Path) -> None:
    hello.write_text(LONG)
    process = melody("run", hello, "--follow")
    assert process.stdout is not None
    execution = process.stdout.readline().split()[1]
    while "task_started" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    code, _, complaint = over(process)
    assert (code, complaint.strip()) == (
        130,
        f"The execution goes on without you. To cancel it: manage.py melody cancel {execution}",
    )
    assert over(melody("cancel", execution))[:2] == (0, f"execution {execution} cancelled\n")
    code, _, complaint = over(melody("cancel", execution))
    assert (code, complaint) == (1, "CommandError: The execution has ended already.\n")


def test_the_same_name_is_the_same_melody(melody: Melody, hello: Path) -> None:
    runs = []
    for value in ("Ciao", "Ciao", "Salve"):
        hello.write_text(HELLO.replace("hello", "greeting").replace("Hello", value))
        runs.append(json.loads(over(melody("run", hello, "--json"))[1]))
    assert len({run["melody"] for run in runs}) == 1
    assert len({run["id"] for run in runs}) == 3
    code, _, complaint = over(melody("run", hello, "--organization", "nowhere"))
    assert (code, "no such organization" in complaint) == (1, True)
