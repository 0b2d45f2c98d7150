"""Source text to values: YAML 1.2 scalars, JSON, and everything a hostile author may try."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from apps.melodies.definition import InvalidDocument, Limits, Problem, parse


def broken(source: str | bytes, **options: Any) -> list[Problem]:
    """The problems of a text, whether it could be read to the end or not."""
    try:
        problems = list(parse(source, **options).problems)
    except InvalidDocument as error:
        problems = error.problems
    assert problems, "the text was accepted"
    return problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("Null", None),
        ("2024-01-31", "2024-01-31"),
        ("12:30:45", "12:30:45"),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("-12", -12),
        ("+3", 3),
        ("1_000", "1_000"),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!int '7'", 7),
        ("!!float 7", 7),
        ("=", "="),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = parse(f"a: {text}").value["a"]
    assert found == value
    assert type(found) is type(value)


def test_keys_become_text_as_json_writes_it() -> None:
    document = parse("{1: a, 0x10: b, true: c, null: d, 1.50: e, on: f, '': g}")
    assert document.value == {"1": "a", "16": "b", "true": "c", "null": "d", "1.5": "e", "on": "f", "": "g"}


def test_block_scalars_and_comments() -> None:
    assert parse("a: |\n  x\n  y\nb: >-\n  x\n  y  # z\n").value == {"a": "x\ny\n", "b": "x y  # z"}


def test_anchors_and_merge_keys() -> None:
    text = "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {y: 4, <<: [*b, {z: 5, x: 9}]}\nagain: *b\n"
    value = parse(text).value
    assert value["one"] == {"x": 1, "y": 3}
    assert value["two"] == {"x": 1, "y": 4, "z": 5}
    assert value["again"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate_key", 3, 1),
        ("x:\n  1: a\n  '1': b\n", "duplicate_key", 3, 3),
        ("a: !!python/object/apply:os.system [ls]\n", "refused_tag", 1, 4),
        ("a: !secret x\n", "refused_tag", 1, 4),
        ("a: !!set {x}\n", "refused_tag", 1, 4),
        ("a: !!timestamp 2024-01-01\n", "refused_tag", 1, 4),
        ("a: !!int x\n", "invalid_tag", 1, 4),
        ("a: .inf\n", "invalid_number", 1, 4),
        ("a: -1e999\n", "invalid_number", 1, 4),
        ("a: 1" + "0" * 2000, "invalid_number", 1, 4),
        ('a: "x\\0y"\n', "invalid_character", 1, 4),
        ("a: *nobody\n", "unknown_alias", 1, 4),
        ("a: &a\n  b: *a\n", "cyclic_alias", 2, 6),
        ("a: &a [1, *a]\n", "cyclic_alias", 1, 11),
        ("a: 1\n---\nb: 2\n", "several_documents", 2, 1),
        ("a: {<<: 1}\n", "invalid_merge", 1, 9),
        ("a: {{ name }}\n", "invalid_key", 1, 5),
        ("? [a]\n: b\n", "invalid_key", 1, 3),
        ("", "empty_document", 1, 1),
        ("# nothing\n", "empty_document", 1, 1),
        ("a: x\0y", "invalid_character", 1, 5),
        ("a: \x07", "invalid_character", 1, 4),
        ("a: \ud800", "invalid_character", 1, 4),
        ("a:\n\t- b\n", "syntax", 2, 1),
        ("a: b: c\n", "syntax", 1, 5),
        ("a: [1, 2\nb: 3\n", "syntax", 2, 2),
        ("a: 'x\n", "syntax", 2, 1),
        ("a: @x\n", "syntax", 1, 4),
        ("a: 1\n  b: 2\n", "syntax", 2, 4),
    ],
)
def test_what_yaml_may_not_say(text: str, code: str, line: int, column: int) -> None:
    problem = broken(text)[0]
    assert (problem.code, problem.line, problem.column) == (code, line, column), problem.message


def test_helpful_sentences() -> None:
    assert "tab" in broken("a:\n\t- b\n")[0].message
    assert "in quotes" in broken("a: {{ name }}\n")[0].message
    assert "line 1" in broken("a: 'x\n")[0].message
    assert "`@`" in broken("a: @x\n")[0].message


@pytest.mark.parametrize(
    ("source", "code", "line", "column"),
    [
        (b"a: \xff", "encoding", 1, 4),
        (b"a: 1\nb: caf\xe9\n", "encoding", 2, 7),
        ("a: 1".encode("utf-16"), "encoding", 1, 1),
    ],
)
def test_other_encodings_are_named(source: bytes, code: str, line: int, column: int) -> None:
    problem = broken(source)[0]
    assert (problem.code, problem.line, problem.column) == (code, line, column)


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse("\ufeffa: 1".encode()).value == {"a": 1}


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ('{"a": 1, "a": 2}', "duplicate_key", 1, 10),
        ('{"x": [{"b": 1},\n {"b": 1, "c": {"d": 1, "d": 2}}]}', "duplicate_key", 2, 25),
        ('{"a": NaN}', "invalid_number", None, None),
        ('{"a": 1e999}', "invalid_number", None, None),
        ('{"a": ' + "1" * 5000 + "}", "invalid_number", None, None),
        ('{"a": "\\u0000"}', "invalid_character", None, None),
        ('{"a": "\\ud800"}', "invalid_character", None, None),
        ('{"a": 1,}', "syntax", 1, 9),
        ('{"a": 1\n "b": 2}', "syntax", 2, 2),
        ('{"a": "x', "syntax", 1, 7),
        ('{"a": 1} x', "syntax", 1, 10),
    ],
)
def test_what_json_may_not_say(text: str, code: str, line: int | None, column: int | None) -> None:
    for media in ("json", None):
        problem = broken(text, media=media)[0]
        assert (problem.code, problem.line, problem.column) == (code, line, column), problem.message


def test_duplicates_in_json_have_pointers() -> None:
    text = '{"x": [{"b": 1}, {"b": 1, "c": {"d": 1, "d": 2}}]}'
    assert [problem.pointer for problem in broken(text)] == ["/x/1/c/d"]


def test_braces_without_quotes_are_yaml() -> None:
    document = parse("{a: 1, b: [x, y]}")
    assert (document.media, document.value) == ("yaml", {"a": 1, "b": ["x", "y"]})
    assert parse('{"a": 1}').media == "json"


def test_a_billion_laughs_cost_nothing() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    started = time.process_time()
    assert broken("\n".join(lines))[0].code == "too_many_values"
    assert time.process_time() - started < 5


def test_aliases_of_long_texts_are_counted_by_length() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]\n"
    assert broken(text)[0].code == "too_many_values"


def test_merges_of_merges_are_counted() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(100)) + "}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 20)}]}}" for n in range(1, 8)]
    assert broken("\n".join(lines))[0].code == "too_many_values"


@pytest.mark.parametrize("media", ["yaml", "json"])
@pytest.mark.parametrize("depth", [101, 990, 100_000])
def test_deep_nesting_is_refused(media: Any, depth: int) -> None:
    assert broken("[" * depth + "]" * depth, media=media)[0].code == "too_deep"
    assert broken('{"a":' * depth + "1" + "}" * depth, media=media)[0].code == "too_deep"


def test_a_hundred_levels_are_fine() -> None:
    assert parse("[" * 100 + "]" * 100).value == json.loads("[" * 100 + "]" * 100)


def test_limits() -> None:
    assert broken("a: " + "x" * 100, limits=Limits(max_bytes=100))[0].code == "too_large"
    assert broken("a: " + "é" * 60, limits=Limits(max_bytes=100))[0].code == "too_large"
    assert broken("[1, 2, 3, 4]", limits=Limits(max_nodes=3))[0].code == "too_many_values"
    assert broken("a: [1, 2, 3, 4]", limits=Limits(max_nodes=3))[0].code == "too_many_values"


def test_a_huge_scalar_is_only_a_scalar() -> None:
    assert len(parse("a: |\n  " + "x" * 5_000_000).value["a"]) == 5_000_000
