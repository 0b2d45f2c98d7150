"""Properties over random documents and graphs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.melodies.definition import InvalidDocument, StepKind, load, parse, sha256
from apps.melodies.definition.cycles import entangled, find_cycles
from apps.melodies.definition.positions import locate
from apps.melodies.definition.problems import Spot

# What both notations can hold: no control characters, no lone surrogates, nothing YAML breaks lines at.
texts = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff\ufeff"), max_size=20
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)
documents = st.dictionaries(texts, values, max_size=5)
graphs = st.integers(1, 12).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, size - 1), max_size=3, unique=True), min_size=size, max_size=size)
)


class _Dumper(yaml.SafeDumper):
    """Leaves only plain words without quotes: PyYAML writes YAML 1.1, where `0E0` is text."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isalpha() else '"')


_Dumper.add_representer(str, _text)


def to_yaml(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, width=30)


@given(documents)
@settings(deadline=None)
def test_json_and_yaml_of_a_document_have_the_same_address(document: dict[str, Any]) -> None:
    as_json = parse(json.dumps(document, indent=1), media="json")
    as_yaml = parse(to_yaml(document), media="yaml")
    compact = parse(json.dumps(document, ensure_ascii=False), media="yaml")
    assert as_json.value == as_yaml.value == compact.value == document
    assert sha256(as_json.value) == sha256(as_yaml.value) == sha256(compact.value)
    assert [*as_json.problems, *as_yaml.problems, *compact.problems] == []


@given(documents)
@settings(deadline=None)
def test_every_place_is_found_in_both_notations(document: dict[str, Any]) -> None:
    pointers: dict[str, Any] = {}
    _collect(document, "", pointers)
    texts: dict[Any, str] = {
        "json": json.dumps(document, indent=1, ensure_ascii=False),
        "yaml": to_yaml(document),
    }
    for media, text in texts.items():
        lines = text.split("\n")
        places = locate(text, media, [Spot(pointer) for pointer in pointers])
        for spot, (line, column) in places.items():
            value = pointers[spot.pointer]
            rest = lines[line - 1][column - 1 :]
            if isinstance(value, bool) or value is None:
                assert rest.startswith(json.dumps(value))
            elif media == "json":
                assert rest.startswith(json.dumps(value, ensure_ascii=False)[:1])


def _collect(value: Any, pointer: str, found: dict[str, Any]) -> None:
    if pointer:
        found[pointer] = value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        _collect(member, f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", found)


@given(graphs)
@settings(deadline=None)
def test_a_circle_is_found_exactly_when_there_is_one(before: list[list[int]]) -> None:
    try:
        TopologicalSorter(dict(enumerate(before))).prepare()
        circular = False
    except CycleError:
        circular = True
    circles = find_cycles(before)
    assert bool(circles) == circular == bool(entangled(before))
    for circle in circles:
        for earlier, later in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert earlier in before[later]
        assert len(set(circle)) == len(circle)
    members = [set(circle) for circle in circles]
    assert all(not (one & other) for place, one in enumerate(members) for other in members[:place])


@given(graphs)
@settings(deadline=None)
def test_documents_with_circles_are_refused(kinds: Mapping[str, StepKind], before: list[list[int]]) -> None:
    steps = [
        {"name": f"s{node}", "type": "echo", "depends_on": [f"s{other}" for other in others if other != node]}
        for node, others in enumerate(before)
    ]
    clean = {node: [other for other in others if other != node] for node, others in enumerate(before)}
    try:
        order = list(TopologicalSorter(clean).static_order())
    except CycleError:
        order = []
    text = json.dumps({"workflow": {"name": "w", "steps": steps}})
    if not order:
        with pytest.raises(InvalidDocument) as caught:
            load(text, kinds)
        assert {problem.code for problem in caught.value.problems} == {"cycle"}
    else:
        definition = load(text, kinds)
        assert [[edge.step for edge in step.edges] for step in definition.steps] == [
            [f"s{other}" for other in clean[node]] for node in range(len(before))
        ]
