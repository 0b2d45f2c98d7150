"""The melodies of `examples` that people would start from: each validates, is lint-free, runs to its end under the mock
provider on the real engine, and leaves what it promises.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.core.tenancy import acting_as
from apps.executions import blobs
from apps.executions.models import Artifact
from apps.melodies.definition import known_kinds
from apps.melodies.definition.lint import lint
from tests.engine import Run
from tests.workers.history import (
    Claim,
    History,
    ended,
    history_of,
    in_order,
    never_ran,
    ran,
    that,
    times,
    together,
)
from tests.workers.stage import Ahead, Script, Stage, asked_for, decide, tell, told, until_over, until_waiting

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
OLDER = {"analyse_codebase", "word_count"}
"""Played by the demo's and the README's own tests."""

Given = Mapping[str, Any] | Callable[[Stage], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """A run of an example. `files` are pieces of text its artifacts hold, by name; `answers` are values the mock gives for
    fields of a step's `output_schema`, where the smallest that fits would show too little."""

    example: str
    claims: tuple[Claim, ...] = ()
    given: Given = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    script: Script | None = None
    ends: str = "completed"
    label: str = ""

    @property
    def id(self) -> str:
        return f"{self.example}{'-' if self.label else ''}{self.label}"


def case(example: str, *claims: Claim, **fields: Any) -> Case:
    return Case(example, claims, **fields)


# -- what they are given -----------------------------------------------------------------------------------------------
def git(tree: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=tree, check=True, capture_output=True)


def source_tree(stage: Stage) -> Path:
    """A small repository: two commits, the second of which changes one file and adds two, one of them not code."""
    tree = stage.readable / "shop"
    if tree.exists():
        return tree
    (tree / "docs").mkdir(parents=True)
    (tree / "cart.py").write_text("def total(items):\n    return sum(items)\n")
    (tree / "docs" / "guide.md").write_text("# Guide\n\nPut things into the cart.\n")
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "A cart with a total")
    (tree / "cart.py").write_text("def total(items):\n    return round(sum(items), 2)\n")
    (tree / "cancel.py").write_text("def cancel(order):\n    order.open = False\n")
    (tree / "docs" / "cancelling.md").write_text("# Cancelling\n\nWithin two weeks.\n")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "Orders can be cancelled")
    return tree


def in_tree(**more: Any) -> Callable[[Stage], Mapping[str, Any]]:
    return lambda stage: {"root": str(source_tree(stage)), **more}


def two_owners_decide(first: str, second: str) -> Script:
    def script(stage: Stage, run: Run) -> None:
        for number, (name, said) in enumerate((("grace", first), ("linus", second))):
            person = stage.colleague(f"{name}-{run.id}", "owner")
            stage.decide(run, "two_approvals", said, f"{said} {number}", person)

    return script


def marked_as_mock(*names: str) -> Claim:
    """Nobody takes these answers for a model's."""
    return that(
        "answers of the mock are marked as such",
        lambda seen: all(span.result["mock"] is True for name in names for span in seen.completed(name)),
    )


def details(name: str, **wanted: Any) -> Claim:
    """Some fields of a step's result."""

    def claim(seen: History) -> None:
        result = seen.result(name)
        assert {key: result.get(key) for key in wanted} == wanted, seen.told()

    return claim


