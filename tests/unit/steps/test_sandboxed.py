"""python and shell: nothing runs without a sandbox, and what the document forbids does not reach one."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from apps.melodies.definition.expressions import Scope
from tests.unit.steps.engine_side import MemoryEngine
from workers.contract import StepContext, StepFailed, TimedOut, Workflow, runnable
from workers.sandbox import SandboxRequest, SandboxResult


class Prepared:
    """A sandbox that answers what the test has prepared, and remembers what it was asked to run."""

    asked: ClassVar[list[SandboxRequest]] = []
    answer: ClassVar[SandboxResult] = SandboxResult(0, "", "")

    def run(self, request: SandboxRequest) -> SandboxResult:
        self.asked.append(request)
        return self.answer


@pytest.fixture
def prepared(settings: Settings, context: StepContext, monkeypatch: pytest.MonkeyPatch) -> type[Prepared]:
    settings.SYMPHONY_SANDBOX = f"{__name__}.Prepared"
    monkeypatch.setattr(Prepared, "asked", [])
    monkeypatch.setattr(Prepared, "answer", SandboxResult(0, "out", "", {"n": 1}, {"made/a.txt": b"made"}, 0.25))
    context.engine = MemoryEngine()
    return Prepared


@pytest.mark.parametrize(("kind", "params"), [("python", {"source": "result = 1"}), ("shell", {"command": "ls"})])
def test_without_a_sandbox_nothing_runs(run: Any, kind: str, params: dict[str, Any]) -> None:
    with pytest.raises(StepFailed, match=f"Steps of type {kind} need a sandbox") as caught:
        run(kind, **params)
    assert (caught.value.code, caught.value.final) == ("sandbox_unavailable", True)
    assert "SYMPHONY_SANDBOX" in str(caught.value)


def test_a_name_that_is_no_sandbox(run: Any, settings: Settings) -> None:
    settings.SYMPHONY_SANDBOX = "nowhere.Nothing"
    with pytest.raises(ImproperlyConfigured, match=r"nowhere\.Nothing"):
        run("shell", command="ls")


def test_python(run: Any, context: StepContext, prepared: type[Prepared]) -> None:
    context.scope = Scope(steps={"a": [1, 2]})
    (context.workspace / "data.csv").write_bytes(b"x")
    source = "result = {'{{not}}': inputs['list']}"
    found = run(
        "python", source=source, inputs={"list": "{{steps.a}}"}, files=["data.csv"], collect=["made/*"], env={"A": "1"}
    )
    (asked,) = prepared.asked
    assert (asked.language, asked.source, asked.inputs) == ("python", source, {"list": [1, 2]})
    assert (asked.files, asked.collect, asked.environment) == ({"data.csv": b"x"}, ("made/*",), {"A": "1"})
    assert (asked.limits.network, asked.limits.memory_mb) == (False, 256)
    assert found == {
        "success": True,
        "exit_code": 0,
        "stdout": "out",
        "stderr": "",
        "value": {"n": 1},
        "files": ["made/a.txt"],
        "truncated": False,
        "duration_ms": 250,
    }
    assert (context.workspace / "made" / "a.txt").read_bytes() == b"made"
    assert [kept.name for kept in context.files] == ["made/a.txt"]


def test_files_stay_in_the_workspace(run: Any, context: StepContext, prepared: type[Prepared]) -> None:
    with pytest.raises(StepFailed):
        run("shell", command="ls", files=["../secret"])
    prepared.answer = SandboxResult(0, "", "", files={"../escaped": b"x"})
    with pytest.raises(StepFailed):
        run("shell", command="ls")
    assert not (context.workspace.parent / "escaped").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [("echo 'a b' c", ("echo", "a b", "c")), (["echo", "a b; rm -rf /"], ("echo", "a b; rm -rf /"))],
)
def test_a_command_is_its_words(run: Any, prepared: type[Prepared], command: Any, words: tuple[str, ...]) -> None:
    run("shell", command=command)
    assert prepared.asked[-1].command == words


@pytest.mark.parametrize(
    ("command", "safety", "fits"),
    [
        ("git log", {"allowed_commands": ["git", "ls"]}, True),
        ("/usr/bin/git log", {"allowed_commands": ["git"]}, True),
        ("rm -rf x", {"allowed_commands": ["git", "ls"]}, False),
        ("ls", {"allowed_commands": []}, False),
        ("git log", {"allowed_commands": ["git log"]}, True),
        ("git push", {"allowed_commands": ["git log"]}, False),
        ("gitk", {"allowed_commands": ["git"]}, False),
        ("rm x", {"blocked_commands": ["rm"]}, False),
        ("/bin/rm x", {"blocked_commands": ["rm"]}, False),
        ("rm -rf / now", {"blocked_commands": ["rm -rf /"]}, False),
        ("mkfs.ext4 x", {"blocked_commands": ["mkfs*"]}, False),
        ("git push", {"allowed_commands": ["git"], "blocked_commands": ["git push"]}, False),
        ("ls", {"blocked_commands": ["rm"]}, True),
    ],
)
def test_commands_a_document_allows(
    run: Any, context: StepContext, prepared: type[Prepared], command: str, safety: dict[str, Any], *, fits: bool
) -> None:
    context.workflow = Workflow(fields={"safety": safety})
    if fits:
        assert run("shell", command=command)["success"]
    else:
        with pytest.raises(StepFailed, match="_commands") as caught:
            run("shell", command=command)
        assert (caught.value.code, prepared.asked) == ("command_refused", [])


def test_limits_of_the_document(run: Any, context: StepContext, prepared: type[Prepared]) -> None:
    safety = {"allow_network": True, "allowed_domains": ["example.org"]}
    context.workflow = Workflow(fields={"safety": safety, "resource_limits": {"max_shell_commands": 2}})
    context.engine = MemoryEngine(started=2)
    run("shell", command="ls", memory_mb=64)
    limits = prepared.asked[-1].limits
    assert (limits.network, limits.domains, limits.memory_mb) == (True, ("example.org",), 64)
    context.engine = MemoryEngine(started=3)
    with pytest.raises(StepFailed, match="max_shell_commands") as caught:
        run("shell", command="ls")
    assert caught.value.code == "too_many_shell_commands"


def test_how_it_ends(run: Any, context: StepContext, prepared: type[Prepared]) -> None:
    prepared.answer = SandboxResult(3, "", "first\nNo such file\n")
    with pytest.raises(StepFailed, match="Exit code 3: No such file") as caught:
        run("shell", command="cat x")
    assert (caught.value.code, caught.value.details["exit_code"]) == ("exit_code", 3)
    assert run("shell", command="cat x", fail_on_exit=False)["success"] is False
    prepared.answer = SandboxResult(-9, "", "", timed_out=True)
    with pytest.raises(StepFailed, match="longer than 3600 s") as caught:
        run("shell", command="sleep 9999")
    assert caught.value.code == "timeout"
    context.deadline = 1e12
    with pytest.raises(TimedOut):
        run("shell", command="sleep 9999")


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("shell", {"command": ""}, "\n  `command` is empty"),
        ("shell", {"command": "word " * 1001}, "more than 1000 words"),
        ("shell", {"command": ["word"] * 1001}, "more than 1000 words"),
        ("shell", {"command": "echo 'a"}, "cannot be split"),
        ("python", {}, "source"),
    ],
)
def test_refused(kind: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        runnable(kind).kind.params.model_validate(params)
