"""A long melody and expressions of the kind people write: prompts, loops, branches, data, files. Pure."""

from __future__ import annotations

import random

STEPS_PER_CHAPTER = 20

EXPRESSIONS = (
    "steps.a.result.count > 3 and state.x == 'y'",
    "steps.a.result.items[1].score * 2 + state.n",
    "state.n > 2 ? upper(state.x) : 'none'",
    "length(steps.a.result.items) >= 2 or inputs.force",
)
"""Of the kind that stands in conditions and templates."""

_WORDS = [
    "review",
    "the",
    "change",
    "for",
    "errors",
    "that",
    "readers",
    "would",
    "meet",
    "and",
    "name",
    "each",
    "with",
    "its",
    "file",
    "and",
    "line",
    "summarise",
    "what",
    "was",
    "decided",
    "who",
    "decided",
    "it",
    "and",
    "why",
    "compare",
    "both",
    "versions",
    "list",
    "risks",
    "costs",
    "and",
    "open",
    "questions",
    "answer",
    "briefly",
    "in",
    "plain",
    "words",
]

_CHAPTER = """\
    - name: settings_{n}
      type: set_variable
      variables: {{round: "{{{{state.round + {n}}}}}", topic_{n}: {topic}, limit: {limit}}}
    - name: files_{n}
      type: file_ops
      operation: list
      path: .
      pattern: "**/*.{{py,md}}"
      options: {{sort_by: size, limit: {limit}}}
    - name: outline_{n}
      type: gemini
      model: gemini-2.5-flash
      token_budget: {{max_output_tokens: {tokens}, temperature: 0.{digit}}}
      prompt:
        - {{type: static, content: "{prompt}"}}
        - {{type: static, content: "Topic {{{{state.topic_{n}}}}}, files: {{{{steps.files_{n}.count}}}}"}}
        - {{type: previous_response, step: files_{n}, extract: files, strict: false}}
    - name: draft_{n}
      type: claude
      condition: "steps.files_{n}.count > {digit} and state.round != '{n}'"
      claude_options: {{max_turns: {digit}, allowed_tools: [Read, Grep], output_format: json}}
      prompt:
        - {{type: static, content: "{prompt}"}}
        - {{type: previous_response, step: outline_{n}}}
      output_to_file: draft_{n}.md
    - name: rows_{n}
      type: data_transform
      input_source: steps.files_{n}.details
      operations:
        - {{operation: filter, condition: "size > {tokens} and kind == 'file'"}}
        - {{operation: map, expression: "{{path: item.path, kilobytes: item.size / 1024}}"}}
        - {{operation: sort, by: kilobytes, order: desc}}
      output_field: rows
    - name: each_{n}
      type: for_loop
      iterator: file
      data_source: steps.rows_{n}.rows
      parallel: true
      max_parallel: {digit}
      max_iterations: {limit}
      steps:
        - name: look_{n}
          type: claude_smart
          preset: analysis
          prompt:
            - {{type: static, content: "{{{{loop.index + 1}}}} of {{{{loop.total}}}}: {{{{loop.file.path}}}}"}}
            - {{type: file, path: "{{{{loop.file.path}}}}"}}
        - name: score_{n}
          type: data_transform
          input_source: steps.look_{n}
          operations: [{{operation: extract, path: "$..score"}}, {{operation: aggregate, function: average}}]
        - name: note_{n}
          type: set_variable
          scope: loop
          variables: {{note: "{{{{upper(loop.file.path)}}}}: {{{{steps.score_{n}.score_{n} >= 7 ? 'good' : 'weak'}}}}"}}
    - name: verdict_{n}
      type: switch
      expression: "{{{{any(steps.each_{n}.iterations, 'success == false') ? 'bad' : 'good'}}}}"
      cases:
        good:
          - name: praise_{n}
            type: claude_extract
            preset: chat
            extraction_config: {{format: structured, include_metadata: true}}
            prompt: [{{type: static, content: "{prompt}"}}]
        bad:
          - name: mend_{n}
            type: claude_robust
            retry_config: {{max_retries: {digit}, backoff_strategy: exponential}}
            prompt: [{{type: static, content: "{prompt}"}}]
      default:
        - {{name: wonder_{n}, type: test_echo, value: "{{{{steps.each_{n}}}}}"}}
    - name: until_{n}
      type: while_loop
      condition: "state.round < {limit} or not (state.done_{n} exists)"
      max_iterations: {digit}
      steps:
        - {{name: again_{n}, type: gemini, prompt: [{{type: static, content: "{prompt} {{{{loop.iteration}}}}"}}]}}
        - {{name: count_{n}, type: set_variable, variables: {{done_{n}: "{{{{steps.again_{n} not empty}}}}"}}}}
    - name: talk_{n}
      type: claude_session
      session_config: {{session_name: chapter_{n}, persist: true}}
      timeout_seconds: {tokens}
      retry: {{max_retries: {digit}, backoff: exponential, delay_seconds: 1}}
      prompt: [{{type: static, content: "{prompt}"}}, {{type: previous_response, step: draft_{n}, extract: text}}]
    - name: save_{n}
      type: file_ops
      operation: write
      path: "out/{{{{date}}}}/chapter_{n}.md"
      content: "# {{{{state.topic_{n}}}}}\\n\\n{{{{steps.talk_{n}.text}}}}\\n"
    - name: end_{n}
      type: test_echo
      continue_on_error: true
      value: {{verdict: "{{{{steps.verdict_{n}.matched_case}}}}", files: "{{{{length(steps.rows_{n}.rows)}}}}"}}
    - name: keep_{n}
      type: checkpoint
      checkpoint_name: chapter_{n}
      state: {{round: "{{{{state.round}}}}", verdict: "{{{{steps.end_{n}.verdict}}}}"}}
"""


def yaml_text(steps: int, *, seed: int = 2026) -> str:
    """A melody of `steps` steps, those inside others counted as well; rounded up to whole chapters."""
    source = random.Random(seed)
    chapters = -(-steps // STEPS_PER_CHAPTER)
    lines = [
        "workflow:\n  name: mixed\n  description: Many chapters of everything.\n  variables: {round: 1}\n  defaults: {claude_preset: analysis}\n  steps:\n"
    ]
    lines.extend(_chapter(number, source) for number in range(chapters))
    return "".join(lines)


def _chapter(number: int, source: random.Random) -> str:
    return _CHAPTER.format(
        n=number,
        topic=source.choice(_WORDS),
        limit=source.randint(10, 90),
        tokens=source.randint(256, 8000),
        digit=source.randint(2, 9),
        prompt=" ".join(source.choices(_WORDS, k=source.randint(20, 60))),
    )
