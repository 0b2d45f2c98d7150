"""The README, followed by the letter: its command blocks run on a real stack, its targets and files exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from symphony.demo.client import Client
from symphony.env import STACK_FILE, read_env_file
from symphony.stack import BASE_DIR

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")
LANGUAGE = (BASE_DIR / "docs" / "language.md").read_text(encoding="utf-8")
SHELL_BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
MELODIES = re.findall(r"^```yaml\n(workflow:\n.*?)^```$", LANGUAGE, re.DOTALL | re.MULTILINE)
CALLS = 5
SAID = {
    "greeting": ("greet", "Hello, Clara!"),
    "in order": ("second", 2),
    "diamond": ("score", "g over c"),
    "first come, first served": ("mend", "Test step intentionally failed"),
    "clean up in any case": ("tidy", "published: false"),
    "expressions": (
        "look",
        {
            "number": 30,
            "text": "3 composers, Lili last",
            "choice": "fair",
            "mapped": ["CLARA", "FANNY", "LILI"],
            "nothing": None,
        },
    ),
    "counting": ("tell", "1, then 2"),
    "sales": ("tell", "red: 30"),
    "files": ("tell", ["data", "data/scores.csv", "scores.json"]),
    "measure a file": ("tell", "3 lines, 1 function"),
    "choose": ("tell", "Bravo! (pass)"),
    "rehearsal": ("all", ["soprano, 1 of 3", "bass, 3 of 3"]),
    "refine": ("tell", "3 passes, score 3"),
    "first come": ("tell", "hare: here"),
    "two voices": ("tell", "c high, c low"),
    "may we": ("play", "An overture!"),
    "news": ("write", "It is a boy!"),
    "compute": ("tell", "sandbox_unavailable"),
    "a pause": ("past", "over"),
    "pretend": ("model", {"answer": 42}),
    "echo": ("say", [1, {"two": 2}]),
}
"""What some melodies of docs/language.md give: a step and its result."""


def blocks_with(word: str) -> list[str]:
    return [block for block in SHELL_BLOCKS if word in block]


def shell(script: str, stack: Any) -> str:
    """What a script of the README prints. Only the addresses of the stack are exchanged for those of the test's."""
    script = script.replace(".symphony/", f"{stack.home.root}/").replace("http://127.0.0.1:8000", stack.url)
    script = script.replace(".venv/bin/python", sys.executable)
    ended = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=BASE_DIR,
        env={**os.environ, **read_env_file(stack.home.root / STACK_FILE)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def parts_of(block: str) -> list[str]:
    """A commented block, cut before each numbered comment."""
    return re.split(r"(?=^# \d\. )", block, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def answers(stack: Any) -> list[str]:
    """What each of the five calls printed."""
    (block,) = blocks_with("curl")
    preparation, *calls = parts_of(block)
    assert len(calls) == CALLS
    marked = "".join(f"{call.rstrip()}\nprintf '\\036'\n" for call in calls)
    printed = shell(f'{preparation}{marked}echo "$MELODY $EXECUTION"', stack)
    return printed.split("\036")


def test_create_and_execute_give_ids(answers: list[str]) -> None:
    melody, execution = answers[-1].split()
    assert re.fullmatch(r"[0-9a-f-]{36}", melody)
    assert re.fullmatch(r"[0-9a-f-]{36}", execution)
    assert melody != execution


def test_the_stream_tells_the_run_to_its_end(answers: list[str]) -> None:
    stream = answers[2]
    assert "event: task_completed" in stream
    assert stream.strip().splitlines()[-2] == "event: end"
    assert json.loads(stream.strip().splitlines()[-1].removeprefix("data: "))["status"] == "completed"


def test_reading_shows_tasks_events_and_artifacts(answers: list[str]) -> None:
    decoder, text, found = json.JSONDecoder(), answers[3].strip(), []
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value["results"])
        text = text[end:].strip()
    tasks, events, artifacts = found
    assert {task["status"] for task in tasks} == {"completed"}
    assert sum(task["name"] == "say" for task in tasks) == 2
    assert {"execution_created", "task_completed", "execution_completed"} <= {event["type"] for event in events}
    assert [artifact["name"] for artifact in artifacts] == ["report.txt"]


def test_cancelling_what_has_ended_is_answered_as_the_comment_says(answers: list[str]) -> None:
    assert json.loads(answers[4])["code"] == "execution_over"


def test_the_melody_commands_work(stack: Any) -> None:
    (block,) = blocks_with("manage.py melody")
    printed = shell(block, stack)
    assert "valid: 6 steps" in printed
    assert "frontier 1" in printed
    assert re.search(r"^execution [0-9a-f-]{36} completed$", printed, re.MULTILINE)


def test_make_knows_every_target_that_is_named() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join([*SHELL_BLOCKS, *re.findall(r"`([^`\n]+)`", README)])))
    assert {"demo", "test", "up", "bench", "help"} <= named
    listed = subprocess.run(["make", "help"], cwd=BASE_DIR, capture_output=True, text=True, check=True).stdout
    assert named <= set(re.findall(r"^\s*make ([a-z]+)", listed, re.MULTILINE))


def test_files_and_folders_named_exist() -> None:
    (tree,) = re.findall(r"^```\n(symphony/.*?)^```$", README, re.DOTALL | re.MULTILINE)
    for line in tree.splitlines():
        folders = re.findall(r"(?:^|\s{2,})(\w+(?:/\w+)*)(?=/?\s)", line)
        assert folders, line
        assert all((BASE_DIR / folder).is_dir() for folder in folders if "/" in folder or line.startswith(folder)), line
    for path in re.findall(r"`([\w./-]+\.(?:md|yaml|yml|py))`", README):
        assert (BASE_DIR / path).exists() or path == "manage.py", path


def test_the_examples_of_the_language_give_what_the_page_says(stack: Any) -> None:
    """Every melody of docs/language.md comes to its end, all at once."""
    client = Client(stack.url, stack.token)
    runs = {}
    for document in MELODIES:
        melody = client.create_melody(document)
        runs[melody["name"]] = client.execute(melody["id"], {"who": "Clara"})["id"]
    outputs = {}
    for name, execution in runs.items():
        for _ in client.events(execution, stack.supervisor.tend):
            pass
        ended = client.execution(execution)
        assert ended["status"] == "completed", (name, client.listed(execution, "tasks"))
        outputs[name] = ended["outputs"]
    assert {name: outputs[name][step] for name, (step, _) in SAID.items()} == {
        name: value for name, (_, value) in SAID.items()
    }
    assert "reject" not in outputs["conditions"] or outputs["conditions"]["reject"]["skipped"] is True
