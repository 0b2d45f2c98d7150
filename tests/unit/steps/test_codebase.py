"""codebase_query: every question, on small trees of each language."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workers.contract import StepCancelled, StepContext, StepFailed

PYTHON = {
    "pyproject.toml": '[project]\nname = "p"\ndependencies = ["requests>=2", "rich"]\n'
    '[project.optional-dependencies]\ndev = ["pytest"]\n',
    "app/__init__.py": "",
    "app/core.py": '"""The core."""\nimport os\nimport requests\n\nfrom app import store\nfrom .store import Store\n\n\n'
    'class Base(Store):\n    """A base."""\n\n    @property\n    def size(self) -> int:\n        # how many\n        return 1\n\n'
    '    async def _hidden(self): ...\n\n\ndef run(a: int, *, b: str = \'x\') -> int:\n    """Runs.\n\n    # no comment\n    """\n'
    "    return a\n\n\nasync def wait() -> None: ...\n",
    "app/store.py": "import abc\nimport rich.table\nfrom typing import Protocol\n\n\nclass Store(Protocol):\n    def get(self): ...\n\n\n"
    "__all__ = ['Store']\n",
    "app/cli.py": "from app.core import run\nimport app.a\n\nif __name__ == '__main__':\n    run(1)\n",
    "app/a.py": "from app import b\n",
    "app/b.py": "from . import c\n",
    "app/c.py": "import app.a\n",
    "app/broken.py": "def (:\n# a comment\n",
    "tests/test_core.py": "from app.core import run\n\n\ndef test_run() -> None:\n    assert run(1) == 1\n",
    "node_modules/x.py": "hidden = 1\n",
    ".venv/lib.py": "hidden = 1\n",
}


@pytest.fixture
def lay(tmp_path: Path, context: StepContext) -> Callable[[dict[str, str]], Path]:
    """Write a tree into a folder that may be read."""

    def write(files: dict[str, str]) -> Path:
        root = tmp_path / "allowed" / "tree"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        context.readable_roots = (tmp_path / "allowed",)
        return root

    return write


@pytest.fixture
def root(lay: Callable[[dict[str, str]], Path]) -> Path:
    return lay(PYTHON)


@pytest.fixture
def ask(run: Any, root: Path) -> Any:
    def call(question: str, /, **criteria: Any) -> Any:
        return run("codebase_query", workspace_dir=str(root), queries={"it": {question: [criteria]}})["it"]

    return call


def names(found: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in found]


@pytest.mark.parametrize(
    ("criteria", "files"),
    [
        ({"pattern": "*.toml"}, ["pyproject.toml"]),
        ({"pattern": "app/{a,b}.py"}, ["app/a.py", "app/b.py"]),
        ({"pattern": "**/test_*.py"}, ["tests/test_core.py"]),
        ({"type": "test"}, ["tests/test_core.py"]),
        ({"type": "config"}, ["pyproject.toml"]),
        ({"type": "main"}, ["app/cli.py"]),
        ({"extension": ".toml"}, ["pyproject.toml"]),
        ({"contains": "requests"}, ["app/core.py", "pyproject.toml"]),
        ({"contains": "run(1)", "exclude_tests": True}, ["app/cli.py"]),
        ({"in_dir": "tests"}, ["tests/test_core.py"]),
        ({"language": "python", "pattern": "c*", "exclude_patterns": ["core.py", "app/c.py"]}, ["app/cli.py"]),
        ({"related_to": "app/core.py", "type": "test"}, ["tests/test_core.py"]),
        ({"size_max": 0}, ["app/__init__.py"]),
        ({"min_size": 300}, ["app/core.py"]),
        ({"modified_since": "2999-01-01"}, []),
    ],
)
def test_find_files(ask: Any, criteria: dict[str, Any], files: list[str]) -> None:
    assert ask("find_files", **criteria) == {
        "files": files,
        "count": len(files),
        "criteria": ask("find_files", **criteria)["criteria"],
    }


