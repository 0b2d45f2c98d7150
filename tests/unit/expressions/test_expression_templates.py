"""Templates, conditions and sources: the shapes in which expressions stand in a document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pytest

from apps.melodies.definition.expressions import (
    References,
    Scope,
    compile_condition,
    compile_expression,
    compile_source,
    compile_template,
    to_text,
)

SCOPE = Scope(
    steps={
        "data": {"items": [1, 2], "orders": {"gold": [{"id": 1}]}, "score": 8, "done": True},
        "wrapped": {"result": {"list": ["x"]}},
        "my step": {"list": [3]},
    },
    state={"n": 5, "name": "Ada", "f": 2.0, "none": None, "map": {"a": [1, "ä"]}, "yes": True},
    inputs={"limit": 3},
    loop={"file": {"lines": ["l"]}, "index": 0},
)


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        ("{{state.n}}", 5),
        ("{{ state.n + 1 }}", 6),
        (" {{state.n}}", " 5"),
        ("{{state.map}}", {"a": [1, "ä"]}),
        ("{{state.none}}", None),
        ("{{state.yes}}", True),
        ("n={{state.n}}, {{state.name}}!", "n=5, Ada!"),
        ("{{state.n}}{{state.n}}", "55"),
        ("<{{state.map}}>", '<{"a":[1,"ä"]}>'),
        ("<{{state.none}}|{{state.yes}}|{{state.f}}|{{nobody.x}}>", "<|true|2.0|>"),
        ("{{ {a: state.n} }}", {"a": 5}),
        ("{{'{{'}} and {{'}}'}}", "{{ and }}"),
        ("a } b }} c { d", "a } b }} c { d"),
        ("{{ 'quo}}ted' }}-", "quo}}ted-"),
        ("$HOME ${not.one} ${ {single}", "$HOME ${not.one} ${ {single}"),
        ({"{{state.n}}": ["{{state.n}}", {"x": "v{{state.n}}"}], "k": 1}, {"{{state.n}}": [5, {"x": "v5"}], "k": 1}),
        ("old: {{previous_response:data.score}}", "old: 8"),
        ("{{state.name}} has {{state.n > 3 ? 'many' : 'few'}}", "Ada has many"),
    ],
)
def test_render(value: Any, rendered: Any) -> None:
    assert compile_template(value).render(SCOPE) == rendered


def test_dates_render_as_iso_8601() -> None:
    whole = compile_template("{{now()}}").render(SCOPE)
    inside = compile_template({"a": ["{{ {at: now(), other: [now()]} }}"]}).render(SCOPE)
    assert datetime.fromisoformat(whole).tzinfo is not None
    assert datetime.fromisoformat(inside["a"][0]["other"][0]).tzinfo is not None
    assert compile_template("on {{date('2024-02-01')}}").render(SCOPE) == "on 2024-02-01T00:00:00+00:00"


@pytest.mark.parametrize("value", ["plain", "", 5, None, True, [1, {"a": ["}}", "{"]}], {"deep": {"er": []}}])
def test_a_value_without_templates_is_the_same_object(value: Any) -> None:
    template = compile_template(value)
    assert template.render(SCOPE) is value
    assert template.references == References()


def test_parts_without_templates_are_shared_not_copied() -> None:
    value = {"big": {"list": [1, 2]}, "x": "{{state.n}}"}
    assert compile_template(value).render(SCOPE)["big"] is value["big"]


class Lazy(Mapping[str, Any]):
    """A mapping that computes its values, like results that are loaded on demand."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.asked: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.asked.append(key)
        if key not in self.names:
            raise KeyError(key)
        return {"name": key}

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def test_only_what_is_read_is_loaded() -> None:
    steps = Lazy(["a", "b"])
    assert compile_template("{{steps.a.name}} {{steps.c.name}}").render(Scope(steps=steps)) == "a "
    assert set(steps.asked) == {"a", "c"}


def test_any_mapping_is_a_map() -> None:
    scope = Scope(state={"m": MappingProxyType({"a": 1})})
    assert compile_expression("state.m.a == 1 and length(state.m) == 1").evaluate(scope) is True
    assert json.loads(compile_template("-{{state.m}}").render(scope)[1:]) == {"a": 1}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (None, True),
        (True, True),
        (False, False),
        ("true", True),
        ("data.done", True),
        ("steps.data.done", True),
        ("{{ steps.data.score >= 8 }}", True),
        ("data.score > 8", False),
        ("nobody.success", False),
        ("state.n", True),
        ([], True),
        (["data.done", "state.n == 5"], True),
        (["data.done", "state.n == 6"], False),
        ({"and": ["data.done", {"or": ["state.n == 6", "state.n == 5"]}]}, True),
        ({"or": []}, False),
        ({"not": "data.done"}, False),
        ({"not": ["data.done", "state.n == 6"]}, True),
        ({"not": {"and": ["data.done", {"not": None}]}}, True),
        ({"or": ["state.none", ["data.done", True]]}, True),
    ],
)
def test_conditions(condition: Any, *, holds: bool) -> None:
    assert compile_condition(condition).holds(SCOPE) is holds


