"""file_ops: what each operation does and gives back."""

from __future__ import annotations

import contextlib
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from workers.contract import StepContext, StepFailed


@pytest.fixture
def files(workspace: Path) -> Path:
    for name, text in {
        "a.txt": "alpha\n",
        "b.txt": "beta\n",
        "src/one.py": "one = 1\n",
        "src/deep/two.py": "two = 2\n",
        "src/deep/note.md": "# note\n",
        ".hidden": "h",
    }.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return workspace


@pytest.fixture
def do(run: Any, files: Path) -> Any:
    def call(operation: str, **fields: Any) -> Any:
        return run("file_ops", operation=operation, **fields)

    return call


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestCopyAndMove:
    def test_one_file(self, do: Any, files: Path) -> None:
        assert do("copy", source="a.txt", destination="new/folder/c.txt") == {
            "operation": "copy",
            "source": "a.txt",
            "destination": "new/folder/c.txt",
            "status": "completed",
            "bytes": 6,
        }
        assert (files / "new/folder/c.txt").read_text() == "alpha\n"

    @pytest.mark.parametrize("destination", ["src", "src/", "fresh/"])
    def test_into_a_folder(self, do: Any, files: Path, destination: str) -> None:
        do("copy", source="a.txt", destination=destination)
        assert (files / destination / "a.txt").read_text() == "alpha\n"

    @pytest.mark.parametrize(
        ("source", "options", "expected"),
        [
            ("src/**/*.py", {}, ["out/one.py", "out/two.py"]),
            ("src/**/*.py", {"preserve_structure": True}, ["out/deep/two.py", "out/one.py"]),
            ("*.txt", {}, ["out/a.txt", "out/b.txt"]),
            ("{a,b}.txt", {}, ["out/a.txt", "out/b.txt"]),
            (["a.txt", "src/one.py"], {}, ["out/a.txt", "out/one.py"]),
            ({"pattern": "**/*", "exclude": ["*.md", "src/*.py"]}, {}, ["out/a.txt", "out/b.txt", "out/two.py"]),
            ("src", {}, ["out/deep/note.md", "out/deep/two.py", "out/one.py"]),
        ],
    )
    def test_many(self, do: Any, files: Path, source: Any, options: dict[str, Any], expected: list[str]) -> None:
        do("copy", source=source, destination="out", options=options)
        assert [path for path in tree(files) if path.startswith("out/")] == expected

    def test_two_files_cannot_take_one_place(self, do: Any, files: Path) -> None:
        (files / "src/a.txt").write_text("other")
        with pytest.raises(StepFailed, match="preserve_structure"):
            do("copy", source=["a.txt", "src/a.txt"], destination="out")

    @pytest.mark.parametrize("operation", ["copy", "move", "stream_copy"])
    def test_overwriting_is_a_choice(self, do: Any, files: Path, operation: str) -> None:
        with pytest.raises(StepFailed, match="exists already"):
            do(operation, source="a.txt", destination="b.txt", options={"overwrite": False})
        assert (files / "b.txt").read_text() == "beta\n"
        do(operation, source="a.txt", destination="b.txt")
        assert (files / "b.txt").read_text() == "alpha\n"

    @pytest.mark.parametrize("operation", ["copy", "move"])
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"source": "nobody", "destination": "x"}, "does not exist"),
            ({"source": "*.nothing", "destination": "x"}, "no file fits"),
            ({"source": "src", "destination": "src/deep/inside"}, "into itself"),
            ({"source": "a.txt"}, "needs `destination`"),
            ({"source": "a.txt", "destination": "n/x", "options": {"create_destination": False}}, "does not exist"),
            ({"source": "a.txt", "destination": "x", "pattern": "y"}, "no use for `pattern`"),
        ],
    )
    def test_refused(self, do: Any, operation: str, fields: dict[str, Any], message: str) -> None:
        with pytest.raises(StepFailed, match=message):
            do(operation, **fields)

    def test_a_file_is_not_copied_onto_itself(self, do: Any, files: Path) -> None:
        with pytest.raises(StepFailed, match="onto itself"):
            do("copy", source="a.txt", destination="./a.txt")
        assert (files / "a.txt").read_text() == "alpha\n"

    def test_timestamps(self, do: Any, files: Path) -> None:
        os.utime(files / "a.txt", (1e9, 1e9))
        do("copy", source="a.txt", destination="c.txt", options={"preserve_timestamps": True})
        assert (files / "c.txt").stat().st_mtime == 1e9

    def test_move(self, do: Any, files: Path) -> None:
        do("move", source="src", destination="source")
        assert tree(files) == [
            ".hidden",
            "a.txt",
            "b.txt",
            "source/deep/note.md",
            "source/deep/two.py",
            "source/one.py",
        ]
        assert do("move", source="*.txt", destination="texts")["count"] == 2
        assert (files / "texts/b.txt").read_text() == "beta\n"

    def test_stream_copy_names_its_method(self, do: Any) -> None:
        assert do("stream_copy", source="a.txt", destination="c.txt")["method"] == "streaming"


