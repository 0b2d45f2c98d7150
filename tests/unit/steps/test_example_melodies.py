"""The melody of the demo, run by a small interpreter: its fields exist, its expressions work, its report can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from apps.melodies.definition import Definition, Step, known_kinds, load
from apps.melodies.definition.expressions import Scope, compile_condition
from workers.contract import Expand, FrameOutcome, StepContext, runnable
from workers.steps.files.content import as_bytes, content_type
from workers.steps.rendering import prepare

REPOSITORY = Path(__file__).resolve().parents[3]
DEMO = REPOSITORY / "examples" / "analyse_codebase.yaml"


class Interpreter:
    """Runs a definition step by step, each when its predecessors are through."""

    def __init__(self, workspace: Path, root: Path) -> None:
        self.workspace = workspace
        self.root = root
        self.files: dict[str, bytes] = {}
        self.skipped: set[str] = set()

    def run(self, definition: Definition) -> Mapping[str, Any]:
        scope = Scope(state=definition.variables, inputs={"root": str(self.root)})
        return self.body(definition.steps, scope)

    def body(self, steps: Sequence[Step], scope: Scope) -> dict[str, Any]:
        own: dict[str, Any] = {}
        waiting = list(steps)
        while waiting:
            step = next(step for step in waiting if all(edge.step in own for edge in step.edges))
            waiting.remove(step)
            own[step.name] = self.step(step, replace(scope, steps={**scope.steps, **own}))
        return own

    def step(self, step: Step, scope: Scope) -> Any:
        if step.condition is not None and not compile_condition(step.condition).holds(scope):
            self.skipped.add(step.name)
            return {"success": True, "skipped": True}
        found = runnable(step.kind)
        context = StepContext(step.name, "e", "t", 1, scope, self.workspace, (self.root,))
        params = prepare(found.kind, step.params, scope)
        result = found.run(params, context)
        if isinstance(result, Expand):
            assert found.collect is not None
            frames = [
                FrameOutcome(
                    index,
                    frame.body,
                    step.bodies[frame.body].label,
                    "completed",
                    frame.loop,
                    self.body(step.bodies[frame.body].steps, replace(scope, loop=frame.loop or scope.loop)),
                    None,
                )
                for index, frame in enumerate(result.frames)
            ]
            result = found.collect(params, context, frames)
        self.files |= {file.name: file.data for file in context.files}
        if step.output_to_file:
            self.files[step.output_to_file] = as_bytes(result)
        return result


@pytest.fixture(scope="module")
def demo() -> Definition:
    return load(DEMO.read_bytes(), known_kinds())


def test_the_demo_is_a_dag_with_branches_a_map_a_join_and_conditions(demo: Definition) -> None:
    assert demo.mode == "dag"
    assert sum(1 for step in demo.steps if not step.edges) >= 3
    assert any(step.kind == "for_loop" and step.params["parallel"] for step in demo.steps)
    assert max(len(step.edges) for step in demo.steps) >= 3
    assert sum(1 for step in demo.steps if step.condition is not None) == 2


def test_the_demo_reports_on_this_repository(demo: Definition, workspace: Path) -> None:
    engine = Interpreter(workspace, REPOSITORY)
    results = engine.run(demo)
    assert all(iteration["success"] for iteration in results["each_package"]["iterations"])
    total = results["files"]["python"]["total"]
    assert sum(row["lines"] for row in results["sizes"]["packages"]) == total["lines"] > 5000
    assert "scripts" in engine.skipped

    report = engine.files["report.md"].decode()
    assert "{{" not in report
    assert "null" not in report
    assert f"{total['lines']} lines" in report
    assert "| workers/steps |" in report
    assert "A python project" in report

    svg = ET.fromstring(engine.files["lines_per_package.svg"])
    assert "workers/steps" in {node.text for node in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert content_type("lines_per_package.svg") == "image/svg+xml"


@pytest.mark.parametrize("documented", [True, False])
def test_the_complaint_is_written_only_when_there_is_cause(
    demo: Definition, workspace: Path, tmp_path: Path, *, documented: bool
) -> None:
    root = tmp_path / "tree"
    (root / "pkg").mkdir(parents=True)
    for name in "abcde":
        (root / "pkg" / f"{name}.py").write_text('"""Says what it is for."""\n' if documented else "x = 1\n")
    engine = Interpreter(workspace, root)
    engine.run(demo)
    assert ("undocumented" in engine.skipped) is documented
    assert ("files_without_docstring.md" in engine.files) is not documented
    sentence = "That is few enough." if documented else "The files are listed in files_without_docstring.md."
    assert sentence in engine.files["report.md"].decode()
