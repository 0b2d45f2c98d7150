"""What an operator keeps in tool folders is not opened by allowing the folder around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.melodies.definition.expressions import Scope
from workers.contract import StepContext, StepFailed
from workers.steps.codebase_query import allowed_root


@pytest.mark.parametrize("inside", [".symphony", ".symphony/log", ".git", ".venv/lib"])
def test_tool_folders_cannot_be_the_root(tmp_path: Path, inside: str) -> None:
    repository, workspace = tmp_path / "repository", tmp_path / "workspace"
    (repository / inside).mkdir(parents=True)
    workspace.mkdir()
    step = StepContext("s", "e", "t", 1, Scope(), workspace, readable_roots=(repository,))
    with pytest.raises(StepFailed, match="not a folder that may be read"):
        allowed_root(str(repository / inside), step)
    assert allowed_root(str(repository), step) == (repository, repository)