def test_folders_of_others_are_left_out(ask: Any) -> None:
    assert not [path for path in ask("find_files")["files"] if "node_modules" in path or ".venv" in path]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"name": "run"}, ["run"]),
        ({"pattern": "^(run|wait)$"}, ["run", "wait"]),
        ({"in_file": "app/core.py"}, ["_hidden", "run", "size", "wait"]),
        ({"in_files": ["app/s*.py"]}, ["get"]),
        ({"in_file": "app/core.py", "public_only": True}, ["run", "size", "wait"]),
        ({"in_file": "app/core.py", "type": "private"}, ["_hidden"]),
        ({"in_file": "app/core.py", "type": "method"}, ["_hidden", "size"]),
        ({"type": "async_function"}, ["wait"]),
        ({"with_decorator": "@property"}, ["size"]),
        ({"with_annotation": "-> int"}, ["run", "size"]),
        ({"exclude_tests": True, "pattern": "run"}, ["run"]),
        ({"min_lines": 5}, ["run"]),
    ],
)
def test_find_functions(ask: Any, criteria: dict[str, Any], expected: list[str]) -> None:
    assert names(ask("find_functions", **criteria)["functions"]) == expected


def test_a_function_in_full(ask: Any) -> None:
    (found,) = ask("find_functions", name="run", extract_metadata=True)["functions"]
    assert found == {
        "name": "run",
        "type": "function",
        "file": "app/core.py",
        "line": 20,
        "signature": "def run(a: int, *, b: str='x') -> int",
        "end_line": 25,
        "lines": 6,
        "public": True,
        "documented": True,
        "decorators": [],
        "parent": None,
        "bases": [],
    }


def test_classes_interfaces_modules_exports_imports(ask: Any) -> None:
    assert names(ask("find_classes")["classes"]) == ["Base", "Store"]
    assert names(ask("find_interfaces")["interfaces"]) == ["Store"]
    assert ask("find_modules")["packages"] == [{"name": "app", "files": 8}, {"name": "tests", "files": 1}]
    assert "app.core" in names(ask("find_modules")["modules"])
    assert ask("find_exports", in_file="app/store.py")["exports"] == [{"name": "Store", "file": "app/store.py"}]
    assert names(ask("find_exports", in_file="app/core.py")["exports"]) == ["Base", "run", "wait"]
    assert [(item["module"], item["line"]) for item in ask("find_imports", in_file="app/core.py")["imports"]] == [
        ("os", 2),
        ("requests", 3),
        ("app", 5),
        (".store", 6),
    ]
    assert ask("find_imports", module="rich")["count"] == 1


def test_references_and_entry_points(ask: Any) -> None:
    found = ask("find_references", name="run")
    assert {(item["file"], item["line"]) for item in found["references"]} >= {("app/core.py", 20), ("app/cli.py", 5)}
    assert ask("find_references", name="ru")["count"] == 0
    assert ask("find_references", name="run", limit=1)["truncated"]
    (entry,) = ask("find_entry_points")["entry_points"]
    assert (entry["file"], entry["reasons"]) == ("app/cli.py", ["runs itself", "named like an entry point"])


def test_dependencies(ask: Any) -> None:
    project = ask("find_dependencies")["dependencies"]
    assert project["direct"] == ["pytest", "requests", "rich"]
    assert ask("find_dependencies", type="runtime")["dependencies"]["direct"] == ["requests", "rich"]
    one = ask("find_dependencies", for_file="app/core.py")["dependencies"]
    assert (one["direct"], one["file_specific"]) == (["requests"], {"app/core.py": ["app/store.py"]})
    assert ask("find_dependencies", for_file="app/core.py", include_stdlib=True)["dependencies"]["direct"] == [
        "os",
        "requests",
    ]
    deep = ask("find_dependencies", for_file="app/cli.py", include_transitive=True)["dependencies"]
    assert deep["transitive"] == ["app/b.py", "app/c.py", "app/store.py", "requests", "rich"]


def test_dependents_related_impact_cycles(ask: Any) -> None:
    assert ask("find_dependents", of_file="app/store.py", max_depth=2)["dependents"] == [
        {"file": "app/core.py", "distance": 1},
        {"file": "app/cli.py", "distance": 2},
        {"file": "tests/test_core.py", "distance": 2},
    ]
    related = ask("find_related", file="tests/test_core.py")["related_files"]
    assert related[0] == {"file": "app/core.py", "relation_type": "source", "confidence": 0.9}
    impact = ask("analyze_impact", file="app/core.py")["impact_analysis"]
    assert impact == {
        "directly_affected": ["app/cli.py"],
        "potentially_affected": [],
        "test_files": ["tests/test_core.py"],
        "impact_score": 5,
    }
    assert ask("find_circular_dependencies")["cycles"] == [["app/a.py", "app/b.py", "app/c.py", "app/a.py"]]


