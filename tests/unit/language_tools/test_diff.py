"""What is different between two documents; and that it is all that is different."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.melodies.definition import StepKind, known_kinds, sha256
from apps.melodies.definition.diff import apply, diff
from apps.melodies.definition.diff.text import unified
from apps.melodies.definition.diff.told import bump_of, sentences, summary_of
from apps.melodies.definition.diff.values import changed, changes, same
from apps.melodies.definition.rows_text import as_yaml

from .test_rows import _is_valid, document, documents, echo, json_values

Kinds = Mapping[str, StepKind]
valid = documents().filter(_is_valid)
OPPOSITE = {"steps_added": "steps_removed", "connections_added": "connections_removed"}


# -- laws ----------------------------------------------------------------------------------------------------------
@settings(max_examples=150, deadline=None)
@given(before=json_values, after=json_values)
def test_changes_of_a_value_lead_from_one_to_the_other(before: Any, after: Any) -> None:
    assert same(changed(before, changes(before, after)), after)
    assert list(changes(before, copy.deepcopy(before))) == []


@settings(max_examples=150, deadline=None)
@given(before=st.lists(st.integers(0, 2), max_size=6), after=st.lists(st.integers(0, 2), max_size=6))
def test_changes_of_a_list(before: list[int], after: list[int]) -> None:
    assert changed(before, changes(before, after)) == after


def swapped(counts: Mapping[str, int]) -> dict[str, int]:
    names = OPPOSITE | {other: one for one, other in OPPOSITE.items()}
    return {names.get(name, name): count for name, count in counts.items()}


@settings(max_examples=120, deadline=None)
@given(before=valid, after=valid)
def test_a_diff_is_a_patch_and_has_two_sides(before: dict[str, Any], after: dict[str, Any]) -> None:
    kinds = known_kinds()
    kept = copy.deepcopy((before, after))
    found = diff(before, after, kinds)
    assert sha256(apply(found, before, kinds)) == sha256(after)
    assert found.is_empty == (sha256(before) == sha256(after))
    back = diff(after, before, kinds)
    assert swapped(back.counts()) == found.counts()
    assert (before, after) == kept
    assert bool(list(sentences(found))) or not any(found.counts().values())


@settings(max_examples=40, deadline=None)
@given(written=valid)
def test_a_document_does_not_differ_from_itself(written: dict[str, Any]) -> None:
    kinds = known_kinds()
    found = diff(written, copy.deepcopy(written), kinds)
    assert found.is_empty
    assert not any(found.counts().values())
    assert list(sentences(found)) == []
    assert list(unified(written, written, kinds, ("a", "b"))) == []


@settings(max_examples=40, deadline=None)
@given(before=valid, after=valid)
def test_the_lines_of_a_diff_are_those_of_both(before: dict[str, Any], after: dict[str, Any]) -> None:
    kinds = known_kinds()
    one, other = as_yaml(before, kinds).splitlines(), as_yaml(after, kinds).splitlines()
    assert patched(one, list(unified(before, after, kinds, ("a", "b")))) == other


def patched(lines: list[str], told: list[str]) -> list[str]:
    """What `patch` would do."""
    made: list[str] = []
    place = 0
    for line in told[2:]:
        if line.startswith("@@"):
            start, length = line.split()[1].lstrip("-").split(",")
            begin = int(start) - (1 if int(length) else 0)
            made += lines[place:begin]
            place = begin
        elif line.startswith("+"):
            made.append(line[1:])
        else:
            assert lines[place] == line[1:]
            place += 1
            made += [line[1:]] if line.startswith(" ") else []
    return made + lines[place:]


# -- what people see -----------------------------------------------------------------------------------------------
def loop(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "type": "for_loop", "iterator": "i", "data_source": [1], "steps": list(steps)}


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    ("added", document(echo("a")), document(echo("a"), echo("b")), "minor", "Step `b` (test_echo) added."),
    ("removed", document(echo("a"), echo("b", value=1)), document(echo("a", value=2)), "major",
     "Step `b` (test_echo) removed. Step `a`: value added."),
    ("renamed", document(echo("a", value="x")), document(echo("b", value="x")), "major", "Step `a`: renamed to `b`."),
    ("changed", document(echo("a", value=1)), document(echo("a", value=2)), "patch", "Step `a`: value 1 is now 2."),
    ("within", document(echo("a", value={"p": [1, 2]})), document(echo("a", value={"p": [1, 3]})), "patch",
     "Step `a`: value changed."),
    ("switched off", document(echo("a")), document(echo("a", enabled=False)), "patch",
     "Step `a`: enabled true is now false."),
    ("retyped", document(echo("a")), document({"name": "a", "type": "checkpoint"}), "major",
     "Step `a`: type test_echo is now checkpoint."),
    ("moved", document(echo("a"), loop("l", echo("b"))), document(echo("a"), echo("b"), loop("l", echo("c"))), "major",
     "Step `c` (test_echo) added in `l`. Step `l › b`: moved out to the workflow's own steps."),
    ("reordered", document(echo("a"), echo("b"), echo("c")), document(echo("c"), echo("a"), echo("b")), "patch",
     "Step `c`: moved within its list."),
    ("edge", document(echo("a"), echo("b")), document(echo("a"), echo("b", depends_on=["a"])), "patch",
     "Edge `a` → `b` added."),
    ("input added", document(echo("a")), document(echo("a"), inputs={"who": "x"}), "minor", "Workflow: inputs added."),
    ("input removed", document(echo("a"), inputs={"who": "x", "b": "y"}), document(echo("a"), inputs={"b": "y"}), "major",
     "Workflow: inputs.who removed."),
    ("description", document(echo("a"), description="old"), document(echo("a"), description="new"), "patch",
     'Workflow: description "old" is now "new".'),
    ("a loop renamed with what is in it", document(loop("each", echo("x"))), document(loop("every", echo("x"))), "major",
     "Step `each`: renamed to `every`."),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "weight", "said"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_in_words(before: dict[str, Any], after: dict[str, Any], weight: str, said: str, kinds: Kinds) -> None:
    found = diff(before, after, kinds)
    assert (bump_of(found), summary_of(found, 2_000)) == (weight, said)
