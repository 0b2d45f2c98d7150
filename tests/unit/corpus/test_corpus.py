"""Documents of the dialects this language comes from: those of others where they are at hand, and our own always."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apps.melodies.definition import CachePolicy, InvalidDocument, RetryPolicy, known_kinds, load
from tests.unit.corpus import table
from workers.compiler.plan import compile_plan

DOCUMENTS = Path(__file__).parent / "documents"
ACCEPTED = sorted((DOCUMENTS / "accepted").glob("*.yaml"))
REFUSED = sorted((DOCUMENTS / "refused").glob("*.yaml"))

_WARNS = re.compile(r"^# warns: (.+)$", re.MULTILINE)
_REFUSED = re.compile(r"^# refused: (\w+) (\S*)  (.+)$", re.MULTILINE)


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_dialects_are_accepted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    definition = load(text, known_kinds())
    expected = _WARNS.search(text)
    assert [warning.pointer for warning in definition.warnings] == (expected[1].split(", ") if expected else [])
    assert all(warning.line for warning in definition.warnings)
    steps = list(definition.walk())
    plan = compile_plan(definition, known_kinds())
    assert {step.name for step in steps} <= {node.name for node in plan.nodes}


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_what_cannot_be_meant_is_refused_in_one_message(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    expected = _REFUSED.search(text)
    assert expected is not None
    with pytest.raises(InvalidDocument) as caught:
        load(text, known_kinds())
    (problem,) = caught.value.problems
    assert (problem.code, problem.pointer) == (expected[1], expected[2].rstrip("/"))
    assert expected[3] in problem.message


def test_there_are_documents_of_every_kind_of_the_language() -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in ACCEPTED)
    used = set(re.findall(r"type: (\w+)", written))
    assert used >= {
        "claude", "gemini", "claude_smart", "claude_session", "claude_extract", "claude_batch", "claude_robust",
        "parallel_claude", "gemini_instructor", "pipeline", "for_loop", "while_loop", "switch", "data_transform", "file_ops",
        "codebase_query", "set_variable", "checkpoint", "static", "file", "previous_response", "session_context",
        "claude_continue",
    }  # fmt: skip
    assert (len(ACCEPTED) >= 12, len(REFUSED) >= 6) == (True, True)


def test_the_page_tells_the_truth_about_the_corpus() -> None:
    """The files are not ours to copy: where they are not at hand, what the page says is at least complete in itself."""
    shown = table.shown(table.PAGE.read_text(encoding="utf-8"))
    found = [line.split(" | ") for line in shown.splitlines()[2:]]
    assert len(found) > 50
    assert all(len(columns) == 3 and columns[1] in ("accepted", "refused") for columns in found)
    assert all(columns[1] == "accepted" or columns[2].rstrip(" |") for columns in found)
    if table.FILES.is_dir():
        assert shown == table.written()


def test_the_config_of_a_pipeline_says_what_every_step_may_say() -> None:
    config = "{timeout_seconds: 30, max_retries: 2, retry_on: [timeout], cache_enabled: true, cache_ttl: 60}"
    step = "name: p, type: pipeline, pipeline_file: x.yaml"
    text = f"workflow: {{name: w, steps: [{{{step}, config: {config}}}]}}"
    (found,) = load(text, known_kinds()).steps
    assert (found.timeout_seconds, found.cache) == (30.0, CachePolicy(None, 60.0))
    assert found.retry == RetryPolicy(2, retry_on=("timeout",))
    own = text.replace("config:", "timeout: 5, retry: false, cache: false, config:")
    (found,) = load(own, known_kinds()).steps
    assert (found.timeout_seconds, found.cache, found.retry) == (5.0, None, None)