@pytest.mark.parametrize("question", ["measure", "count_lines"])
def test_measure(ask: Any, question: str) -> None:
    found = ask(question, by="file")
    core = next(item for item in found["measures"] if item["name"] == "app/core.py")
    assert core == {
        "name": "app/core.py",
        "files": 1,
        "lines": 28,
        "code_lines": 12,
        "comment_lines": 1,
        "docstring_lines": 5,
        "blank_lines": 10,
        "comment_share": round(6 / 18, 4),
        "functions": 4,
        "classes": 1,
        "files_without_docstring": 0,
        "functions_without_docstring": 2,
        "longest_function": {"name": "run", "file": "app/core.py", "line": 20, "lines": 6},
    }
    assert names(ask(question)["measures"]) == ["app", "tests"]
    assert sum(item["lines"] for item in found["measures"]) == found["total"]["lines"]
    assert ask(question, package="tests")["total"]["files"] == 1


def test_project_type_and_context(run: Any, ask: Any, root: Path) -> None:
    assert ask("get_project_type")["project_type"] == "python"
    assert ask("get_dependencies")["dependencies"][0] == {
        "name": "requests",
        "version": ">=2",
        "type": "runtime",
        "source": "pyproject.toml",
    }
    overview = run("codebase_query", workspace_dir=str(root), codebase_context=True)["codebase_context"]
    assert overview["project_type"] == "python"
    assert overview["structure"]["test_files"] == ["tests/test_core.py"]
    assert overview["files"]["app/core.py"]["language"] == "python"
    assert "error" in overview["git_info"]


OTHERS: dict[str, dict[str, str]] = {
    "elixir": {
        "mix.exs": 'defp deps do\n  [{:jason, "~> 1.4"}, ]\n  [{:credo, "~> 1.7", only: :dev}]\nend\n',
        "lib/a.ex": 'defmodule My.A do\n  @moduledoc "x"\n  alias My.B\n  def run(x), do: x\n  defp hide!, do: 1\n  # note\nend\n',
        "lib/b.ex": "defmodule My.B do\n  @callback call(any) :: any\nend\n",
    },
    "javascript": {
        "package.json": '{"dependencies": {"react": "^18"}, "devDependencies": {"jest": "1"}}',
        "src/a.ts": "import { b } from './b';\nimport React from 'react';\nexport function run() {}\nexport const go = async (x) => {\n}\n"
        "/* a\n comment */\nexport interface Shape {}\nclass Inner {}\n",
        "src/b.js": "const c = require('./c');\nmodule.exports.b = 1;\n",
        "src/c/index.js": "export default class C {}\n",
    },
    "rust": {
        "Cargo.toml": '[dependencies]\nserde = { version = "1" }\n[dev-dependencies]\nrand = "0.8"\n',
        "src/main.rs": "mod store;\nuse crate::store::Thing;\nuse serde::Serialize;\nfn main() {\n}\npub async fn run() {}\n",
        "src/store.rs": "pub struct Thing;\npub trait Keep {}\nfn hide() {}\n",
    },
    "go": {
        "go.mod": "module example.org/m\nrequire (\n\tgithub.com/x/y v1.2.3\n)\n",
        "main.go": 'package main\nimport (\n\t"fmt"\n\t"example.org/m/store"\n)\nfunc main() {\n}\n',
        "store/store.go": "package store\ntype Thing struct {}\ntype Keep interface {}\nfunc (t Thing) Run() {}\nfunc hide() {}\n",
    },
}