class TestDelete:
    def test_file_and_folder(self, do: Any, files: Path) -> None:
        assert do("delete", path="a.txt") == {"operation": "delete", "path": "a.txt", "status": "completed"}
        do("delete", path="src")
        assert tree(files) == [".hidden", "b.txt"]

    def test_by_pattern_and_age(self, do: Any, files: Path) -> None:
        old = time.time() - 10 * 86_400
        os.utime(files / "src/one.py", (old, old))
        wanted = [{"pattern": "**/*.py", "older_than": "7d"}, {"path": "a.txt"}]
        dry = do("delete", files=wanted, options={"dry_run": True})
        assert (dry["files"], dry["status"]) == (["src/one.py", "a.txt"], "dry_run")
        assert (files / "a.txt").exists()
        assert do("delete", files=wanted)["count"] == 2
        assert tree(files) == [".hidden", "b.txt", "src/deep/note.md", "src/deep/two.py"]

    @pytest.mark.parametrize(
        "fields",
        [
            {"path": "nobody"},
            {},
            {"path": "."},
            {"path": "a.txt", "files": []},
            {"files": [{"path": "a.txt", "older_than": "x"}]},
        ],
    )
    def test_refused(self, do: Any, files: Path, fields: dict[str, Any]) -> None:
        with pytest.raises(StepFailed):
            do("delete", **fields)
        assert (files / "a.txt").exists()


class TestValidateAndList:
    @pytest.mark.parametrize(
        "check",
        [
            {"path": "a.txt"},
            {"path": "a.txt", "must_be_file": True, "min_size": 6, "max_size": 6, "must_contain": ["alpha"]},
            {"path": "src", "must_be_dir": True},
            {"path": "nobody", "must_exist": False},
            {"path": "a.txt", "must_be_readable": True, "must_be_writable": True},
            {"pattern": "src/**/*.py", "must_contain": " = "},
            {"path": "*.txt", "must_contain": "a"},
        ],
    )
    def test_valid(self, do: Any, check: dict[str, Any]) -> None:
        result = do("validate", files=[check])
        assert result["status"] == "all_valid"
        assert all(one["status"] == "valid" for one in result["results"])
        assert result["results"][0]["criteria"] == {key: check[key] for key in check if key not in ("path", "pattern")}

    @pytest.mark.parametrize(
        ("check", "problem"),
        [
            ({"path": "nobody"}, "does not exist"),
            ({"path": "src", "must_be_file": True}, "is not a file"),
            ({"path": "a.txt", "must_be_dir": True}, "is not a folder"),
            ({"path": "a.txt", "min_size": 7}, "fewer than 7"),
            ({"path": "a.txt", "max_size": 5}, "more than 5"),
            ({"path": "a.txt", "must_contain": ["gamma"]}, "does not contain 'gamma'"),
            ({"path": "a.txt", "validate_json": True}, "not valid JSON"),
            ({"pattern": "*.none"}, "does not exist"),
            ({"path": "*.none"}, "does not exist"),
            ({"path": "a.txt", "pattern": "^[0-9]+$"}, "nothing that matches"),
        ],
    )
    def test_invalid(self, do: Any, check: dict[str, Any], problem: str) -> None:
        with pytest.raises(StepFailed, match=problem) as caught:
            do("validate", files=[{"path": "b.txt"}, check])
        assert [one["status"] for one in caught.value.details["results"]] == ["valid", "invalid"]

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({}, ["a.txt", "b.txt", "src"]),
            ({"pattern": "*.txt"}, ["a.txt", "b.txt"]),
            ({"pattern": r".*\.txt$"}, ["a.txt", "b.txt"]),
            ({"pattern": "^a"}, ["a.txt"]),
            ({"pattern": "[ab].txt"}, ["a.txt", "b.txt"]),
            ({"pattern": "*.py", "recursive": True}, ["src/deep/two.py", "src/one.py"]),
            ({"pattern": "src/*.py"}, ["src/one.py"]),
            ({"pattern": "**/*.{py,md}"}, ["src/deep/note.md", "src/deep/two.py", "src/one.py"]),
            ({"options": {"include_hidden": True}}, [".hidden", "a.txt", "b.txt", "src"]),
            ({"pattern": "*.txt", "options": {"limit": 1}}, ["a.txt"]),
            ({"pattern": "*.txt", "options": {"sort_by": "size"}}, ["a.txt", "b.txt"]),
        ],
    )
    def test_list(self, do: Any, fields: dict[str, Any], expected: list[str]) -> None:
        result = do("list", path=".", **fields)
        assert (result["files"], result["count"]) == (expected, len(expected))
        assert result["pattern"] == fields.get("pattern")

    def test_content_by_pattern(self, do: Any) -> None:
        result = do("validate", files=[{"path": "*.txt", "pattern": "^(alpha|beta)"}])
        assert [one["path"] for one in result["results"]] == ["a.txt", "b.txt"]
        assert result["results"][0]["criteria"] == {"pattern": "^(alpha|beta)"}

    def test_list_by_default_and_deep_by_option(self, do: Any) -> None:
        assert do("list")["path"] == "."
        assert do("list", pattern="*.py", options={"recursive": True})["files"] == ["src/deep/two.py", "src/one.py"]

    def test_list_under_another_name(self, do: Any) -> None:
        assert do("list", path="src", output_field="found")["found"] == ["deep", "one.py"]

    @pytest.mark.parametrize(
        "fields",
        [{"path": "a.txt"}, {"path": "nobody"}, {"path": ".", "pattern": "(["}, {"path": ".", "pattern": "{a,b}" * 20}],
    )
    def test_list_refused(self, do: Any, fields: dict[str, Any]) -> None:
        pattern = fields.get("pattern", "")
        with pytest.raises(StepFailed):
            do("list", **(fields | ({"pattern": "^" + pattern} if pattern == "([" else {})))

    @pytest.mark.parametrize("pattern", [r"^(a+)+$", r"^(a|a)*$"])
    def test_a_slow_pattern_cannot_hold_the_worker(self, do: Any, files: Path, pattern: str) -> None:
        (files / ("a" * 200 + "!")).write_text("")
        began = time.monotonic()
        with contextlib.suppress(StepFailed):
            do("list", path=".", pattern=pattern)
        assert time.monotonic() - began < 20


