"""Conversions between CSV, JSON, YAML and XML, and documents made to do harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.contract import StepFailed
from workers.steps.files.formats import CONVERSIONS, Style, convert
from workers.steps.files.xml_text import parse_xml, to_xml

ROWS = [{"id": "1", "name": 'Ada, "A"\nL'}, {"id": "2", "name": "Bob & <b>"}]
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufffe\uffff"), max_size=8
)
NAMES = st.text("abcXYZ_", min_size=1, max_size=5)


def test_every_pair_of_formats_there_and_back() -> None:
    data = json.dumps(ROWS).encode()
    assert len(CONVERSIONS) == 12
    for name in ("csv", "yaml"):
        there = convert(data, f"json_to_{name}", Style())
        assert json.loads(convert(there, f"{name}_to_json", Style())) == ROWS
    there = convert(data, "json_to_xml", Style())
    assert json.loads(convert(there, "xml_to_json", Style())) == {"root": {"item": ROWS}}


@pytest.mark.parametrize(
    ("conversion", "style", "source", "expected"),
    [
        ("csv_to_json", Style(indent=None), "a;b\n1;2\n", [{"a;b": "1;2"}]),
        ("csv_to_json", Style(delimiter=";"), "a;b\n1;\n\n3;4\n", [{"a": "1", "b": ""}, {"a": "3", "b": "4"}]),
        ("csv_to_json", Style(headers=False), "1,2\n3,4\n", [["1", "2"], ["3", "4"]]),
        ("csv_to_json", Style(headers=["x", "y"]), "1,2\n", [{"x": "1", "y": "2"}]),
        ("csv_to_json", Style(), "\ufeffa\n1\n", [{"a": "1"}]),
        ("csv_to_json", Style(), "", []),
        (
            "yaml_to_json",
            Style(),
            "a: 2020-01-31\n1: yes\nb: [1, 2.5, null]\n",
            {"a": "2020-01-31", "1": True, "b": [1, 2.5, None]},
        ),
        (
            "xml_to_json",
            Style(),
            "<a x='1'><b>t</b><b/><c>1<d/>2</c></a>",
            {"a": {"@x": "1", "b": ["t", None], "c": {"d": None, "#text": "12"}}},
        ),
    ],
)
def test_reading(conversion: str, style: Style, source: str, expected: Any) -> None:
    assert json.loads(convert(source.encode(), conversion, style)) == expected


@pytest.mark.parametrize(
    ("conversion", "source", "expected"),
    [
        ("json_to_csv", '[{"a": 1}, {"b": [true, null], "a": null}]', 'a,b\n1,\n,"[true, null]"\n'),
        ("json_to_csv", "[[1, 2], [3]]", "1,2\n3\n"),
        ("json_to_csv", '{"a": 1}', "a\n1\n"),
        ("json_to_yaml", '{"b": "ä", "a": [1]}', "b: ä\na:\n- 1\n"),
    ],
)
def test_writing(conversion: str, source: str, expected: str) -> None:
    assert convert(source.encode(), conversion, Style()).decode() == expected


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>'


@pytest.mark.parametrize(
    ("conversion", "source"),
    [
        ("xml_to_json", BOMB),
        ("xml_to_json", OUTSIDE),
        ("xml_to_json", '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>'),
        ("xml_to_json", "<a>" * 5000 + "</a>" * 5000),
        ("xml_to_json", "<a><b></a>"),
        ("xml_to_json", "<a>&undefined;</a>"),
        ("xml_to_json", ""),
        ("yaml_to_json", "a: &x [1]\nb: [*x, *x]\n"),
        ("yaml_to_json", "!!python/object/apply:os.system ['true']"),
        ("yaml_to_json", "a: !!binary aGVsbG8="),
        ("yaml_to_json", "[" * 3000),
        ("yaml_to_json", "a: .nan"),
        ("json_to_csv", "[1, 2]"),
        ("json_to_csv", '"x"'),
        ("json_to_yaml", "[" * 100_000),
        ("json_to_xml", '{"a": "\\u0001"}'),
        ("json_to_xml", "[" * 300 + "]" * 300),
        ("csv_to_json", 'a\n"open'),
        ("csv_to_json", "a\n1,2\n"),
        ("json_to_yaml", "\x00"),
    ],
)
def test_documents_made_to_do_harm(conversion: str, source: str) -> None:
    with pytest.raises(StepFailed) as caught:
        convert(source.encode(), conversion, Style())
    assert caught.value.code == "conversion_failed"


def test_bytes_that_are_no_text() -> None:
    for conversion in CONVERSIONS:
        with pytest.raises(StepFailed):
            convert(b"\xff\xfe\xfa<", conversion, Style())


@pytest.mark.parametrize(
    ("name", "written"), [("First Name", "First_Name"), ("1a", "_1a"), ("", "_"), ("a>b<", "a_b_"), ("ä", "ä")]
)
def test_names_that_xml_does_not_allow(name: str, written: str) -> None:
    assert list(parse_xml(to_xml({"root": {name: "x"}}).encode())["root"]) == [written]


@given(
    st.recursive(TEXT.map(str.strip), lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=8)
)
def test_xml_there_and_back(data: Any) -> None:
    def settled(value: Any) -> Any:
        return {key: settled(item) for key, item in value.items()} if isinstance(value, dict) else value or None

    assert parse_xml(to_xml({"root": data}).encode()) == {"root": settled(data)}


@given(st.lists(st.fixed_dictionaries({"a": TEXT.filter(bool), "b": TEXT}), min_size=1, max_size=5))
def test_csv_there_and_back(rows: list[dict[str, str]]) -> None:
    there = convert(json.dumps(rows).encode(), "json_to_csv", Style())
    assert json.loads(convert(there, "csv_to_json", Style())) == rows


def test_convert_in_the_workspace(run: Any, workspace: Path) -> None:
    (workspace / "in.csv").write_text("a\n1\n")
    result = run("file_ops", operation="convert", source="in.csv", destination="out/x.json", format="csv_to_json")
    assert result == {
        "operation": "convert",
        "source": "in.csv",
        "destination": "out/x.json",
        "format": "csv_to_json",
        "status": "completed",
    }
    assert json.loads((workspace / "out/x.json").read_text()) == [{"a": "1"}]