@pytest.mark.parametrize(
    ("language", "functions", "private", "classes", "interfaces", "dependencies", "edge"),
    [
        ("elixir", ["hide!", "run"], ["hide!"], [], ["call"], ["credo", "jason"], ("lib/a.ex", "lib/b.ex")),
        ("javascript", ["go", "run"], [], ["C", "Inner"], ["Shape"], ["jest", "react"], ("src/b.js", "src/c/index.js")),
        (
            "rust",
            ["hide", "main", "run"],
            ["hide", "main"],
            ["Thing"],
            ["Keep"],
            ["rand", "serde"],
            ("src/main.rs", "src/store.rs"),
        ),
        (
            "go",
            ["Run", "hide", "main"],
            ["hide", "main"],
            ["Thing"],
            ["Keep"],
            ["github.com/x/y"],
            ("main.go", "store/store.go"),
        ),
    ],
)
def test_other_languages(
    run: Any,
    lay: Callable[[dict[str, str]], Path],
    language: str,
    functions: list[str],
    private: list[str],
    classes: list[str],
    interfaces: list[str],
    dependencies: list[str],
    edge: tuple[str, str],
) -> None:
    root = lay(OTHERS[language])
    queries = {
        "kind": {"get_project_type": []},
        "functions": {"find_functions": [{"language": language}, {"in_dir": "."}]},
        "private": {"find_functions": {"type": "private", "exclude_patterns": "mix.exs"}},
        "classes": {"find_classes": []},
        "interfaces": {"find_interfaces": None},
        "needs": {"find_dependencies": []},
        "users": {"find_dependents": {"of_file": edge[1]}},
        "size": {"measure": {"by": "total"}},
    }
    found = run("codebase_query", workspace_dir=str(root), queries=queries)
    own = [name for name in names(found["functions"]["functions"]) if name != "deps"]
    assert own == functions
    assert names(found["private"]["functions"]) == private
    assert names(found["classes"]["classes"]) == classes
    assert names(found["interfaces"]["interfaces"]) == interfaces
    assert found["kind"]["project_type"] == language
    assert found["needs"]["dependencies"]["direct"] == dependencies
    assert [item["file"] for item in found["users"]["dependents"]] == [edge[0]]
    assert found["size"]["total"]["lines"] > 0


def test_a_failing_question_does_not_fail_the_others(run: Any, root: Path) -> None:
    queries = {
        "bad": {"find_related": {"file": "nobody.py"}},
        "good": {"get_project_type": []},
        "git": {"get_git_status": []},
    }
    found = run("codebase_query", workspace_dir=str(root), queries=queries)
    assert "nobody.py" in found["bad"]["error"]
    assert "git" in found["git"]["error"]
    assert found["good"]["project_type"] == "python"


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ({"x": {"find_filez": []}}, "find_filez"),
        ({"x": {"find_files": [{"patern": "*"}]}}, "patern"),
        ({"x": {}}, "exactly one"),
        ({"x": {"measure": [], "find_files": []}}, "exactly one"),
        ([], "queries"),
        ({}, "`queries` is missing"),
        ({"codebase_context": {"find_files": []}}, "cannot be called"),
        ({"x": {"find_related": []}}, "file"),
    ],
)
def test_bad_questions(run: Any, root: Path, queries: Any, message: str) -> None:
    with pytest.raises(StepFailed, match=message):
        run("codebase_query", workspace_dir=str(root), queries=queries)


class TestWhatMayBeRead:
    QUERIES = {"all": {"find_files": [{"contains": ""}]}}

    @pytest.mark.parametrize("where", ["/", "/etc", "..", "../allowed/../..", "../outside", "link", "a\0b"])
    def test_other_folders_are_refused_with_advice(
        self, run: Any, root: Path, workspace: Path, tmp_path: Path, where: str
    ) -> None:
        (tmp_path / "outside").mkdir()
        (workspace / "link").symlink_to(tmp_path / "outside")
        with pytest.raises(StepFailed, match=r"SYMPHONY_READABLE_ROOTS|not a usable path"):
            run("codebase_query", workspace_dir=where, queries=self.QUERIES)

    def test_a_missing_input_is_not_the_workspace(self, run: Any) -> None:
        with pytest.raises(StepFailed, match="workspace_dir is empty"):
            run("codebase_query", workspace_dir="{{inputs.root}}", queries=self.QUERIES)

    def test_the_workspace_and_what_is_below_it(self, run: Any, workspace: Path) -> None:
        (workspace / "sub").mkdir()
        (workspace / "sub/a.py").write_text("")
        assert run("codebase_query", queries=self.QUERIES)["all"]["files"] == ["sub/a.py"]
        assert run("codebase_query", workspace_dir="sub", queries=self.QUERIES)["all"]["files"] == ["a.py"]

    def test_links_inside_are_not_followed(self, run: Any, root: Path, tmp_path: Path) -> None:
        (tmp_path / "secret.py").write_text("SECRET = 1\n")
        (root / "app/link.py").symlink_to(tmp_path / "secret.py")
        (root / "folder").symlink_to(tmp_path)
        os.mkfifo(root / "app/pipe.py")
        queries = {"all": {"find_files": []}, "secret": {"find_references": {"name": "SECRET"}}}
        found = run("codebase_query", workspace_dir=str(root), queries=queries)
        assert not {"app/link.py", "app/pipe.py", "folder/secret.py"} & set(found["all"]["files"])
        assert found["secret"]["count"] == 0

    def test_cancelling_stops_it(self, run: Any, root: Path, context: StepContext) -> None:
        context.cancelled = threading.Event()
        context.cancelled.set()
        with pytest.raises(StepCancelled):
            run("codebase_query", workspace_dir=str(root), queries=self.QUERIES)

    @pytest.mark.parametrize(
        "text", ["(" * 5000, "x = " + "-" * 100_000 + "1", "\0", "\ufeff", "é" * 10, "if 1:\n" * 3, "#" * 5000]
    )
    def test_strange_files_do_no_harm(self, ask: Any, root: Path, text: str) -> None:
        (root / "app/strange.py").write_text(text)
        assert "error" not in ask("measure")
        assert "error" not in ask("find_functions")


