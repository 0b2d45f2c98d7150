"""`shell`: run a command, in the sandbox and nowhere else."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from pydantic import Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, step_kind
from workers.steps.boxed import Boxed, run_boxed
from workers.steps.fields import is_rendered, require

MOST_WORDS = 1000


class Shell(Boxed):
    """The command, and what it is given."""

    command: str | list[str] = Field(
        description="The command: a list of words, or a text that is split into words as a shell does. There are no "
        "pipes, redirections or variables."
    )

    @model_validator(mode="after")
    def _has_words(self, info: ValidationInfo) -> Shell:
        if is_rendered(info) or "{{" not in str(self.command):
            try:
                words = self.words()
            except ValueError as error:
                raise PydanticCustomError(
                    "step_params", "`command` cannot be split into words: {reason}", {"reason": str(error)}
                ) from error
            require(words, "`command` is empty")
            require(len(words) <= MOST_WORDS, f"`command` has more than {MOST_WORDS} words")
        return self

    def words(self) -> list[str]:
        """The command as its words."""
        return shlex.split(self.command) if isinstance(self.command, str) else list(self.command)


def check_command(words: Sequence[str], safety: Mapping[str, Any]) -> None:
    """`safety.blocked_commands` goes before `safety.allowed_commands`; entries are names, or whole commands, or globs."""
    blocked, allowed = safety.get("blocked_commands"), safety.get("allowed_commands")
    if isinstance(blocked, list) and _is_among(words, blocked):
        raise _refused(words, "is among the melody's `safety.blocked_commands`")
    if isinstance(allowed, list) and not _is_among(words, allowed):
        raise _refused(words, "is not among the melody's `safety.allowed_commands`")


def _is_among(words: Sequence[str], entries: Sequence[Any]) -> bool:
    name = PurePosixPath(words[0]).name
    whole = " ".join(words)
    named = " ".join([name, *words[1:]])
    return any(
        fnmatchcase(text, entry) or text.startswith(f"{entry} ")
        for entry in map(str, entries)
        for text in (name, whole, named)
    )


def _refused(words: Sequence[str], why: str) -> StepFailed:
    return StepFailed(f"The command {words[0][:100]!r} {why}.", code="command_refused", final=True)


@step_kind(StepKind(name="shell", params=Shell, summary="Run a command in the sandbox", queue="calls"))
def run(params: Shell, step: StepContext) -> dict[str, Any]:
    """Its output, and how it ended."""
    words = params.words()
    check_command(words, step.workflow.section("safety"))
    most = step.workflow.section("resource_limits").get("max_shell_commands")
    if step.engine is not None and isinstance(most, int) and step.engine.started_tasks("shell") > most:
        raise StepFailed(
            f"The melody's `resource_limits.max_shell_commands` of {most} is used up.",
            code="too_many_shell_commands",
            final=True,
        )
    return run_boxed(params, step, {"language": "shell", "command": tuple(words)})
