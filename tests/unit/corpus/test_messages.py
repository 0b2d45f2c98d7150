"""What people read when something is wrong, with the real step kinds: one message, at the right place, that says how to go on."""

from __future__ import annotations

import pytest

from apps.melodies.definition import InvalidDocument, known_kinds, load


def messages(text: str) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        load(text, known_kinds())
    return str(caught.value).split("\n")


STEP = "workflow:\n  name: w\n  steps:\n    - name: a\n      type: "

NEWCOMERS = {
    # Wrong indentation.
    "workflow:\n  name: w\nsteps:\n  - name: a\n    type: test_echo\n": (
        "line 3, column 1: `steps` cannot stand beside `workflow`; move it into `workflow`, so indent it."
    ),
    "workflow:\n  name: w\n  steps:\n    - name: a\n        type: test_echo\n": (
        "line 5, column 13: A value cannot hold `: ` unless it is in quotes; or this line is indented too far."
    ),
    "workflow:\n  name: w\n  steps:\n    - name: a\n    type: test_echo\n": (
        "line 5, column 5: An item of this list should begin with `- `, at the same indentation as the others."
    ),
    "workflow:\n  name: w\n  steps:\n    name: a\n    type: test_echo\n": (
        "line 4, column 5: `steps` should be a list of steps, each beginning with `- `, not a mapping."
    ),
    "name: w\nsteps:\n  - {name: a, type: test_echo}\n": (
        "line 1, column 1: The document has no `workflow`: put `workflow:` on a first line of its own and indent everything"
        " below it."
    ),
    # A misspelt type or field.
    STEP + "claud\n      prompt: hi\n": "line 5, column 13: There is no step type `claud`. Did you mean 'claude'?",
    STEP + "parallel-claude\n": (
        "line 5, column 13: There is no step type `parallel-claude`. Did you mean 'parallel_claude'?"
    ),
    STEP + "test_echo\n      conditoin: x\n": (
        "line 6, column 7: `conditoin` is not a field of step type test_echo. Did you mean 'condition'?"
    ),
    # A prompt part that says nothing.
    STEP + "claude\n      prompt:\n        - type: static\n": (
        "line 7, column 11: `content` is required in item 1 of `prompt` (step type claude)."
    ),
    STEP + "claude\n      prompt: [{type: static, content: hi}, {type: static, content: }]\n": (
        "line 6, column 45: Item 2 of `prompt`: a static part needs `content`: the text itself."
    ),
    # A step that is not there.
    STEP + 'test_echo\n    - name: b\n      type: test_echo\n      value: "{{steps.A.x}}"\n': (
        "line 8, column 14: There is no step `A`. Did you mean 'a'?"
    ),
    # Braces that are never closed, or not quoted.
    STEP + 'test_echo\n      value: "Dear {{inputs.name, hello"\n': (
        "line 6, column 20: '{{' is never closed; add '}}', or write {{'{{'}} for the two signs (at character 6 of 'Dear"
        " {{inputs.name, hello')"
    ),
    STEP + "test_echo\n      value: {{inputs.name}}\n": (
        "line 6, column 15: A key must be plain text. If this is a template such as {{ name }}, put it in quotes."
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", NEWCOMERS, ids=range(len(NEWCOMERS)))
def test_typical_mistakes(text: str) -> None:
    assert messages(text) == [NEWCOMERS[text]]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("claude", "line 4, column 7: `prompt` is required here (step type claude)."),
        ("claude\n      prompt: [{type: file}]", "`path` is required in item 1 of `prompt`"),
        ("claude\n      prompt: [{type: previous_response}]", "`step` is required in item 1 of `prompt`"),
        ("claude\n      prompt: [{type: session_context}]", "`session_id` is required in item 1 of `prompt`"),
        ("claude\n      prompt: [{type: picture, path: a.png}]", "static, file, previous_response"),
        ("claude\n      prompt: hi\n      claude_options: fast", "`claude_options` should be a mapping, not text."),
        ("claude\n      prompt: hi\n      claude_options: {stream_handler: tv}", "`stream_handler` should be 'console'"),
        ("claude\n      prompt: hi\n      claude_options: {stream_buffer_size: 0}", "`stream_buffer_size` should be greater"),
        ("claude\n      prompt: hi\n      claude_options: {verbose: loud}", "`verbose` should be true or false, not text."),
        ("gemini\n      prompt: hi\n      functions: rate", "`functions` should be a list, not text."),
        ("gemini\n      prompt: hi\n      functions: [rate]", "There is no function `rate`; define it"),
        ("claude_batch", "give `tasks`, or a `prompt`"),
        ("parallel_claude", "`parallel_tasks` is missing"),
        ("claude_robust\n      prompt: hi\n      retry_config: {max_retries: -1}", "`max_retries` should be greater than"),
        ("for_loop\n      iterator: i\n      data_source: [1]", "`steps` is missing"),
        ("while_loop\n      steps: [{name: x, type: test_echo}]", "`condition` is required here"),
        ("switch\n      cases: {a: [{name: x, type: test_echo}]}", "`expression` is required here"),
        ("pipeline", "one of `pipeline_file`, `pipeline` and `pipeline_ref` is missing"),
        ("file_ops\n      operation: shred", "`operation` should be 'copy', 'move'"),
        ("codebase_query", "`queries` is missing"),
        ("bash\n      command: ls", "There is no step type `bash`; known are"),
        ("test_echo\n      value: '{{ steps.x == }}'", "line 6, column"),
    ],
)  # fmt: skip
def test_rules_of_the_language(step: str, told: str) -> None:
    (message,) = messages(STEP + step + "\n")
    assert told in message


def test_a_field_at_the_wrong_depth_names_where_it_belongs() -> None:
    told = messages(STEP + "claude\n      prompt:\n        - type: static\n      content: hi\n")
    assert told[1] == (
        "line 8, column 7: `content` is not a field of step type claude itself but of its `prompt`; check the indentation."
    )
    definition = load(STEP + "claude\n      prompt: hi\n      max_turns: 3\n", known_kinds())
    assert [warning.message for warning in definition.warnings] == [
        "`max_turns` is not a field of step type claude itself but of its `claude_options`; here it has no effect."
    ]


def test_a_slip_where_any_field_is_taken_is_a_warning() -> None:
    definition = load(
        STEP + "claude\n      prompt: hi\n      claude_options: {max_turn: 3, note: mine}\n", known_kinds()
    )
    assert [(warning.pointer, warning.suggestion) for warning in definition.warnings] == [
        ("/workflow/steps/0/claude_options/max_turn", "max_turns")
    ]


@pytest.mark.parametrize(
    ("step", "meant"),
    [
        ("{name: a, type: file_ops, operation: raed, path: x}", "read"),
        (
            "{name: a, type: data_transform, input_source: inputs.x, operations: [{operation: filtr, field: y}]}",
            "filter",
        ),
    ],
)
def test_a_slip_in_a_word_of_a_list_is_answered_with_the_word(step: str, meant: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        load(f"workflow: {{name: m, steps: [{step}]}}", known_kinds())
    assert [problem.suggestion for problem in refused.value.problems] == [meant]
