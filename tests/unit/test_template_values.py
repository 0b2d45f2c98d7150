"""What is filled in when a template becomes a melody."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.melodies.template_values import MOST_NAMES, TYPES, fill, problems_of_specs, specs_of, type_of

DOCUMENT: dict[str, Any] = {
    "workflow": {
        "name": "review",
        "inputs": {"root": "The folder.", "since": "The revision."},
        "global_vars": {"depth": 2},
        "variables": {"rules": "Be kind.", "ratio": 0.5, "strict": True, "names": [], "extra": {}, "open": None},
        "steps": [],
    }
}
SPECS: dict[str, Any] = {
    "variables": {
        "title": {"type": "string", "description": "What the report is called."},
        "depth": {"type": "integer"},
        "tone": {"type": "string", "default": "plain"},
        "note": {"type": "any", "required": False},
    },
    "inputs": {"root": {"type": "string"}, "since": {"type": "string", "default": "main"}},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def codes(problems: list[dict[str, Any]]) -> dict[str, str]:
    return {problem["pointer"]: problem["code"] for problem in problems}


def test_a_document_says_what_can_be_filled_in() -> None:
    assert specs_of(DOCUMENT) == {
        "variables": {
            "depth": {"type": "integer"},
            "rules": {"type": "string"},
            "ratio": {"type": "number"},
            "strict": {"type": "boolean"},
            "names": {"type": "array"},
            "extra": {"type": "object"},
            "open": {"type": "any"},
        },
        "inputs": {
            "root": {"type": "any", "required": False, "description": "The folder."},
            "since": {"type": "any", "required": False, "description": "The revision."},
        },
    }
    assert problems_of_specs(specs_of(DOCUMENT)) == []


def test_what_is_given_goes_before_defaults_and_those_before_the_document() -> None:
    filled = fill(
        SPECS, DOCUMENT, {"variables": {"title": "Report", "rules": "Be strict."}, "inputs": {"root": "/src"}}
    )
    assert filled.problems == []
    assert filled.variables == {"title": "Report", "rules": "Be strict.", "tone": "plain"}
    assert filled.inputs == {"root": "/src", "since": "main"}


def test_all_that_is_missing_or_wrong_is_named_at_once() -> None:
    given_values = {"variables": {"tone": 3, "depht": 1}, "inputs": {"sinse": "main"}, "steps": {}}
    problems = fill(SPECS, DOCUMENT, given_values).problems
    assert codes(problems) == {
        "/steps": "unknown_section",
        "/variables/tone": "wrong_type",
        "/variables/depht": "unknown_name",
        "/variables/title": "missing",
        "/inputs/sinse": "unknown_name",
        "/inputs/root": "missing",
    }
    assert {problem["pointer"]: problem.get("suggestion") for problem in problems}["/variables/depht"] == "depth"
    assert "What the report is called." in next(each["message"] for each in problems if each["code"] == "missing")


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ({"variables": {}}, {}),
        ([], {"": "not_an_object"}),
        ({"variabels": {}}, {"/variabels": "unknown_section"}),
        ({"inputs": []}, {"/inputs": "not_an_object"}),
        ({"inputs": {"a": 1}}, {"/inputs/a": "not_an_object"}),
        ({"inputs": {"a": {}}}, {"/inputs/a/type": "unknown_type"}),
        ({"inputs": {"a/b": {"type": "text"}}}, {"/inputs/a~1b/type": "unknown_type"}),
        ({"inputs": {"": {"type": "any"}}}, {"/inputs/": "invalid_name"}),
        ({"inputs": {"a": {"type": "string", "default": 1}}}, {"/inputs/a/default": "wrong_type"}),
        ({"inputs": {"a": {"type": "integer", "default": True}}}, {"/inputs/a/default": "wrong_type"}),
        ({"inputs": {"a": {"type": "any", "requird": True}}}, {"/inputs/a/requird": "unknown_field"}),
        ({"inputs": {"a": {"type": "any", "required": 1}}}, {"/inputs/a/required": "wrong_type"}),
        ({"inputs": {"a": {"type": "any", "description": 1}}}, {"/inputs/a/description": "invalid_description"}),
        ({"inputs": {str(n): {"type": "any"} for n in range(MOST_NAMES + 1)}}, {"/inputs": "too_many"}),
    ],
)
def test_what_is_wrong_with_default_values_is_said_where(specs: Any, expected: dict[str, str]) -> None:
    assert codes(problems_of_specs(specs)) == expected


@given(json_values)
def test_a_value_is_of_the_type_it_is_said_to_be(value: Any) -> None:
    assert TYPES[type_of(value)](value)
    specs = {"variables": {"it": {"type": type_of(value)}}}
    filled = fill(specs, DOCUMENT, {"variables": {"it": value}})
    assert (filled.problems, filled.variables) == ([], {"it": value})


@given(
    st.dictionaries(
        st.sampled_from(["variables", "inputs", "other"]), json_values | st.dictionaries(st.text(), json_values)
    )
)
def test_whatever_is_given_is_answered(values: dict[str, Any]) -> None:
    filled = fill(SPECS, DOCUMENT, values)
    assert all(problem["pointer"].startswith("/") and problem["message"] for problem in filled.problems)


@given(json_values)
def test_whatever_default_values_are_sent_is_answered(specs: Any) -> None:
    assert isinstance(problems_of_specs(specs), list)
