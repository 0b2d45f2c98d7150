"""What `safety` and `resource_limits` of a document allow its steps to do with files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.steps.engine_side import MemoryEngine
from workers.contract import StepContext, StepFailed, Workflow
from workers.steps.files.rules import Rules, rules_of


@pytest.fixture
def files(workspace: Path) -> Path:
    for name in ("data/in.txt", "data/deep/x.txt", "keep/gold.txt", "other.txt"):
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("12345")
    return workspace


def document(context: StepContext, **fields: Any) -> None:
    context.workflow = Workflow("w", fields)


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({}, Rules()),
        ({"safety": {"restrict_file_access": True}}, Rules()),
        ({"safety": {"allowed_paths": ["./data", "out/**"]}}, Rules((("data",), ("out",)))),
        ({"safety": {"allowed_paths": ["./workspace/data", "./workspace"]}}, Rules((("data",), ()))),
        ({"safety": {"allowed_paths": ["data"], "restrict_file_access": False}}, Rules()),
        ({"safety": {"allowed_paths": ["/etc", "../up"]}}, Rules(())),
        ({"workspace_dir": "/srv/w", "safety": {"allowed_paths": ["/srv/w/a", "b"]}}, Rules((("a",), ("b",)))),
        ({"workspace_dir": "./ws", "safety": {"read_only_paths": ["ws/a", "b"]}}, Rules(None, (("a",), ("b",)))),
        ({"resource_limits": {"max_workspace_size_mb": 0.5}}, Rules(most_bytes=1 << 19)),
        ({"resource_limits": {"max_workspace_size_mb": "many"}, "safety": "none"}, Rules()),
    ],
)
def test_rules_of_a_document(fields: dict[str, Any], rules: Rules) -> None:
    assert rules_of(Workflow("w", fields)) == rules


ALLOWED = [
    {"operation": "read", "path": "data/in.txt"},
    {"operation": "list", "path": "data"},
    {"operation": "write", "path": "data/new/a.txt", "content": "x"},
    {"operation": "copy", "source": "data/in.txt", "destination": "data/copy.txt"},
    {"operation": "delete", "path": "data/deep"},
    {"operation": "validate", "files": [{"path": "data/in.txt", "must_contain": "123"}]},
]
REFUSED = [
    {"operation": "read", "path": "other.txt"},
    {"operation": "list", "path": "keep"},
    {"operation": "write", "path": "b.txt", "content": "x"},
    {"operation": "write", "path": "keep/gold.txt", "content": "x"},
    {"operation": "copy", "source": "other.txt", "destination": "data/copy.txt"},
    {"operation": "copy", "source": "data/in.txt", "destination": "elsewhere/copy.txt"},
    {"operation": "copy", "source": "data", "destination": "all"},
    {"operation": "move", "source": "data/in.txt", "destination": "in.txt"},
    {"operation": "stream_copy", "source": "keep/gold.txt", "destination": "data/gold.txt"},
    {"operation": "stream_process", "source": "other.txt", "processor": "uppercase"},
    {"operation": "convert", "source": "other.txt", "destination": "data/o.json", "format": "csv_to_json"},
    {"operation": "delete", "path": "other.txt"},
    {"operation": "delete", "files": [{"path": "keep"}]},
    {"operation": "validate", "files": [{"path": "other.txt", "must_contain": "1"}]},
]


@pytest.mark.parametrize("fields", ALLOWED)
def test_allowed_paths_can_be_used(run: Any, context: StepContext, files: Path, fields: dict[str, Any]) -> None:
    document(context, safety={"allowed_paths": ["./data"]})
    run("file_ops", **fields)


@pytest.mark.parametrize("fields", REFUSED)
def test_other_paths_cannot(run: Any, context: StepContext, files: Path, fields: dict[str, Any]) -> None:
    document(context, safety={"restrict_file_access": True, "allowed_paths": ["./data"]})
    before = {path: path.read_text() for path in files.rglob("*") if path.is_file()}
    with pytest.raises(StepFailed, match=r"safety\.allowed_paths") as caught:
        run("file_ops", **fields)
    assert caught.value.final
    assert {path: path.read_text() for path in files.rglob("*") if path.is_file()} == before


def test_lists_show_only_what_is_allowed(run: Any, context: StepContext, files: Path) -> None:
    document(context, safety={"allowed_paths": ["data/deep"]})
    assert run("file_ops", operation="list", recursive=True)["files"] == ["data", "data/deep", "data/deep/x.txt"]
    answer = run("codebase_query", queries={"all": {"find_files": [{"extension": ".txt"}]}})
    assert answer["all"]["files"] == ["data/deep/x.txt"]


def test_a_tree_below_the_workspace_has_the_same_rules(run: Any, context: StepContext, files: Path) -> None:
    document(context, safety={"allowed_paths": ["data/deep"]})
    queries = {"all": {"find_files": {"extension": ".txt"}}}
    assert run("codebase_query", workspace_dir="data", queries=queries)["all"]["files"] == ["deep/x.txt"]
    with pytest.raises(StepFailed, match="allowed_paths"):
        run("codebase_query", workspace_dir="keep", queries=queries)


@pytest.mark.parametrize(
    "fields",
    [
        {"operation": "write", "path": "keep/new.txt", "content": "x"},
        {"operation": "write", "path": "keep/gold.txt", "content": "x"},
        {"operation": "move", "source": "keep/gold.txt", "destination": "gold.txt"},
        {"operation": "move", "source": "other.txt", "destination": "keep/"},
        {"operation": "move", "source": "keep", "destination": "lost"},
        {"operation": "delete", "path": "keep"},
        {"operation": "delete", "files": [{"pattern": "keep/*"}]},
        {"operation": "stream_process", "source": "keep/gold.txt", "processor": "uppercase"},
    ],
)
def test_read_only_paths(run: Any, context: StepContext, files: Path, fields: dict[str, Any]) -> None:
    document(context, safety={"read_only_paths": ["keep"]})
    with pytest.raises(StepFailed, match=r"safety\.read_only_paths"):
        run("file_ops", **fields)
    assert (files / "keep/gold.txt").read_text() == "12345"
    assert run("file_ops", operation="read", path="keep/gold.txt")["content"] == "12345"


def test_a_folder_that_holds_a_read_only_one_stays(run: Any, context: StepContext, files: Path) -> None:
    document(context, safety={"read_only_paths": ["data/deep"]})
    for fields in (
        {"operation": "delete", "path": "data"},
        {"operation": "move", "source": "data", "destination": "d"},
    ):
        with pytest.raises(StepFailed, match="read_only_paths"):
            run("file_ops", **fields)
    run("file_ops", operation="delete", path="data/in.txt")


def test_the_size_of_the_workspace(run: Any, context: StepContext, files: Path) -> None:
    """20 bytes are there; 1 MB is allowed."""
    document(context, resource_limits={"max_workspace_size_mb": 1})
    most = (1 << 20) - 20
    run("file_ops", operation="write", path="big", content="x" * most, artifact=False)
    with pytest.raises(StepFailed, match="max_workspace_size_mb") as caught:
        run("file_ops", operation="write", path="more", content="x")
    assert caught.value.code == "workspace_full"
    assert not (files / "more").exists()
    run("file_ops", operation="write", path="big", content="y" * most, artifact=False)
    with pytest.raises(StepFailed, match="max_workspace_size_mb"):
        run("file_ops", operation="copy", source="data", destination="again")
    run("file_ops", operation="delete", path="big")
    run("file_ops", operation="copy", source="data", destination="again")
    assert (files / "again/in.txt").read_text() == "12345"


def test_the_outcome_of_a_transformation_keeps_to_the_rules(run: Any, context: StepContext, files: Path) -> None:
    document(context, safety={"allowed_paths": ["data"]})
    with pytest.raises(StepFailed, match="allowed_paths"):
        run("data_transform", input_source=[1], output_file="rows.json")
    run("data_transform", input_source=[1], output_file="data/rows.json")
    assert (files / "data/rows.json").read_text() == "[\n  1\n]\n"


@pytest.mark.parametrize(
    ("started", "limit", "refused"), [(1, 1, False), (2, 1, True), (900, None, False), (5, 0, True)]
)
def test_the_number_of_operations(
    run: Any, context: StepContext, files: Path, started: int, limit: int | None, *, refused: bool
) -> None:
    context.engine = MemoryEngine(started=started)
    document(context, resource_limits={"max_file_operations": limit})
    if not refused:
        assert run("file_ops", operation="list")["count"] == 3
        return
    with pytest.raises(StepFailed, match="max_file_operations") as caught:
        run("file_ops", operation="list")
    assert (caught.value.code, caught.value.final) == ("too_many_file_operations", True)
