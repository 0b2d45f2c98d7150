from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.melodies.definition import InvalidDocument, StepKind, known_kinds, load, parse
from apps.melodies.definition.migration import Migrated, NotMigratedError, find_changes, migrate

from .conftest import CORPUS, EXAMPLES

OLD = """\
# What this is.
workflow:
  name: old      # its name
  defaults: {claude_output_format: stream-json}
  steps:
  - name: find   # finds
    type: test_echo
    on_error: continue   # whatever happens
    value:   [1,2]

  # Once for each.
  - name: each
    type: for_loop
    iterator: file
    data_source: "previous_response:find.files"   # from above
    steps:
      - name: read
        type: test_echo
        value: "{{file.name}}, {{ file }}, 'file', {{any(list, 'file > 1')}}, {{x.file}}, {{files}}"
        retry:
          max_attempts: 3  # three
      - name: set
        type: set_variable
        variable: counter   # which
        value: "{{state.counter + 1}}"  # what
        description: Counts.
"""
NEW = """\
# What this is.
workflow:
  name: old      # its name
  defaults: {claude_output_format: stream_json}
  steps:
  - name: find   # finds
    type: test_echo
    continue_on_error: true # whatever happens
    value:   [1,2]

  # Once for each.
  - name: each
    type: for_loop
    iterator: file
    data_source: "steps.find.files"             # from above
    steps:
      - name: read
        type: test_echo
        value: "{{loop.file.name}}, {{ loop.file }}, 'file', {{any(list, 'file > 1')}}, {{x.file}}, {{files}}"
        retry:
          max_retries: 2 # three
      - name: set
        type: set_variable
        variables:        # which
          counter: "{{state.counter + 1}}" # what
        description: Counts.
"""


def test_old_forms_become_new_and_comments_stay(kinds: Mapping[str, StepKind]) -> None:
    migrated = migrate(OLD, kinds)
    assert migrated.text == NEW
    assert {change.pointer for change in migrated.changes} == {
        "/workflow/defaults/claude_output_format",
        "/workflow/steps/0/on_error",
        "/workflow/steps/1/data_source",
        "/workflow/steps/1/steps/0/value",
        "/workflow/steps/1/steps/0/retry/max_attempts",
        "/workflow/steps/1/steps/1/variable",
    }
    load(migrated.text, kinds)


@pytest.fixture
def step(kinds: Mapping[str, StepKind]) -> Callable[[str], dict[str, Any]]:
    """The second step of a document after migration, given as YAML; the first is called `find`."""

    def migrated(text: str) -> dict[str, Any]:
        document = f"workflow:\n  name: a\n  steps:\n    - {{name: find, type: test_echo}}\n    - {text}\n"
        found: dict[str, Any] = yaml.safe_load(migrate(document, kinds).text)["workflow"]["steps"][1]
        return found

    return migrated


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{name: a, type: test_echo, on_error: stop}", {"on_error": "stop"}),
        ("{name: a, type: test_echo, on_error: continue, continue_on_error: false}", {"on_error": "continue"}),
        ("{name: a, type: test_echo, max_attempts: 1}", {"max_retries": 0}),
        ("{name: a, type: test_echo, retry: {max_attempts: 2, max_retries: 1}}", {"retry": {"max_attempts": 2, "max_retries": 1}}),
        ("{name: a, type: set_variable, variable: x, value: 1}", {"variables": {"x": 1}}),
        ("{name: a, type: set_variable, variable: x}", {"variables": {"x": None}}),
        ("{name: a, type: set_variable, value: 1, description: d, variable: x}", {"variables": {"x": 1}, "description": "d"}),
        ("{name: a, type: test_echo, value: 'previous_response:find.x'}", {"value": "previous_response:find.x"}),
        ("{name: a, type: test_echo, value: 'see {{previous_response:find.x}}'}", {"value": "see {{steps.find.x}}"}),
        ("{name: a, type: data_transform, input_source: 'previous_response:find:x.y'}", {"input_source": "steps.find.x.y"}),
        ("{name: a, type: data_transform, input_source: 'previous_response:other'}", {"input_source": "previous_response:other"}),
        ("{name: a, type: claude, prompt: Go on., claude_options: {output_format: stream-json}}",
         {"prompt": "Go on.", "claude_options": {"output_format": "stream_json"}}),
    ],
)  # fmt: skip
def test_each_form(step: Callable[[str], dict[str, Any]], old: str, new: dict[str, Any]) -> None:
    assert step(old).items() >= new.items()


def test_a_value_of_several_lines_moves_as_it_is(kinds: Mapping[str, StepKind]) -> None:
    old = (
        "workflow:\n  name: a\n  steps:\n    - name: s\n      type: set_variable\n      variable: x\n      value: |\n"
        "        one\n\n        two\n      # after\n      scope: global\n"
    )
    new = migrate(old, kinds).text
    assert yaml.safe_load(new)["workflow"]["steps"][0]["variables"] == {"x": "one\n\ntwo\n"}
    assert "# after" in new


def test_json_stays_json(kinds: Mapping[str, StepKind]) -> None:
    old = json.dumps(
        {"workflow": {"name": "a", "steps": [{"name": "s", "type": "test_echo", "on_error": "continue"}]}}, indent=4
    )
    new = migrate(old, kinds).text
    assert new == old.replace('"on_error": "continue"', '"continue_on_error": true')


