"""codebase_query: one whole answer for every question that is asked of the files, in the shape that documents rely on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from workers.steps.codebase_query import Query

FILES = {
    "pyproject.toml": '[project]\nname = "p"\ndependencies = ["rich>=1"]\n',
    "app/main.py": "from app import tune\n\n\ndef main() -> None:\n    tune.play(1)\n",
    "app/tune.py": '"""Tunes."""\nimport json\nimport rich\n\nfrom app import tones\n\n\n'
    "@staticmethod\ndef play(times: int) -> str:\n    return json.dumps(tones.A) * times\n\n\ndef _rest(): ...\n",
    "app/tunes.py": "from app import tune\n",
    "app/tones.py": "A = 1\n\n\nclass Tone:\n    pass\n",
    "tests/test_tune.py": "from app.tune import play\n\n\ndef test_play() -> None:\n    assert play(1)\n",
}


@pytest.fixture
def ask(run: Any, workspace: Path) -> Any:
    for name, text in FILES.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def call(question: str, criteria: Any) -> Any:
        return run("codebase_query", queries={"it": {question: criteria}})["it"]

    return call


PLAY = {
    "name": "play",
    "type": "function",
    "file": "app/tune.py",
    "line": 9,
    "signature": "def play(times: int) -> str",
}
ANSWERS: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "find_files": [
        ({"type": "test"}, {"files": ["tests/test_tune.py"], "count": 1, "criteria": {"type": "test"}}),
        ({"size_min": 70, "extension": "py"}, {"files": ["app/tune.py", "tests/test_tune.py"], "count": 2}),
        ({"contains": "Tone", "exclude_patterns": "main.*"}, {"files": ["app/tones.py"], "count": 1}),
    ],
    "find_functions": [
        ({"name": "play"}, {"functions": [PLAY], "count": 1, "config": {"name": "play"}}),
        ({"with_decorator": "staticmethod", "language": "python"}, {"functions": [PLAY], "count": 1}),
        ({"with_annotation": "-> str", "public_only": True, "exclude_tests": True}, {"functions": [PLAY], "count": 1}),
    ],
    "find_dependencies": [
        (
            {"for_file": "app/tune.py"},
            {
                "dependencies": {
                    "direct": ["rich"],
                    "transitive": [],
                    "file_specific": {"app/tune.py": ["app/tones.py"]},
                }
            },
        ),
        (
            {"for_file": "app/main.py", "include_transitive": True, "include_stdlib": True, "max_depth": 5},
            {
                "dependencies": {
                    "direct": [],
                    "transitive": ["app/tones.py", "json", "rich"],
                    "file_specific": {"app/main.py": ["app/tune.py"]},
                }
            },
        ),
        ({}, {"dependencies": {"direct": ["rich"], "transitive": [], "file_specific": {}}, "config": {}}),
    ],
    "find_related": [
        (
            {"file": "app/tune.py", "types": ["test", "similar"], "max_results": 2},
            {
                "related_files": [
                    {"file": "tests/test_tune.py", "relation_type": "test", "confidence": 0.9},
                    {"file": "app/tunes.py", "relation_type": "similar", "confidence": 0.89},
                ]
            },
        ),
        (
            {"file": "tests/test_tune.py", "types": "source"},
            {"related_files": [{"file": "app/tune.py", "relation_type": "source", "confidence": 0.9}]},
        ),
    ],
    "analyze_impact": [
        (
            {"file": "app/tones.py"},
            {
                "impact_analysis": {
                    "directly_affected": ["app/tune.py"],
                    "potentially_affected": ["app/main.py", "app/tunes.py"],
                    "test_files": ["tests/test_tune.py"],
                    "impact_score": 7,
                },
                "config": {"file": "app/tones.py"},
            },
        ),
        (
            {"file": "app/tones.py", "include_tests": False, "max_depth": 1},
            {
                "impact_analysis": {
                    "directly_affected": ["app/tune.py"],
                    "potentially_affected": [],
                    "test_files": [],
                    "impact_score": 3,
                }
            },
        ),
    ],
    "find_dependents": [
        (
            {"of_file": "app/tune.py", "include_tests": False},
            {
                "dependents": [{"file": "app/main.py", "distance": 1}, {"file": "app/tunes.py", "distance": 1}],
                "count": 2,
            },
        )
    ],
    "find_imports": [
        (
            {"in_file": "app/tune.py", "module": "json"},
            {"imports": [{"module": "json", "names": [], "file": "app/tune.py", "line": 2}], "count": 1},
        )
    ],
    "find_references": [
        (
            {"name": "A", "exclude_tests": True},
            {
                "references": [
                    {"file": "app/tones.py", "line": 1, "text": "A = 1"},
                    {"file": "app/tune.py", "line": 10, "text": "return json.dumps(tones.A) * times"},
                ],
                "count": 2,
            },
        )
    ],
    "find_classes": [
        (
            {},
            {
                "classes": [
                    {"name": "Tone", "type": "class", "file": "app/tones.py", "line": 4, "signature": "class Tone"}
                ],
                "count": 1,
            },
        )
    ],
    "find_exports": [({"name": "Tone"}, {"exports": [{"name": "Tone", "file": "app/tones.py"}], "count": 1})],
    "find_interfaces": [({}, {"interfaces": [], "count": 0})],
    "find_modules": [
        (
            {"exclude_tests": True, "pattern": "t*.py", "depth": 1},
            {
                "modules": [
                    {"name": f"app.{name}", "file": f"app/{name}.py", "package": "app", "language": "python"}
                    for name in ("tones", "tune", "tunes")
                ],
                "packages": [{"name": "app", "files": 3}],
                "count": 3,
            },
        )
    ],
    "find_circular_dependencies": [({}, {"cycles": [], "count": 0})],
    "find_entry_points": [
        (
            {},
            {
                "entry_points": [
                    {"file": "app/main.py", "language": "python", "reasons": ["named like an entry point"]}
                ],
                "count": 1,
            },
        )
    ],
    "get_project_type": [
        (
            {},
            {
                "project_type": "python",
                "indicators": {"python": ["pyproject.toml"]},
                "languages": {"python": 5},
            },
        )
    ],
    "get_dependencies": [
        (
            {},
            {
                "dependencies": [{"name": "rich", "version": ">=1", "type": "runtime", "source": "pyproject.toml"}],
                "count": 1,
            },
        )
    ],
    "measure": [({"by": "file", "top": 1, "package": "app"}, {"config": {"by": "file", "top": 1, "package": "app"}})],
    "count_lines": [({"by": "total"}, {"config": {"by": "total"}})],
}
OF_THE_HISTORY = {
    "get_git_status",
    "get_recent_commits",
    "get_changed_files",
    "get_contributors",
    "get_change_frequency",
}


@pytest.mark.parametrize(
    ("question", "criteria", "answer"),
    [(question, criteria, answer) for question, asked in ANSWERS.items() for criteria, answer in asked],
)
def test_answers(ask: Any, question: str, criteria: dict[str, Any], answer: Mapping[str, Any]) -> None:
    """Criteria written as a map, and as the list of maps that older documents have."""
    given = ask(question, criteria)
    assert {name: given[name] for name in answer} == answer
    assert ask(question, [{name: value} for name, value in criteria.items()]) == given


def test_every_question_has_an_answer_here() -> None:
    assert set(Query.model_fields) == {*ANSWERS, *OF_THE_HISTORY}


@pytest.mark.parametrize("question", sorted(OF_THE_HISTORY))
def test_the_history_of_a_workspace_is_not_asked(ask: Any, question: str) -> None:
    assert "operator has allowed" in ask(question, {})["error"]


def test_figures(ask: Any) -> None:
    (largest,) = ask("measure", {"by": "file", "top": 1, "package": "app"})["measures"]
    assert (largest["name"], largest["lines"], largest["functions"]) == ("app/tune.py", 13, 2)
    total = ask("count_lines", {"by": "total"})["total"]
    assert (total["files"], total["lines"]) == (
        5,
        sum(text.count("\n") for name, text in FILES.items() if name[-3:] == ".py"),
    )
