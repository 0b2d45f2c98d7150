"""Files other people wrote for the origin of the language, and our own in its dialect, run to their end under the mock
provider. Where the corpus is not at hand, our own are run alone.

What a file reads is there, as it would be in its author's folder; what it expects a model to have written is not, for the
mock writes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.melodies.definition import InvalidDocument, known_kinds, load
from tests.workers.history import history_of
from tests.workers.stage import Ahead, Stage, asked_for

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SYMPHONY_CORPUS") or REPOSITORY.parent / "shared" / "corpus") / "pipeline_ex" / "head"
OWN = REPOSITORY / "tests" / "unit" / "corpus" / "documents" / "accepted"

GIVEN: Mapping[str, Any] = {"code_file": "given/code.py", "error_log": "given/error.log"}
"""Inputs some files ask for by a free name."""

WORKSPACE: Mapping[str, Mapping[str, str]] = {
    "examples/performance_demo.yaml": {"examples/test_data.txt": "one\ntwo\n"},
    "own/files.yaml": {"data/a.csv": "name,age\nAda,36\n"},
}
"""What must be in a run's own folder."""

SAMPLE_DATA = {
    "orders": [{"id": n, "user_id": n % 2, "total": 90 + 20 * n, "status": "completed"} for n in range(4)],
    "users": [{"id": 0, "name": "Ada", "tier": "gold"}, {"id": 1, "name": "Grace", "tier": "silver"}],
    "products": [{"id": 1, "name": "Lamp", "category": "electronics", "price": 20, "rating": 4.5}],
}
ANSWERS: Mapping[str, Mapping[str, str]] = {
    "examples/data_transform_example.yaml": {"Generate sample e-commerce data": json.dumps(SAMPLE_DATA)},
    "own/transforms.yaml": {
        "Give me orders": json.dumps(
            {
                "list": [{"user_id": 0, "total": 20, "status": "paid", "tier": "gold", "customer": {"tier": "gold"}}],
                "users": SAMPLE_DATA["users"],
            }
        )
    },
}
"""What a model must have said for later steps to make sense: the mock is told, by `environment.mock_responses`."""

ENDS: Mapping[str, tuple[str, str]] = {
    # The second round reads the paper that a model with tools would have written in the first.
    "research_paper_improvement_native_loop.yaml": ("analyze_and_improve", "file_not_found"),
}
"""Files that end otherwise than completed: the step that fails, and why."""


OTHERS: Mapping[str, str] = {
    "pipelines/other.yaml": "other",
    "shared/cleaning.yaml": "shared/cleaning",
    "mirror.yaml": "a mirror that does not look back",
}
"""Names of further melodies, by path, that some files run."""


def accepted() -> Iterator[tuple[str, Path]]:
    """What the validator takes. What it refuses, and why, is another test's business."""
    for folder, prefix in ((CORPUS, ""), (OWN, "own/")):
        for file in sorted(folder.rglob("*.yaml")):
            try:
                load(file.read_bytes(), known_kinds())
            except InvalidDocument:
                continue
            yield prefix + str(file.relative_to(folder)), file


FILES = dict(accepted())


def files_read(value: Any) -> Iterator[str]:
    """The paths of `file` parts, and of files that batch tasks name, that are written out."""
    if isinstance(value, Mapping):
        path = value.get("path") if value.get("type") == "file" else value.get("file")
        if isinstance(path, str) and "{{" not in path:
            yield path
        yield from files_read(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from files_read(item)
    elif isinstance(value, str) and value.startswith("../"):
        yield value  # a variable that a `file` part reads


def lay_out(stage: Stage, document: Mapping[str, Any]) -> None:
    """Make the files a document reads, in the folder it would have been started in."""
    for path in [*files_read(document), *GIVEN.values()]:
        there = (stage.project / path).resolve()
        assert there.is_relative_to(stage.readable), path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(f"What {path} says.\n", encoding="utf-8")


@pytest.fixture(scope="module")
def played(stage: Stage, request: pytest.FixtureRequest) -> Ahead:
    """All of them are published first, for one may run another."""
    for name, file in FILES.items():
        source = file.read_bytes()
        document = yaml.safe_load(source)
        lay_out(stage, document)
        if name in ANSWERS:
            document["workflow"].setdefault("environment", {})["mock_responses"] = ANSWERS[name]
            source = yaml.safe_dump(document, allow_unicode=True).encode()
        stage.publish(source, path=name)
    for path, name in OTHERS.items():
        small = {"workflow": {"name": name, "steps": [{"name": "say", "type": "test_echo", "value": path}]}}
        first = stage.publish(json.dumps(small).encode(), media="json", path=path)
        stage.publish_again(first, json.dumps(small | {"workflow": small["workflow"] | {"version": "2"}}).encode())
    asked = [name for name in asked_for(request) if name in FILES]
    return Ahead(asked, lambda name: stage.start(stage.published[name], GIVEN, WORKSPACE.get(name)))


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in FILES])
def test_an_accepted_file_runs_to_its_end(name: str, played: Ahead) -> None:
    run = played.run(name)
    execution = run.wait()
    seen = history_of(run)
    step, code = ENDS.get(name, ("", ""))
    assert execution.status == ("failed" if step else "completed"), seen.told()
    if step:
        assert {(span.error or {}).get("code") for span in seen.named(step) if span.status == "failed"} == {code}, (
            seen.told()
        )
    assert any(span.status == "completed" for span in seen.spans), seen.told()
    for span in seen.spans:
        assert "{{" not in json.dumps(span.result), f"{span.name} has an unfilled template\n{seen.told()}"


def test_there_is_something_to_run() -> None:
    own = [name for name in FILES if name.startswith("own/")]
    assert len(own) >= 15
    if CORPUS.is_dir():
        assert len(FILES) - len(own) >= 48
        assert set(ENDS) <= set(FILES)
