"""Prompts: every part type, and what is done to their texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.melodies.definition.expressions import Scope
from tests.unit.steps.models.stage import Memory, params_of
from workers.contract import StepContext, StepFailed
from workers.steps.prompts.build import build

Write = Callable[[str, str], None]


def text(context: StepContext, *parts: Any) -> str:
    prompt = parts[0] if len(parts) == 1 and isinstance(parts[0], str) else list(parts)
    return build(params_of("claude", context, prompt=prompt).prompt, context).text


def previous(step: str, **more: Any) -> dict[str, Any]:
    return {"type": "previous_response", "step": step, **more}


def static(content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "static", "content": content, **more}


def test_parts_are_joined_by_a_single_line_break(context: StepContext) -> None:
    assert text(context, static("a"), static("b\n"), static("c")) == "a\nb\n\nc"


def test_a_bare_text_is_one_static_part(context: StepContext) -> None:
    assert text(context, "Just say it") == "Just say it"


def test_templates_of_a_prompt_are_filled_in_and_maps_become_json(context: StepContext) -> None:
    context.scope = Scope(steps={"a": {"n": 1, "items": [1, "x"]}})
    assert text(context, static("n is {{steps.a.n}}"), static("{{steps.a.items}}")) == 'n is 1\n[\n  1,\n  "x"\n]'


def test_a_part_is_left_out_when_its_condition_does_not_hold(context: StepContext) -> None:
    context.scope = Scope(state={"deep": False, "lang": "de"})
    parts = (
        static("always"),
        static("deep", condition="state.deep"),
        static("german", condition={"and": ["state.lang == 'de'", {"not": "state.deep"}]}),
    )
    assert text(context, *parts) == "always\ngerman"


def test_a_condition_that_breaks_fails_the_step(context: StepContext) -> None:
    with pytest.raises(StepFailed, match="condition of a prompt part"):
        text(context, static("x", condition="1 +"))


# -- file parts ----------------------------------------------------------------------------------------------------
def test_a_file_of_the_workspace(context: StepContext, write: Write) -> None:
    write("src/a.txt", "hällo")
    assert text(context, {"type": "file", "path": "./src/a.txt"}) == "hällo"


def test_the_workspace_comes_before_readable_folders(context: StepContext, write: Write, tmp_path: Path) -> None:
    readable = tmp_path / "readable"
    readable.mkdir()
    (readable / "both.txt").write_text("outside")
    (readable / "only.txt").write_text("only outside")
    context.readable_roots = (readable,)
    write("both.txt", "inside")
    parts = [{"type": "file", "path": name} for name in ("both.txt", "only.txt", str(readable / "both.txt"))]
    assert text(context, *parts) == "inside\nonly outside\noutside"


def test_the_name_of_the_workspace_may_stand_before_a_path(context: StepContext, write: Write) -> None:
    write("docs/a.md", "A")
    assert text(context, {"type": "file", "path": "./workspace/docs/a.md"}) == "A"


def test_a_way_out_must_lead_into_a_readable_folder(context: StepContext, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "p.tex").write_text("paper")
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(StepFailed, match="leads out of the workspace"):
        text(context, {"type": "file", "path": "../papers/p.tex"})
    context.readable_roots = (papers,)
    assert text(context, {"type": "file", "path": "../papers/p.tex"}) == "paper"
    for path in ("../secret.txt", "/etc/passwd", str(tmp_path / "secret.txt"), "../papers/../secret.txt"):
        with pytest.raises(StepFailed, match="leads out of the workspace"):
            text(context, {"type": "file", "path": path})


def test_a_symbolic_link_is_not_followed(context: StepContext, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (workspace / "link.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(StepFailed, match="link"):
        text(context, {"type": "file", "path": "link.txt"})


def test_a_file_that_is_not_there(context: StepContext) -> None:
    with pytest.raises(StepFailed, match=r"File not found: 'no\.txt'") as caught:
        text(context, {"type": "file", "path": "no.txt"})
    assert caught.value.code == "file_not_found"


def test_files_respect_the_allowed_paths_of_the_workflow(
    context: StepContext, write: Write, document: Callable[..., None]
) -> None:
    document(safety={"allowed_paths": ["open"]})
    write("open/a.txt", "A")
    write("shut/b.txt", "B")
    assert text(context, {"type": "file", "path": "open/a.txt"}) == "A"
    with pytest.raises(StepFailed, match="allowed_paths"):
        text(context, {"type": "file", "path": "shut/b.txt"})


def test_a_folder_is_all_its_text_files(context: StepContext, workspace: Path, write: Write) -> None:
    write("src/b.py", "b = 1\n")
    write("src/a/a.py", "a = 1\n")
    write("src/.hidden", "no")
    (workspace / "src" / "picture.png").write_bytes(b"\x89PNG\0\0")
    assert text(context, {"type": "file", "path": "src/"}) == "=== src/a/a.py ===\na = 1\n\n=== src/b.py ===\nb = 1\n"


def test_encodings(context: StepContext, workspace: Path) -> None:
    (workspace / "l1.txt").write_bytes("größe".encode("latin-1"))
    assert text(context, {"type": "file", "path": "l1.txt", "encoding": "ISO-8859-1"}) == "größe"
    with pytest.raises(StepFailed, match="not utf-8 text"):
        text(context, {"type": "file", "path": "l1.txt"})
    for name in ("klingon", "zlib", "rot13", "punycode"):
        with pytest.raises(StepFailed, match="not a text encoding"):
            text(context, {"type": "file", "path": "l1.txt", "encoding": name})


def test_a_file_larger_than_the_bound_is_refused(context: StepContext, write: Write) -> None:
    write("big.txt", "x" * 4_000_001)
    with pytest.raises(StepFailed, match="larger than"):
        text(context, {"type": "file", "path": "big.txt", "summary": True})


def test_placeholders_and_blocks_of_a_prompt_file(context: StepContext, write: Write) -> None:
    write(
        "review.md",
        'Review {LANGUAGE} for {AREAS}, {UNKNOWN}.\n{if LANGUAGE == "Python"}\nMind PEP 8.\n{endif}\n'
        "{if LANGUAGE != 'Go'}no go{endif}{if STRICT}strict{endif}\n{if OPEN",
    )
    part = {
        "type": "file",
        "path": "review.md",
        "variables": {"language": "Python", "AREAS": ["speed", "safety"], "STRICT": False},
    }
    assert text(context, part) == ("Review Python for speed, safety, {UNKNOWN}.\nMind PEP 8.\nno go\n{if OPEN")


def test_inject_as_fills_the_other_parts_and_adds_nothing_itself(context: StepContext, write: Write) -> None:
    context.scope = Scope(steps={"scan": "two findings"})
    write("audit.md", "Before: {PREVIOUS}\nCode: {CODE}")
    write("main.py", "print({PREVIOUS})")
    parts = (
        {"type": "file", "path": "audit.md"},
        previous("scan", inject_as="PREVIOUS"),
        {"type": "file", "path": "main.py", "inject_as": "CODE"},
        static("Remember {PREVIOUS}"),
    )
    assert text(context, *parts) == "Before: two findings\nCode: print({PREVIOUS})\nRemember two findings"


def test_a_csv_file_as_a_table(context: StepContext, write: Write) -> None:
    write("data.csv", "name,n\na|b,1\nc,2\n")
    part = {"type": "file", "path": "data.csv", "transform": "csv_to_table"}
    assert text(context, part) == "| name | n |\n| --- | --- |\n| a\\|b | 1 |\n| c | 2 |"
    with pytest.raises(StepFailed, match="no transform 'csv_to_song'"):
        text(context, part | {"transform": "csv_to_song"})


def test_a_summary_keeps_the_sentences_that_matter(context: StepContext, write: Write) -> None:
    write("spec.md", "Intro words. The API needs a token. More words here. Tokens expire. The end.")
    part = {"type": "file", "path": "spec.md", "summary": True, "max_summary_length": 40}
    assert text(context, part) == "Intro words. The API needs a token."
    assert text(context, part | {"summary_focus": "token"}) == "The API needs a token. Tokens expire."
    bullets = part | {"summary_focus": "token", "summary_style": "bullet_points", "max_summary_length": 41}
    assert text(context, bullets) == "- The API needs a token.\n- Tokens expire."
    assert text(context, {"type": "file", "path": "spec.md", "max_length": 12}) == "Intro wor..."


def test_components_of_a_prompt_library(context: StepContext, write: Write) -> None:
    write("intro.md", "Hello {NAME}")
    write(
        "lib.yaml",
        "base:\n  security:\n    - type: static\n      content: Look for holes\n    - type: file\n      path: intro.md\n"
        "tone: Be kind\nbad:\n  - type: previous_response\n    step: x\n",
    )
    part = {"type": "file", "path": "lib.yaml", "component": "security", "variables": {"NAME": "Ada"}}
    assert text(context, part) == "Look for holes\nHello Ada"
    assert text(context, part | {"component": "tone"}) == "Be kind"
    with pytest.raises(StepFailed, match="has no component 'nope'; it has: base, tone, bad, security"):
        text(context, part | {"component": "nope"})
    with pytest.raises(StepFailed, match="may hold static parts"):
        text(context, part | {"component": "bad"})


# -- previous_response ---------------------------------------------------------------------------------------------
RESULT = {
    "text": "said",
    "data": {"deep": [{"x": 1, "name": "a"}, {"x": None, "name": "b"}]},
    "n": 3,
    "ok": True,
    "none": None,
    "result": {"inner": "in"},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("text", "said"),
        ("n", "3"),
        ("ok", "true"),
        ("none", "nil"),
        ("data.deep[0].x", "1"),
        ("data.deep[-1].name", "b"),
        ("data.deep.1.x", "nil"),
        ("data.deep[*].name", '["a", "b"]'),
        ("$.data.deep[0]", '{"x": 1, "name": "a"}'),
        ("deep[0].name", "a"),
        ("inner", "in"),
        ('data["deep"][0].name', "a"),
    ],
)
def test_extracting_a_field(context: StepContext, path: str, expected: str) -> None:
    context.scope = Scope(steps={"s": RESULT})
    assert text(context, previous("s", extract=path)) == expected


def test_a_whole_result_is_indented_json_without_the_bookkeeping_of_an_answer(context: StepContext) -> None:
    answer = {"text": "hi", "success": True, "cost": 0.1, "usage": {}, "model": "m", "mock": False, "stop_reason": "x"}
    context.scope = Scope(steps={"s": answer, "plain": "just text", "map": {"usage": 1}, "number": 4, "nothing": None})
    assert json.loads(text(context, previous("s"))) == {"text": "hi", "success": True, "cost": 0.1}
    assert text(context, previous("plain"), previous("number"), previous("nothing")) == "just text\n4\nnil"
    assert text(context, previous("map")) == '{\n  "usage": 1\n}'


def test_a_path_that_leads_nowhere_names_what_there_is(context: StepContext) -> None:
    context.scope = Scope(steps={"s": {"text": "t", "n": 1}})
    with pytest.raises(StepFailed, match="there is no 'score'; available: text, n") as caught:
        text(context, previous("s", extract="score"))
    assert caught.value.code == "field_not_found"
    assert text(context, previous("s", extract="score", strict=False)) == "nil"
    with pytest.raises(StepFailed, match="cannot be read at"):
        text(context, previous("s", extract="a[[b", strict=False))


def test_a_field_of_an_answer_that_is_json(context: StepContext) -> None:
    tasks = {"combined_results": "…", "individual_results": {"testing": {"text": '{"coverage": 93}'}}}
    context.scope = Scope(steps={"s": {"text": '{"score": 7}'}, "p": tasks})
    assert text(context, previous("s", extract="score"), previous("p", extract="testing.coverage")) == "7\n93"


def test_a_mocked_answer_has_any_field(context: StepContext) -> None:
    context.scope = Scope(steps={"s": {"text": "hm", "mock": True, "usage": {}}})
    assert text(context, previous("s", extract="issues")) == "[mock issues]"
    assert context.events == [("prompt_field_mocked", {"step": "s", "extract": "issues"})]


def test_a_step_without_a_result(context: StepContext) -> None:
    with pytest.raises(StepFailed, match="reads the result of step 'later', which has none"):
        text(context, previous("later"))


def test_content_is_extracted_formed_and_shortened(context: StepContext) -> None:
    report = "Intro.\n- one\n- two\nWe recommend tests.\nSee https://example.com/a."
    context.scope = Scope(steps={"s": {"text": report, "cost": 1}})
    made = text(
        context,
        previous(
            "s", extract_with="content_extractor", format="structured", post_processing=["extract_links", "dance"]
        ),
    )
    assert made == f"## Extracted content\n\n{report}\n\n## Links\n\n- https://example.com/a"
    assert context.events == [("post_processing_unknown", {"operations": ["dance"]})]
    assert text(context, previous("s", max_length=10, extract="text")) == "Intro...."
    assert text(context, previous("s", summary=True, max_length=12)) == "Intro."
    head, _, rest = text(context, previous("s", extract="text", include_metadata=True)).partition("\n")
    assert (head, rest) == (f"[from step s, field text: {len(report)} characters]", report)


def test_transforms_of_results(context: StepContext) -> None:
    context.scope = Scope(steps={"s": {"title": "T", "rows": [1, 2]}, "a": {"text": '[{"x": 1}]', "mock": False}})
    assert text(context, previous("s", transform="json_to_markdown")) == "**title**: T\n\n## rows\n\n- 1\n- 2"
    assert text(context, previous("a", transform="json_to_table")) == "| x |\n| --- |\n| 1 |"
    assert text(context, previous("s", extract="rows", transform="json_to_yaml")) == "- 1\n- 2"


# -- sessions ------------------------------------------------------------------------------------------------------
def said(number: int) -> dict[str, Any]:
    return {"task": f"t{number}", "step": "s", "prompt": f"q{number}", "response": f"a{number}"}


def test_the_last_messages_of_a_session(context: StepContext, memory: Memory) -> None:
    context = replace(context, task_id="now", engine=memory)
    record = {"session_id": "dev@abc", "session_name": "dev", "interactions": [said(1), said(2), said(3)]}
    memory.save_session("dev", record, persistent=True)
    part = {"type": "session_context", "session_id": "dev"}
    assert text(context, part | {"include_last_n": 3}) == "Assistant: a2\n\nUser: q3\n\nAssistant: a3"
    assert text(context, part | {"session_id": "dev@abc", "filter": "role == 'assistant'"}) == (
        "Assistant: a1\n\nAssistant: a2\n\nAssistant: a3"
    )
    assert text(context, part | {"session_id": "dev@other"}) == ""
    assert text(context, static("x"), part | {"session_id": "unknown"}) == "x\n"


def test_continuing_names_the_session(context: StepContext) -> None:
    parts = params_of(
        "claude", context, prompt=[{"type": "claude_continue", "session_id": "dev", "new_prompt": "go on"}]
    )
    built = build(parts.prompt, context)
    assert (built.text, built.continues) == ("go on", "dev")
    plain = build(params_of("claude", context, prompt="x").prompt, context)
    assert plain.continues is None


def test_blocks_and_placeholders_take_linear_time(context: StepContext, write: Write) -> None:
    write("evil.md", "{if A}" * 200_000 + "{A}" * 100_000)
    made = text(context, {"type": "file", "path": "evil.md", "variables": {"A": "x"}})
    assert made == "{if A}" * 200_000 + "x" * 100_000


def test_a_list_that_comes_in_through_a_template_names_no_parts(context: StepContext) -> None:
    told = [{"type": "file", "path": "secret.txt"}]
    written = {"prompt": "{{inputs.told}}"}
    asked = replace(context, scope=Scope(inputs={"told": told}), written=written)
    assert json.loads(build(params_of("claude", asked, **written).prompt, asked).text) == told