def test_the_key_around_everything(kinds: Mapping[str, StepKind]) -> None:
    old = "# mine\nname: a   # its name\nsteps:\n- name: s\n  type: test_echo\n  value: |\n    one\n\n     two\n"
    new = migrate(old, kinds).text
    assert new.startswith("# mine\nworkflow:\n  name: a   # its name\n")
    assert parse(new).value == {"workflow": parse(old).value}


def test_the_sections_version_2_recommends(kinds: Mapping[str, StepKind]) -> None:
    old = "workflow:\n  name: a  # mine\n  environment: {mode: test}\n  steps:\n    - {name: s, type: test_echo}\n"
    migrated = migrate(old, kinds, complete=True)
    workflow = yaml.safe_load(migrated.text)["workflow"]
    assert workflow["environment"] == {"mode": "test"}
    assert workflow["claude_auth"] == {"auto_check": True, "provider": "anthropic"}
    assert "# mine" in migrated.text
    assert migrate(migrated.text, kinds, complete=True) == Migrated(migrated.text, ())


@pytest.mark.parametrize("file", [*EXAMPLES, *CORPUS], ids=lambda file: "-".join(file.parts[-2:]))
def test_real_files(file: Path, kinds: Mapping[str, StepKind]) -> None:
    """Once is as good as twice, comments survive, and what was valid is valid."""
    source = file.read_bytes()
    try:
        migrated = migrate(source, kinds)
    except InvalidDocument:
        with pytest.raises(InvalidDocument):
            parse(source)
        return
    again = migrate(migrated.text, kinds)
    assert (again.text, again.changes) == (migrated.text, ())
    assert _comments(migrated.text) == _comments(source.decode())
    try:
        load(source, kinds)
    except InvalidDocument:
        return
    load(migrated.text, kinds)


def _comments(text: str) -> list[str]:
    return sorted(
        line.partition(" #")[2].strip() or line.strip() for line in text.splitlines() if line.strip().startswith("#")
    )


def test_an_alias_is_changed_where_its_anchor_is(kinds: Mapping[str, StepKind]) -> None:
    old = (
        "workflow:\n  name: a\n  steps:\n    - name: l\n      type: test_echo\n"
        "      on_error: &s [{name: x, type: test_echo, on_error: continue}]\n      compensate: *s\n"
    )
    assert migrate(old, kinds).text == old.replace("on_error: continue", "continue_on_error: true")


def test_merged_mappings_are_left_to_people(kinds: Mapping[str, StepKind]) -> None:
    old = "workflow:\n  name: a\n  steps:\n    - &one {name: a, type: test_echo, on_error: continue}\n    - {<<: *one, name: b}\n"
    with pytest.raises(NotMigratedError, match="<<"):
        migrate(old, kinds)
    current = old.replace("on_error: continue", "continue_on_error: true")
    assert migrate(current, kinds) == Migrated(current, ())


def test_what_is_not_a_document(kinds: Mapping[str, StepKind]) -> None:
    for text in ("", "a: [", b"\xff\xfe"):
        with pytest.raises(InvalidDocument):
            migrate(text, kinds)
    assert find_changes(["workflow"], kinds) == []
    assert migrate("a: 1\n", kinds) == Migrated("a: 1\n", ())


names = st.sampled_from(["a", "b", "file", "x"])
values = st.sampled_from(
    [
        "{{file}}",
        "{{ file.name }} {{x}}",
        "previous_response:a.b",
        "{{previous_response:a}}",
        "plain",
        "{{ {file: file} }}",
        "'file'",
    ]
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "value": values,
        "on_error": st.sampled_from(["continue", "stop"]),
        "retry": st.sampled_from([{"max_attempts": 2}, 3]),
        "max_attempts": st.integers(0, 3),
        "variable": names,
        "claude_options": st.just({"output_format": "stream-json"}),
        "data_source": values,
        "iterator": names,
    },
)
kinds_of_steps = st.sampled_from(["test_echo", "set_variable", "for_loop", "data_transform"])


def _steps(children: st.SearchStrategy[list[dict[str, Any]]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    step = st.builds(lambda name, kind, more, steps: {"name": name, "type": kind, **more, "steps": steps},
                     names, kinds_of_steps, fields, children)  # fmt: skip
    return st.lists(step, max_size=3)


documents = st.recursive(st.just([]), _steps, max_leaves=6).map(
    lambda steps: {"workflow": {"name": "a", "steps": steps}}
)


@settings(max_examples=150, deadline=None)
@given(document=documents, as_json=st.booleans(), flow=st.sampled_from([None, False]))
def test_twice_is_once(document: dict[str, Any], *, as_json: bool, flow: bool | None) -> None:
    text = json.dumps(document) if as_json else f"# top\n{yaml.safe_dump(document, default_flow_style=flow)}# end\n"
    once = migrate(text, known_kinds())
    twice = migrate(once.text, known_kinds())
    assert (twice.text, twice.changes) == (once.text, ())
    if not as_json:
        assert once.text.startswith("# top\n")
        assert "# end" in once.text