DESK = {"who": "Ada", "what": "a desk"}
DOWN = {"service": "shop", "symptom": "500s at checkout"}
PLAY: tuple[Case, ...] = (
    case(
        "code_review",
        times("review", 2),
        ran("verdict", "report"),
        in_order("changes", "review", "verdict"),
        marked_as_mock("review"),
        that(
            "each finding names its file",
            lambda seen: {row["file"] for row in seen.result("findings")["all"]} == {"cart.py", "cancel.py"},
        ),
        given=in_tree(),
        files={"review.md": "2 findings in 2 files"},
    ),
    case(
        "release_notes",
        ran("sort", "write", "notes"),
        ended("skipped", "nothing_new"),
        given=in_tree(version="2.0"),
        files={"RELEASE_NOTES.md": "2 commits by Ada"},
    ),
    case(
        "release_notes",
        never_ran("sort", "write", "notes"),
        ran("nothing_new"),
        given=in_tree(since="2099-01-01"),
        label="nothing new",
    ),
    case(
        "research_report",
        times("answer", 3),
        times("critique", 3),
        in_order("questions", "answer", "first_draft", "critique", "report"),
        details("improve", max_iterations_reached=True),
        given={"topic": "heat pumps"},
        files={"report.md": "# heat pumps"},
    ),
    case(
        "research_report",
        times("critique", 1),
        ended("skipped", "rewrite"),
        details("improve", condition_met=False, iterations=1),
        given={"topic": "heat pumps"},
        answers={"critique": {"score": 9}},
        files={"report.md": "rounds: 1, score 9"},
        label="good at once",
    ),
    case(
        "classify_csv",
        times("label", 4),
        that("all are of one category", lambda seen: seen.result("counts").startswith("| damage |")),
        files={"classified.csv": "damage", "summary.md": "| damage |"},
    ),
    case(
        "nightly_etl",
        ran("check", "load"),
        in_order("check", "sources", "enriched", "by_country", "load"),
        ended("skipped", "bad_night"),
        files={"warehouse/totals.json": '"UK"', "orders.md": "| 1001 | ada | UK | 120 |", "orders.svg": "<svg"},
    ),
    case(
        "nightly_etl",
        ran("bad_night"),
        never_ran("sources", "enriched", "load"),
        given={"orders": "something else entirely, but long enough"},
        files={"checkpoints/bad-night.json": "raw/orders.csv"},
        label="bad source",
    ),
    case(
        "expense_approval",
        ran("small_sum", "pay"),
        ended("skipped", "refuse"),
        given={**DESK, "amount": 50},
        files={"payment.json": "50"},
        label="small",
    ),
    case(
        "expense_approval",
        ran("pay"),
        ended("skipped", "refuse"),
        given={**DESK, "amount": 900},
        script=told(until_waiting("one_approval"), decide("one_approval", "approve", "go ahead")),
        files={"payment.json": "stage@example.org"},
        label="approved",
    ),
    case(
        "expense_approval",
        ran("refuse"),
        ended("skipped", "pay"),
        given={**DESK, "amount": 900},
        script=told(until_waiting("one_approval"), decide("one_approval", "reject", "buy a used one")),
        files={"refusal.txt": "buy a used one"},
        label="rejected",
    ),
    case(
        "expense_approval",
        ran("pay"),
        given={**DESK, "amount": 9000},
        script=told(until_waiting("two_approvals"), two_owners_decide("approve", "approve")),
        files={"payment.json": "grace"},
        label="two approve",
    ),
    case(
        "support_triage",
        ran("understand", "replacement", "draft", "answer"),
        never_ran("refund", "to_a_person"),
        ended("skipped", "hand_over"),
        in_order("understand", "by_topic", "draft"),
        files={"answer.txt": "Mock"},
    ),
    case(
        "support_triage",
        ran("refund", "hand_over", "answer"),
        never_ran("replacement"),
        answers={"understand": {"topic": "billing", "urgency": 5}},
        files={"to_a_person.json": "billing"},
        label="urgent bill",
    ),
    case(
        "summarise_documents",
        times("summarise", 2),
        ran("overview", "index"),
        given=in_tree(),
        files={"index.md": "docs/cancelling.md"},
    ),
    case(
        "ask_codebase",
        ran("terms", "answer"),
        in_order("terms", "search", "answer"),
        given=in_tree(question="Who may cancel?"),
    ),
    case(
        "ask_codebase",
        ran("notes", "answer"),
        in_order("mentions", "choose", "notes", "answer"),
        that(
            "the tree was searched",
            lambda seen: {"cancel.py"} == {place["file"] for place in seen.result("places")["found"]},
        ),
        given=in_tree(question="Who may cancel?"),
        answers={"terms": {"names": ["cancel"]}, "choose": {"files": ["cancel.py"]}},
        files={"answer.md": "# Who may cancel?\n\nMock"},
        label="found",
    ),
    case(
        "data_quality",
        ran("keep_incomplete", "keep_implausible", "keep_duplicates", "report"),
        details("complete", handled=True, success=False),
        ends="failed",
        files={"quality.md": "3 of 3 rules broken", "bad/incomplete.json": '"id": "2"'},
        label="bad",
    ),
    case(
        "data_quality",
        never_ran("keep_incomplete", "keep_implausible", "keep_duplicates"),
        ran("report"),
        ended("skipped", "verdict"),
        given={"csv": "id,email,age\n1,ada@example.org,36\n"},
        files={"quality.md": "0 of 3 rules broken"},
        label="good",
    ),
    case(
        "travel_saga",
        ran("flight", "hotel", "car", "itinerary"),
        never_ran("cancel_flight", "cancel_hotel"),
        given={"who": "Ada", "where": "Rome"},
        files={"itinerary.md": "Ada goes to Rome"},
        label="booked",
    ),
    case(
        "travel_saga",
        ran("flight", "hotel", "cancel_hotel", "cancel_flight"),
        ended("failed", "car"),
        in_order("hotel", "cancel_hotel", "cancel_flight"),
        never_ran("itinerary", "cancel_car"),
        ends="failed",
        given={"where": "Rome", "fail": "car"},
        files={"undone/flight.txt": "F-Rome", "undone/hotel.txt": "H-Rome"},
        label="undone",
    ),
    case(
        "translate",
        times("first", 3),
        times("second", 3),
        together("first"),
        given={"text": "[mock:slow 400] Press the red button."},
        files={"german.txt": "Mock Gemini", "translations.md": "| Japanese |"},
    ),
    case(
        "compare_prompts",
        times("judge", 6),
        given={"cases": ["why", "how", "when"]},
        files={"comparison.md": "# A draw"},
    ),
    case(
        "incident_runbook",
        ran("mitigated", "post_mortem"),
        ended("cancelled", "clock"),
        never_ran("escalate"),
        given=DOWN,
        script=told(until_waiting("mitigated"), tell("mitigated", {"by": "Ada"})),
        files={"post_mortem.md": "# Content\n\nMock"},
        label="in time",
    ),
    case(
        "incident_runbook",
        ran("escalate", "mitigated_late", "post_mortem"),
        ended("cancelled", "mitigated"),
        given={**DOWN, "patience": 0.2},
        script=told(until_over("escalate"), until_waiting("mitigated_late"), tell("mitigated", {"by": "Grace"})),
        files={"escalation.txt": "Wake the next one: shop"},
        label="late",
    ),
)