class TestGit:
    @pytest.fixture
    def repository(self, root: Path) -> Path:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(root.parent)}
        environment |= dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2020-01-31T12:00:00Z")
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        for command in (
            ["init", "-q", "-b", "main"],
            ["add", "app"],
            [*who, "commit", "-q", "-m", "First; $(touch x)"],
        ):
            subprocess.run(["git", *command], cwd=root, env=environment, check=True, capture_output=True)
        (root / "app/core.py").write_text("changed = 1\n")
        (root / "app/new ä.py").write_text("")
        return root

    def test_history(self, ask: Any, repository: Path) -> None:
        status = ask("get_git_status")
        assert (status["branch"], status["clean"], len(status["commit"])) == ("main", False, 40)
        assert {"path": "app/core.py", "status": "M"} in status["changed"]
        assert {"path": "app/new ä.py", "status": "new"} in status["changed"]
        (commit,) = ask("get_recent_commits")["commits"]
        assert (commit["author"], commit["subject"]) == ("Ada", "First; $(touch x)")
        assert ask("get_changed_files")["files"] == ["app/core.py"]
        assert ask("get_contributors")["contributors"] == [{"name": "Ada", "commits": 1}]
        assert {"file": "app/core.py", "changes": 1} in ask("get_change_frequency", limit=100)["files"]
        assert ask("get_recent_commits", since="2020-02-01")["count"] == 0
        assert ask("get_recent_commits", since="2020-01-01")["count"] == 1

    @pytest.mark.parametrize("since", ["--output=/tmp/x", "-O", "a b", "a;b", "..", "main --help", "nobody"])
    def test_revisions_are_not_options(self, ask: Any, repository: Path, since: str) -> None:
        assert "error" in ask("get_changed_files", since=since)

    def test_no_program_of_the_repository_is_run(self, ask: Any, repository: Path, tmp_path: Path) -> None:
        """Everything a repository's own settings could start is turned off."""
        trap = tmp_path / "trap.sh"
        sprung = tmp_path / "sprung"
        trap.write_text(f"#!/bin/sh\ntouch {sprung}\ncat\n")
        trap.chmod(0o755)
        hooks = repository / ".git/hooks"
        for hook in ("post-index-change", "fsmonitor-watchman"):
            (hooks / hook).write_text(trap.read_text())
            (hooks / hook).chmod(0o755)
        (repository / ".gitattributes").write_text("* filter=trap diff=trap\n")
        with (repository / ".git/config").open("a") as config:
            config.write(
                f"[core]\n fsmonitor = {trap}\n pager = {trap}\n[diff]\n external = {trap}\n[log]\n showSignature = true\n"
                f"[gpg]\n program = {trap}\n[pager]\n log = {trap}\n"
                f'[filter "trap"]\n clean = {trap}\n smudge = {trap}\n process = {trap}\n required = true\n'
                f'[diff "trap"]\n command = {trap}\n textconv = {trap}\n[alias]\n log = !{trap}\n status = !{trap}\n'
            )
        for question in (
            "get_git_status",
            "get_recent_commits",
            "get_changed_files",
            "get_contributors",
            "get_change_frequency",
        ):
            ask(question)
        assert not sprung.exists()

    def test_a_repository_in_the_workspace_is_not_asked(self, run: Any, repository: Path, workspace: Path) -> None:
        repository.rename(workspace / "tree")
        found = run("codebase_query", workspace_dir="tree", queries={"git": {"get_git_status": []}})
        assert "not about the workspace" in found["git"]["error"]

    def test_a_repository_around_the_allowed_folder_is_not_seen(self, ask: Any, root: Path, tmp_path: Path) -> None:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, capture_output=True)
        assert "error" in ask("get_git_status")
