"""Formats, post-processing, summaries and paths: what they make of texts and values."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from workers.contract import StepFailed
from workers.steps.content import condense, formats, operations
from workers.steps.content.forms import markdown, table, transformed
from workers.steps.content.paths import NotFound, follow, tokens_of
from workers.steps.models.structured import complaints, is_schema, parsed, schema_of, usable


def done(name: str, text: str, **manner: Any) -> str:
    made, applied, unknown = operations.processed(text, [name], operations.Manner(**manner))
    assert (applied, unknown) == ([name], [])
    return made.removeprefix(text)


@pytest.mark.parametrize(
    ("name", "text", "added"),
    [
        ("extract_code_blocks", "a\n```py\nx = 1\n```\n~~~\ny\n~~~\n```open", "```py\nx = 1\n```\n\n```\ny\n```"),
        ("extract_recommendations", "- We RECOMMEND a\nplain\nI suggest b", "- We RECOMMEND a\n- I suggest b"),
        ("extract_links", "(https://a.example/x), http://b.example. https://a.example/x", "- https://a.example/x\n- http://b.example"),
        ("extract_key_points", "- one\n* two\n1. three\n  - nested\n4 four", "- one\n- two\n- three"),
        ("generate_summary", "One. Two! Three? Four.", "One. Two! Three?"),
        ("extract_errors", "fine\nValueError: no\nThe build failed", "- The build failed"),
        ("extract_metrics", "It took 12 ms, 99.5% of 1,200 users paid $5.", "- 12 ms\n- 99.5%\n- 1,200 users\n- $5"),
        ("extract_dependencies", "import os\nfrom a.b import c\n- django==5.2\nuse Foo", "- os\n- a.b\n- django 5.2\n- Foo"),
        ("extract_entities", "We met Ada Lovelace in London. Then we left.", "- Ada Lovelace\n- London"),
    ],
)  # fmt: skip
def test_what_an_operation_finds(name: str, text: str, added: str) -> None:
    title, _, body = done(name, text).removeprefix("\n\n## ").partition("\n\n")
    assert title
    assert body == added


@pytest.mark.parametrize("name", sorted(operations.OPERATIONS))
def test_an_operation_that_finds_nothing_changes_nothing(name: str) -> None:
    text = "nothing to see" if name != "generate_summary" else ""
    assert operations.processed(text, [name])[0] == text


@pytest.mark.parametrize("name", sorted(operations.OPERATIONS))
@pytest.mark.parametrize(
    "text", ["- " * 99_000, "A" * 200_000, "Ab " * 70_000, "1." * 99_000, "```\n" * 50_000, "# " * 99_000]
)
def test_hostile_texts_take_linear_time(name: str, text: str) -> None:
    made, applied, _ = operations.processed(text, [name])
    assert applied == [name]
    assert len(made) <= 3 * len(text)


def test_manners_of_operations() -> None:
    text = "recommend a\nrecommend b"
    assert done("extract_recommendations", text, numbered=True, max_points=1).endswith("1. recommend a")
    manner = operations.manner_of({"recommendation_format": {"include_priority": True}, "max_points": 4})
    assert (manner.numbered, manner.max_points) == (True, 4)


def test_clean_markdown() -> None:
    text = "# A\ntext  \n\n\n\n## B\n```\n# not a heading\n\n\n```\n## C"
    assert done("format_markdown", text) == "# A\n\ntext\n\n## B\n\n```\n# not a heading\n\n\n```\n\n## C"


DOCUMENT = "# Top\nintro\n## Findings\n- a\n- b\n- c\n## Overview\nlong overview text\n### Deep\nx"


def test_formats() -> None:
    assert formats.formatted('{"a": 1}', "json") == '{"a": 1}'
    assert formats.formatted("x", "json") == '{"content": "x", "format": "json"}'
    assert formats.formatted("x", "structured") == "## Extracted content\n\nx"
    assert formats.formatted(DOCUMENT, "structured") == DOCUMENT
    assert formats.formatted("x", "markdown") == "# Content\n\nx"
    assert formats.formatted("a b c", "summary", formats.Style(max_summary_length=4)) == "a..."
    assert formats.formatted("x", "song") == "x"


def test_sections_levels_and_contents() -> None:
    style = formats.style_of(
        {
            "sections": ["overview", {"name": "Findings", "item_limit": 2}, "absent"],
            "heading_level": 3,
            "include_toc": True,
        }
    )
    assert formats.formatted(DOCUMENT, "structured", style) == (
        "- Overview\n  - Deep\n- Findings\n\n### Overview\nlong overview text\n#### Deep\nx\n\n### Findings\n- a\n- b"
    )
    points = formats.style_of({"summary_style": "bullet_points", "max_points": 2})
    assert formats.formatted("One. Two. Three.", "summary", points) == "- One.\n- Two."


@pytest.mark.parametrize("length", [1, 3, 10, 50])
def test_no_summary_is_longer_than_it_may_be(length: int) -> None:
    text = "First sentence here. Second one follows. " * 5
    for style in (None, "bullet_points"):
        assert len(condense.summary(text, length, style=style)) <= length
    assert 0 < len(condense.cut(text, length)) <= length


def test_tables_and_markdown() -> None:
    assert table([{"a": 1}, {"b": "x\ny"}]) == "| a | b |\n| --- | --- |\n| 1 |  |\n|  | x<br>y |"
    assert table({"a": 1, "b": None}) == "| field | value |\n| --- | --- |\n| a | 1 |\n| b |  |"
    assert table({"rows": [[1], "x"]}) == "| value |\n| --- |\n| [1] |\n| x |"
    assert markdown({"a": {"b": [{"c": 1}]}}) == "## a\n\n### b\n\n- c: 1"
    assert transformed("a,b\n1,2\n", "csv_to_json") == '[\n  {\n    "a": "1",\n    "b": "2"\n  }\n]'


def test_paths() -> None:
    value = {"a": [{"b": 1}, {"c": 2}], "m": {"x": {"b": 3}}}
    assert follow(value, tokens_of("a[*].b")) == [1, None]
    assert follow(value, tokens_of("m[*].b")) == [3]
    missing = follow(value, tokens_of("a[5].b"))
    assert isinstance(missing, NotFound)
    assert missing.key == "[5]"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"type": "object"}, True),
        ({"properties": {"a": {"type": "string"}}}, True),
        ({"type": ["string", "null"]}, True),
        ({"type": "array", "items": {"type": "string"}}, True),
        ({"type": "string", "name": "string"}, False),
        ({"items": "array"}, False),
        ({"pattern": "string", "format": "string"}, False),
        ({"name": "string"}, False),
        ({"type": "bug"}, False),
    ],
)
def test_schemas_and_outlines(written: dict[str, Any], *, expected: bool) -> None:
    assert is_schema(written) is expected
    assert complaints({}, schema_of(written)) is not None


def test_json_in_answers() -> None:
    assert parsed(' {"a": 1} ') == {"a": 1}
    assert parsed("```json\n[1]\n```") == [1]
    for text in ("3", '"x"', "{broken", "[" * 100_000, '{"a": NaN}', ""):
        assert parsed(text) is None


def test_a_schema_that_doubles_itself_is_not_begun_with() -> None:
    levels = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    schema = {"$ref": "#/$defs/a0", "$defs": levels | {"a40": {"type": "string"}}}
    with pytest.raises(StepFailed, match="cannot be used") as failed:
        complaints("x", schema)
    assert failed.value.code == "bad_params"
    with pytest.raises(PydanticCustomError, match="neither a JSON Schema nor an outline"):
        usable(schema)


def test_few_of_many_complaints_are_told() -> None:
    told = complaints([None] * 5000, {"type": "array", "items": {"type": "string"}})
    assert (len(told), told[-1]) == (6, "and 995 or more")