class TestContent:
    def test_write_keeps_an_artifact(self, do: Any, files: Path, context: StepContext) -> None:
        assert do("write", path="out/report.md", content="# R\n")["bytes"] == 4
        (kept,) = context.files
        assert (kept.name, kept.data, kept.content_type) == ("out/report.md", b"# R\n", "text/markdown")
        assert (files / "out/report.md").read_text() == "# R\n"

    def test_write_without_artifact_and_as_json(self, do: Any, files: Path, context: StepContext) -> None:
        do("write", path="x.json", content={"ä": [1]}, artifact=False)
        assert context.files == []
        assert json.loads((files / "x.json").read_text()) == {"ä": [1]}

    def test_read(self, do: Any, files: Path) -> None:
        assert do("read", path="a.txt")["content"] == "alpha\n"
        (files / "x.bin").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(StepFailed, match="UTF-8"):
            do("read", path="x.bin")
        with (files / "big").open("wb") as file:
            file.truncate(11 << 20)
        with pytest.raises(StepFailed, match="larger than"):
            do("read", path="big")

    @pytest.mark.parametrize(
        ("processor", "fields", "expected"),
        [
            ("identity", {}, "  Ab \r\nc"),
            ("uppercase", {}, "  AB \r\nC"),
            ("lowercase", {}, "  ab \r\nc"),
            ("trim", {}, "Ab\r\nc"),
            ("replace", {"pattern": "b ", "replacement": "[$1]"}, "  A[$1]\r\nc"),
        ],
    )
    def test_stream_process(self, do: Any, files: Path, processor: str, fields: dict[str, str], expected: str) -> None:
        (files / "t").write_bytes(b"  Ab \r\nc")
        result = do("stream_process", source="t", processor=processor, **fields)
        assert result == {
            "operation": "stream_process",
            "source": "t",
            "processed_path": "t",
            "processor": processor,
            "status": "completed",
            "method": "streaming",
        }
        assert (files / "t").read_bytes().decode() == expected

    def test_wait(self, do: Any) -> None:
        before = datetime.now(UTC)
        waiting = do("wait", duration_seconds=90)
        assert timedelta(seconds=90) <= waiting.due_at - before < timedelta(seconds=100)
        assert waiting.result == {"operation": "wait", "duration_seconds": 90.0, "status": "completed"}

    @pytest.mark.parametrize(
        "fields",
        [
            {"operation": "explode"},
            {"operation": "write", "path": "x"},
            {"operation": "convert", "source": ["a"], "destination": "b", "format": "csv_to_json"},
            {"operation": "convert", "source": "a", "destination": "b", "format": "csv_to_pdf"},
            {"operation": "stream_process", "source": "a.txt", "processor": "replace"},
            {"operation": "list", "path": ".", "options": {"sort": "x"}},
        ],
    )
    def test_refused(self, run: Any, fields: dict[str, Any]) -> None:
        with pytest.raises(StepFailed):
            run("file_ops", **fields)
