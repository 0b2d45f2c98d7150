"""claude_batch and parallel_claude: the steps their tasks stand for, and what becomes of their outcomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.melodies.definition.expressions import Scope
from tests.unit.steps.models.stage import params_of, run_tasks
from workers.contract import Expand, StepContext, StepFailed, runnable
from workers.steps import claude_batch, parallel_claude
from workers.steps.models.tasks import seconds

Write = Callable[[str, str], None]


def derived(kind: str, **fields: Any) -> list[dict[str, Any]]:
    module = claude_batch if kind == "claude_batch" else parallel_claude
    return [dict(body.steps[0]) for body in module.derive({"name": "it", "type": kind, **fields})]


# -- parallel_claude -----------------------------------------------------------------------------------------------
TASKS = [
    {"id": "docs", "prompt": "Write docs", "output_to_file": "docs.md", "claude_options": {"max_turns": 4}},
    {"id": "tests & more", "prompt": [{"type": "static", "content": "Test"}], "condition": "state.go"},
]


def test_tasks_are_claude_steps_with_names_of_their_own() -> None:
    options = {"model": "opus", "max_turns": 1}
    config = {"timeout_per_task": 300, "retry_failed": True}
    first, second = derived(
        "parallel_claude", parallel_tasks=TASKS, claude_options=options, parallel_config=config, model="haiku"
    )
    assert first == {
        "name": "it__docs",
        "type": "claude",
        "prompt": "Write docs",
        "output_to_file": "docs.md",
        "claude_options": {"model": "opus", "max_turns": 4},
        "model": "haiku",
        "timeout_seconds": 300.0,
        "retry": {"max_retries": 4},
    }
    assert (second["name"], second["condition"]) == ("it__tests___more", "state.go")


def test_problems_of_tasks_are_told_where_they_are_written() -> None:
    bodies = parallel_claude.derive({"name": "it", "parallel_tasks": [TASKS[0], "nonsense", TASKS[1]]})
    assert [(body.label, list(body.pointers)) for body in bodies] == [
        ("docs", ["/parallel_tasks/0"]),
        ("tests & more", ["/parallel_tasks/2"]),
    ]
    assert parallel_claude.derive({"name": "it", "parallel_tasks": "nonsense", "parallel_config": 3}) == []


def test_the_result_of_parallel_claude(context: StepContext) -> None:
    context.scope = Scope(steps={"a": {"text": "earlier"}})
    tasks = [
        {"id": "good", "prompt": [{"type": "previous_response", "step": "a", "extract": "text"}]},
        {"id": "bad", "prompt": "no"},
    ]
    failing = {"bad": StepFailed("too much", code="overloaded")}
    result = run_tasks("parallel_claude", context, failing=failing, parallel_tasks=tasks)
    good = result["individual_results"].pop("good")
    assert (good["status"], good["text"], good["success"]) == ("ok", "Mock response for: earlier...", True)
    assert result == {
        "combined_results": "===[good]===\nMock response for: earlier...\n\n===[bad]===\nError: too much",
        "individual_results": {
            "bad": {
                "status": "error",
                "success": False,
                "error": {"step": "it__bad", "code": "overloaded", "message": "too much"},
            }
        },
        "success": True,
        "total_tasks": 2,
        "successful_tasks": 1,
        "failed_tasks": 1,
    }


def test_a_tasks_own_field_does_not_hide_how_it_ended(context: StepContext) -> None:
    schema = {"type": "object", "required": ["status"], "properties": {"status": {"const": "weird"}}}
    result = run_tasks("parallel_claude", context, parallel_tasks=[{"id": "a", "prompt": "x", "output_schema": schema}])
    assert (result["individual_results"]["a"]["status"], result["successful_tasks"]) == ("ok", 1)
    assert result["individual_results"]["a"]["data"] == {"status": "weird"}


def test_all_tasks_run_at_once_unless_the_step_says_how_many(context: StepContext) -> None:
    run = runnable("parallel_claude").run
    whole = run(params_of("parallel_claude", context, parallel_tasks=TASKS), context)
    assert isinstance(whole, Expand)
    assert (len(whole.frames), whole.limit, whole.stop_on_failure) == (2, 2, False)
    few = run(params_of("parallel_claude", context, parallel_tasks=TASKS, parallel_config={"max_workers": 1}), context)
    assert few.limit == 1


def test_templates_in_tasks_are_left_for_the_tasks_themselves(context: StepContext) -> None:
    options = {"max_turns": "{{state.turns}}"}
    context.scope = Scope(loop={"index": 3, "n": 1})
    tasks = [{"id": "t{{loop.index}}", "prompt": "{{steps.nowhere.x}}", "claude_options": options}]
    params = params_of("parallel_claude", context, parallel_tasks=tasks)
    assert (params.parallel_tasks[0].id, params.parallel_tasks[0].prompt) == ("t3", "{{steps.nowhere.x}}")


def test_tasks_made_of_files(context: StepContext, write: Write) -> None:
    for name in ("a.py", "b.py", "src/c.py", "d.txt"):
        write(name, "x")
    result = run_tasks(
        "parallel_claude",
        context,
        task_generator={"type": "file_list", "pattern": "**/*.py", "batch_size": 2},
        task_template={
            "prompt": [{"type": "static", "content": "Files:"}, {"type": "dynamic", "content": "{{task.files}}"}]
        },
    )
    assert list(result["individual_results"]) == ["task_0", "task_1"]
    assert "src/c.py" in result["individual_results"]["task_1"]["text"]


def test_tasks_made_of_a_list(context: StepContext) -> None:
    context.scope = Scope(steps={"list": {"items": [{"id": "x", "q": "one"}, {"id": "y", "q": "two"}]}})
    template = {"prompt": "Ask {{task.q}} of {{loop.total}}"}
    generator = {"data_source": "steps.list.items"}
    result = run_tasks("parallel_claude", context, task_generator=generator, task_template=template)
    assert {name: task["text"] for name, task in result["individual_results"].items()} == {
        "x": "Mock response for: Ask one of 2...",
        "y": "Mock response for: Ask two of 2...",
    }
    template["id"] = "q_{{task.q}}"
    named = run_tasks("parallel_claude", context, task_generator=generator, task_template=template)
    assert list(named["individual_results"]) == ["q_one", "q_two"]
    with pytest.raises(StepFailed, match="must give a list; it is dict"):
        run_tasks("parallel_claude", context, task_generator={"data_source": "steps.list"}, task_template=template)
    empty = run_tasks("parallel_claude", context, task_generator={"items": []}, task_template=template)
    assert (empty["total_tasks"], empty["combined_results"]) == (0, "")


# -- claude_batch --------------------------------------------------------------------------------------------------
def test_tasks_of_a_batch_are_claude_steps() -> None:
    tasks = [
        {"task_id": "own", "prompt": "Ask", "output_to_file": "own.json", "claude_options": {"max_turns": 2}},
        {"id": "file", "file": "a.py"},
        {"topic": "{{state.topic}}"},
    ]
    steps = derived("claude_batch", tasks=tasks, prompt="How?", batch_config={"timeout_per_task": 15000})
    assert [step["name"] for step in steps] == ["it__own", "it__file", "it__task_2"]
    assert [step["prompt"] for step in steps] == [
        "Ask",
        [{"type": "file", "path": "a.py"}, {"type": "static", "content": "How?"}],
        [
            {"type": "static", "content": '{\n  "topic": "{{state.topic}}"\n}'},
            {"type": "static", "content": "How?"},
        ],
    ]
    assert {(step["base_preset"], step["timeout_seconds"]) for step in steps} == {("auto", 15.0)}
    assert (steps[0]["output_to_file"], steps[0]["claude_options"]) == ("own.json", {"max_turns": 2})


def test_a_batch_without_tasks_or_prompts() -> None:
    (only,) = derived("claude_batch", prompt=[{"type": "static", "content": "x"}], preset="analysis")
    assert (only["name"], only["base_preset"], only["timeout_seconds"]) == ("it__default_task", "analysis", 60.0)
    (analysed,) = derived("claude_batch", tasks=[{"file": "a.py"}])
    assert analysed["prompt"][1] == {"type": "static", "content": "Analyze this file"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [(300, 300.0), (3600, 3600.0), (3601, 3.601), (60000, 60.0), (0.5, 0.5), (0, None), ("{{x}}", None), (True, None)],
)
def test_a_timeout_up_to_an_hour_is_in_seconds(written: Any, expected: float | None) -> None:
    assert seconds(written) == expected


def test_the_result_of_claude_batch(context: StepContext, write: Write) -> None:
    write("a.py", "print(1)")
    tasks = [{"task_id": "good", "prompt": "Ask"}, {"id": "late", "prompt": "x"}, {"file": "a.py"}]
    failing = {"late": StepFailed("took too long", code="timeout")}
    result = run_tasks("claude_batch", context, failing=failing, tasks=tasks)
    good, late, file = result["batch_results"]
    assert (good["task_id"], good["status"], good["file"], good["execution_time_ms"]) == ("good", "success", None, 0)
    assert good["result"]["cost"] == 0.002
    assert late == {
        "task_id": "late",
        "status": "timeout",
        "file": None,
        "execution_time_ms": 0,
        "error": {"step": "it__late", "code": "timeout", "message": "took too long"},
    }
    assert (file["task_id"], file["file"]) == ("task_2", "a.py")
    assert {key: value for key, value in result.items() if key not in ("batch_results", "text")} == {
        "success": True,
        "batch_processed": True,
        "total_tasks": 3,
        "successful_tasks": 2,
        "failed_tasks": 1,
        "performance_statistics": {
            "total_execution_time_ms": 0,
            "average_task_time_ms": 0.0,
            "min_task_time_ms": 0,
            "max_task_time_ms": 0,
        },
        "cost": 0.004,
        "claude_batch_metadata": {
            "step_name": "it",
            "batch_processed_at": "2000-01-01T00:00:00+00:00",
            "total_tasks": 3,
            "task_breakdown": {"successful": 2, "failed": 0, "timeout": 1},
            "files_processed": ["a.py"],
        },
    }
    assert result["text"].startswith("# Batch results\n\n2 of 3 tasks succeeded.\n\n## good\n\nMock response for: Ask")
    assert "## late\n\nFailed (timeout): took too long" in result["text"]


def test_a_batch_need_not_be_consolidated(context: StepContext) -> None:
    result = run_tasks("claude_batch", context, prompt="x", batch_config={"consolidate_results": False})
    assert "text" not in result
    assert "claude_batch_metadata" not in result
    assert [task["task_id"] for task in result["batch_results"]] == ["default_task"]


def test_how_many_tasks_run_at_once(context: StepContext) -> None:
    run = runnable("claude_batch").run
    tasks = [{"prompt": str(number)} for number in range(5)]
    assert run(params_of("claude_batch", context, tasks=tasks), context).limit == 3
    few = run(params_of("claude_batch", context, tasks=tasks, batch_config={"max_parallel": 2}), context)
    assert (few.limit, len(few.frames), few.stop_on_failure) == (2, 5, False)