def artifacts(run: Run) -> dict[str, str]:
    """The texts a run has kept, by name."""
    with acting_as(run.engine.user.pk):
        kept = Artifact.objects.filter(execution_id=run.id).select_related("organization")
        return {
            artifact.name: blobs.get(str(artifact.organization_id), artifact.content_hash).decode("utf-8", "replace")
            for artifact in kept
        }


@pytest.fixture(scope="module")
def played(stage: Stage, request: pytest.FixtureRequest) -> Ahead:
    cases = {case.id: case for case in PLAY}
    asked = [name for name in asked_for(request) if name in cases]
    return Ahead(asked, lambda name: play(stage, cases[name]))


def play(stage: Stage, case: Case) -> Run:
    given = case.given(stage) if callable(case.given) else case.given
    file = EXAMPLES / f"{case.example}.yaml"
    if not case.answers:
        return stage.play(file, given)
    document = yaml.safe_load(file.read_bytes())
    for step in steps_in(document["workflow"]):
        for name, value in case.answers.get(step["name"], {}).items():
            step["output_schema"]["properties"][name]["default"] = value
    return stage.start(stage.publish(json.dumps(document).encode(), media="json"), given)


def steps_in(value: Any) -> Iterator[dict[str, Any]]:
    """All steps of a document, however deep."""
    if isinstance(value, dict):
        if "name" in value and "type" in value:
            yield value
        for inner in value.values():
            yield from steps_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from steps_in(inner)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in PLAY])
def test_the_example_does_what_it_says(case: Case, stage: Stage, played: Ahead) -> None:
    run = played.run(case.id)
    if case.script is not None:
        case.script(stage, run)
    execution = run.wait()
    seen = history_of(run)
    assert execution.status == case.ends, seen.told()
    for claim in case.claims:
        claim(seen)
    kept = artifacts(run)
    for name, text in case.files.items():
        assert text in kept.get(name, ""), f"{name}: {kept.get(name)!r}, of {sorted(kept)}\n{seen.told()}"
    for name, text in kept.items():
        assert "{{" not in text, name


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in FILES])
def test_the_example_is_in_order(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    report = lint(text, known_kinds())
    assert [problem.message for problem in (*report.errors, *report.warnings)] == []
    if file.stem in OLDER:
        return
    for heading in ("What it does", "Inputs", "Run it", "Change it"):
        assert f"# {heading}" in text
    assert f"manage.py melody run examples/{file.name}" in text


def test_every_example_is_played_and_listed() -> None:
    names = {file.stem for file in FILES}
    assert {case.example for case in PLAY} | OLDER == names
    listed = re.findall(
        r"^\| \[(\w+)\.yaml\]\((\w+)\.yaml\) \|", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted((name, name) for name in names)