def test_conditions_stop_early() -> None:
    assert compile_condition({"or": ["true", "'a' * 2"]}).holds(SCOPE) is True
    assert compile_condition({"and": ["false", "'a' * 2"]}).holds(SCOPE) is False


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("previous_response:data.items", [1, 2]),
        ("previous_response:data:items", [1, 2]),
        ("previous_response:data.orders.gold[0].id", 1),
        ("previous_response:wrapped.list", ["x"]),
        ("previous_response:my step.list", [3]),
        ("previous_response:data", SCOPE.steps["data"]),
        ("previous_response:nobody.items", None),
        ("file:lines", ["l"]),
        ("data:orders.gold", [{"id": 1}]),
        ("context:items", None),
        ("context:data.items", [1, 2]),
        ("context:results.data.items", [1, 2]),
        ("context:inputs.limit", 3),
        ("steps.data.items", [1, 2]),
        ("data", SCOPE.steps["data"]),
        ("file", {"lines": ["l"]}),
        ("loop.file.lines", ["l"]),
        ("map", {"a": [1, "ä"]}),
        ("{{state.map.a}}", [1, "ä"]),
        ("{{previous_response:data.items}}", [1, 2]),
        ("range(1, 3)", [1, 2, 3]),
        ("range(1, inputs.limit)", [1, 2, 3]),
        ("filter(steps.data.items, '@ > 1')", [2]),
        ("['a', 'b']", ["a", "b"]),
        (["a", "{{state.n}}"], ["a", 5]),
        ({"k": [1]}, {"k": [1]}),
    ],
)
def test_sources(source: Any, data: Any) -> None:
    assert compile_source(source).evaluate(SCOPE) == data


def names(*found: str) -> frozenset[str]:
    return frozenset(found)


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("1 + 2", References()),
        ("steps.a.x > steps.b.y[steps.c.z]", References(steps=names("a", "b", "c"))),
        ("steps['my step'].x", References(steps=names("my step"))),
        ("state.x.y + variables.z", References(variables=names("x", "z"))),
        ("x.y == my-step.z", References(bare=names("x", "my-step"))),
        ("inputs.a ? loop.i : @", References(inputs=names("a"), loop=True)),
        (
            "workflow.name + config.x + environment.mode + global_vars.g + step.name",
            References(namespaces=names("workflow", "config", "environment", "global_vars", "step")),
        ),
        ("state == inputs", References(namespaces=names("state", "inputs"))),
        ("previous_response:a.x", References(steps=names("a"))),
        (
            "any(a.list, 'score > state.x and steps.s.y')",
            References(bare=names("a"), maybe=names("score"), variables=names("x"), steps=names("s")),
        ),
        ("map(steps.a.list, item.x + record.y + @)", References(steps=names("a"))),
        ("item.x", References(bare=names("item"))),
        ("'{{state.a}} {{b}}'", References(variables=names("a"), bare=names("b"))),
        ("[{k: steps.a}, upper(x), -y, not z exists]", References(steps=names("a"), bare=names("x", "y", "z"))),
        ("a between b and c", References(bare=names("a", "b", "c"))),
    ],
)
def test_references(text: str, references: References) -> None:
    assert compile_expression(text).references == references
    assert compile_template(["{{" + text + "}}"]).references == references


@pytest.mark.parametrize(
    ("source", "references"),
    [
        ("previous_response:a:x.y", References(steps=names("a"))),
        ("context:results.a.y", References(steps=names("a"))),
        ("file:x", References(bare=names("file"))),
        (["{{state.a}}", {"k": "{{steps.b}}"}], References(variables=names("a"), steps=names("b"))),
    ],
)
def test_references_of_sources(source: Any, references: References) -> None:
    assert compile_source(source).references == references


def test_references_of_conditions_unite() -> None:
    condition = compile_condition({"and": ["a.x", {"not": "steps.b"}, {"or": ["state.c", "inputs.d", "loop.e"]}]})
    expected = References(steps=names("b"), variables=names("c"), bare=names("a"), inputs=names("d"), loop=True)
    assert condition.references == expected


def test_text_of_values() -> None:
    values = [None, True, 5, 2.5, "x", [1, {"a": None}]]
    assert [to_text(value) for value in values] == ["", "true", "5", "2.5", "x", '[1,{"a":null}]']
