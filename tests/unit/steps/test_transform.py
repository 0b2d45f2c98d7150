"""data_transform: every operation, by table."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from apps.melodies.definition import load_value
from apps.melodies.definition.expressions import Scope
from apps.melodies.definition.kinds import known_kinds
from workers.contract import StepContext, StepFailed

ORDERS: list[dict[str, Any]] = [
    {"id": 1, "user": 7, "total": 150, "status": "done", "tags": ["a", "b"]},
    {"id": 2, "user": 8, "total": 90, "status": "open", "tags": []},
    {"id": 3, "user": 7, "total": 200.5, "status": "done", "tags": ["b"]},
    {"id": 4, "user": 9, "total": None, "status": "done"},
]
USERS: list[dict[str, Any]] = [
    {"id": 7, "name": "Ada"},
    {"id": 8, "name": "Bob"},
    {"id": 8, "name": "B2"},
    {"id": 10, "name": "X"},
]


@pytest.fixture
def transform(run: Any, context: StepContext) -> Any:
    context.scope = Scope(steps={"orders": {"list": ORDERS}, "users": USERS}, inputs={"min": 100, "field": "total"})

    def call(source: Any, *operations: dict[str, Any]) -> Any:
        return run("data_transform", input_source=source, operations=list(operations), output_field="out")["out"]

    return call


def op(operation: str, **fields: Any) -> dict[str, Any]:
    return {"operation": operation, **{name.rstrip("_"): value for name, value in fields.items()}}


def ids(items: Any) -> list[int]:
    return [item["id"] for item in items]


@pytest.mark.parametrize(
    "source",
    [
        "steps.orders.list",
        "{{steps.orders.list}}",
        "previous_response:orders.list",
        "previous_response:orders:list",
        "orders.list",
        ORDERS,
    ],
)
def test_sources(transform: Any, source: Any) -> None:
    assert ids(transform(source)) == [1, 2, 3, 4]


@pytest.mark.parametrize("source", ["steps.nobody", "previous_response:orders.nothing", "{{inputs.nothing}}"])
def test_a_source_that_leads_nowhere(transform: Any, source: str) -> None:
    with pytest.raises(StepFailed, match="leads to nothing") as caught:
        transform(source)
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("status == 'done'", [1, 3, 4]),
        ("total > 100", [1, 3]),
        ("item.total > 100", [1, 3]),
        ("record.total > inputs.min", [1, 3]),
        ("total > {{inputs.min}}", [1, 3]),
        ("status == 'done' and total > 180", [3]),
        ({"or": ["id == 1", {"not": "status == 'done'"}]}, [1, 2]),
        ("tags contains 'b'", [1, 3]),
        ("total", [1, 2, 3]),
        ("total between 90 and 150", [1, 2]),
        ("tags.length == 2", [1]),
    ],
)
def test_filter(transform: Any, condition: Any, expected: list[int]) -> None:
    assert ids(transform(ORDERS, op("filter", condition=condition))) == expected
    assert ids(transform(ORDERS, op("filter", field="total", condition=condition))) == expected


@pytest.mark.parametrize(
    ("data", "operation", "expected"),
    [
        ([1, 5, 9], op("filter", condition="value > 4"), [5, 9]),
        ([1, 5, 9], op("filter", condition="item > 4"), [5, 9]),
        ([1, 5, 9], op("filter", condition="@ > 4"), [5, 9]),
        (ORDERS, op("filter", field="total", condition="value > 100"), [ORDERS[0], ORDERS[2]]),
        ({"n": 3}, op("filter", condition="n == 3"), {"n": 3}),
        ({"n": 3}, op("filter", condition="n == 4"), None),
        ({"l": [1, 2], "k": 0}, op("filter", field="l", condition="item == 2"), {"l": [2], "k": 0}),
        ({"l": [1, 2]}, op("filter", field="l", condition="item == 2", as_="m"), {"l": [1, 2], "m": [2]}),
        ([1, 2], op("filter", condition="item == 2", as_="m"), {"m": [2]}),
        ({"a": {"l": [1, 2], "x": 1}}, op("filter", field="a.l", condition="item == 1"), {"a": {"l": [1], "x": 1}}),
    ],
)
def test_filter_of_other_shapes(transform: Any, data: Any, operation: Any, expected: Any) -> None:
    assert transform(data, operation) == expected


def test_loop_names_do_not_hide_the_item(transform: Any, context: StepContext) -> None:
    context.scope.loop = {"item": 100, "value": 100, "index": 0}
    assert transform([1, 5], op("filter", condition="item > 4")) == [5]
    assert transform([1, 5], op("filter", condition="value > 4")) == [5]
    assert transform([1, 5], op("filter", condition="loop.index == 0 and item == 1")) == [1]


@pytest.mark.parametrize(
    ("data", "operation", "expected"),
    [
        ([{"p": 1}, {"p": 9}], op("map", field="p", mapping={"1": "high"}), [{"p": "high"}, {"p": 9}]),
        ([{"p": None}], op("map", field="p", mapping={"null": 0}), [{"p": 0}]),
        ([{"a": 1}], op("map", mapping={"b": 2}), [{"a": 1, "b": 2}]),
        ([{"a": 1}], op("map", mapping={"b": "{{item.a + 1}}", "c": "a={{item.a}}"}), [{"a": 1, "b": 2, "c": "a=1"}]),
        ([{"a": "x"}], op("map", field="a", expression="uppercase"), [{"a": "X"}]),
        ([{"a": "X"}, {"a": 1}], op("map", field="a", expression="lowercase"), [{"a": "x"}, {"a": 1}]),
        ([{"a": 2, "b": 3}], op("map", expression="item.a * item.b"), [6]),
        (
            [{"a": 2}],
            op("map", expression="{double: item.a * 2, kind: item.a > 1 ? 'big' : 'small'}"),
            [{"double": 4, "kind": "big"}],
        ),
        (
            [{"a": 2}],
            op("map", expression={"x": "record.a", "y": {"z": "a + 1"}, "c": 7}),
            [{"x": 2, "y": {"z": 3}, "c": 7}],
        ),
        ([{"a": 2}], op("map", field="a", expression="value + 1"), [{"a": 3}]),
        ([{"a": 2}], op("map", field="b", expression="a + 1"), [{"a": 2, "b": 3}]),
        (
            {"x": [1], "y": [1, 2]},
            op("map", expression="{k: key, n: length(value)}"),
            [{"k": "x", "n": 1}, {"k": "y", "n": 2}],
        ),
        ({"l": [{"a": 1}]}, op("map", field="l", expression="item.a"), {"l": [1]}),
        ({"a": "x"}, op("map", field="a", expression="uppercase"), {"a": "X"}),
        ({"a": 1}, op("map", mapping={"b": 2}), {"a": 1, "b": 2}),
        ([1, 2], op("map", expression="item + 1"), [2, 3]),
    ],
)
def test_map(transform: Any, data: Any, operation: Any, expected: Any) -> None:
    assert transform(data, operation) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("sum", 440.5),
        ("average", 440.5 / 3),
        ("count", 3),
        ("max", 200.5),
        ("min", 90),
        ("first", 150),
        ("last", 200.5),
        ("unique", [150, 90, 200.5]),
        ("count_distinct", 3),
        ("std_dev", pytest.approx(45.16, abs=0.1)),
        ("variance", pytest.approx(2039.4, abs=1)),
    ],
)
def test_aggregate(transform: Any, function: str, expected: Any) -> None:
    assert transform(ORDERS, op("aggregate", field="total", function=function)) == expected


@pytest.mark.parametrize(
    ("data", "operation", "expected"),
    [
        ([], op("aggregate", field="x"), 0),
        ([], op("aggregate", field="x", function="average"), 0),
        ([], op("aggregate", field="x", function="max"), None),
        ([{"x": "a"}, {"x": True}, {"x": 2}], op("aggregate", field="x"), 2),
        ([1, 2, 3], op("aggregate"), 6),
        ([1, 1, None], op("aggregate", function="count"), 2),
        (ORDERS, op("aggregate", function="count", group_by="status"), {"done": 3, "open": 1}),
        (
            ORDERS,
            op("aggregate", value_field="total", group_by="user", as_="sums"),
            {"sums": {"7": 350.5, "8": 90, "9": 0}},
        ),
        ({"orders": ORDERS}, op("aggregate", field="orders", value_field="id", as_="n"), {"orders": ORDERS, "n": 10}),
        (
            [{"x": 1}, {"x": "1"}, {"x": True}, {"x": 1.0}],
            op("aggregate", field="x", function="unique"),
            [1, "1", True],
        ),
    ],
)
def test_aggregate_of_other_shapes(transform: Any, data: Any, operation: Any, expected: Any) -> None:
    assert transform(data, operation) == expected


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("left", ["Ada", "Bob", "Ada", None]),
        ("inner", ["Ada", "Bob", "Ada"]),
        ("right", ["Ada", "Bob", "Ada", "X"]),
        ("outer", ["Ada", "Bob", "Ada", None, "X"]),
    ],
)
@pytest.mark.parametrize("right", ["steps.users", "previous_response:users", "{{steps.users}}", "users", USERS])
def test_join(transform: Any, kind: str, names: list[Any], right: Any) -> None:
    joined = transform(ORDERS, op("join", left_field="user", right_source=right, join_key="id", join_type=kind))
    assert [item.get("name") for item in joined] == names
    assert joined[0] == {**ORDERS[0], **USERS[0]}


def test_join_inside_a_map_and_without_keys(transform: Any) -> None:
    joined = transform(
        {"o": [{"id": 7}, {"x": 1}, 5]}, op("join", field="o", right_source=USERS, join_key="id", as_="j")
    )
    assert joined["j"] == [{"id": 7, "name": "Ada"}, {"x": 1}, 5]
    assert transform([{"id": "7"}], op("join", right_source=USERS, join_key="id", join_type="inner")) == []
    with pytest.raises(StepFailed, match="right_source is map"):
        transform(ORDERS, op("join", right_source={"a": 1}, join_key="id"))


@pytest.mark.parametrize(
    ("data", "operation", "expected"),
    [
        ([{"k": 1}, {"k": 2}, {"k": "1"}], op("group_by", field="k"), {"1": [{"k": 1}, {"k": "1"}], "2": [{"k": 2}]}),
        ([{"k": True}, {}], op("group_by", key="k"), {"true": [{"k": True}], "null": [{}]}),
        (7, op("group_by", field="k"), {"default": 7}),
        (
            ORDERS,
            op("group_by", key="status", aggregate={"sum": "sum(total)", "n": "count()", "ids": "unique(id)"}),
            {"done": {"sum": 350.5, "n": 3, "ids": [1, 3, 4]}, "open": {"sum": 90, "n": 1, "ids": [2]}},
        ),
        ({"o": [{"k": 1}]}, op("group_by", field="o", key="k", as_="g"), {"o": [{"k": 1}], "g": {"1": [{"k": 1}]}}),
    ],
)
def test_group_by(transform: Any, data: Any, operation: Any, expected: Any) -> None:
    assert transform(data, operation) == expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (op("sort", field="total"), [2, 1, 3, 4]),
        (op("sort", field="total", order="desc"), [3, 1, 2, 4]),
        (op("sort", by="status,total"), [1, 3, 4, 2]),
        (op("sort", by="status, id", order="desc"), [2, 4, 3, 1]),
        (op("sort", by="{{inputs.field}}"), [2, 1, 3, 4]),
        (op("sort", by="nothing"), [1, 2, 3, 4]),
    ],
)
def test_sort(transform: Any, operation: Any, expected: list[int]) -> None:
    assert ids(transform(ORDERS, operation)) == expected


def test_sort_of_other_shapes(transform: Any) -> None:
    assert transform([3, "a", None, True, 1], op("sort")) == [True, 1, 3, "a", None]
    assert transform({"a": 1}, op("sort", field="a")) == {"a": 1}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", {"a": [{"n": 1, "x-y": 5}, {"n": 2, "in": {"n": 3}}], "b": {"n": 4}}),
        ("$.b.n", 4),
        ("b.n", 4),
        ("$.nothing.n", None),
        ("$.a[0].n", 1),
        ("$.a[-1].n", 2),
        ("$.a[9]", None),
        ("$.a[*].n", [1, 2]),
        ("$..n", [1, 2, 3, 4]),
        ("$.a..n", [1, 2, 3]),
        ("$.b.*", [4]),
        ("$.a[0:1].n", [1]),
        ("$['b']['n']", 4),
        ('$["a"][0]["x-y"]', 5),
        ("$.a[0].x-y", 5),
        ("$.a[?(@.n > 1)].n", [2]),
        ("$.a[?(n > 1)].n", [2]),
        ("$..[0].n", [1]),
    ],
)
def test_extract(transform: Any, path: str, expected: Any) -> None:
    data = {"a": [{"n": 1, "x-y": 5}, {"n": 2, "in": {"n": 3}}], "b": {"n": 4}}
    assert transform(data, op("extract", path=path)) == expected
    assert transform(data, op("extract", path=path, as_="got"))["got"] == expected


@pytest.mark.parametrize("path", ["$.", "$.a[", "$.a[x]", "$.a[?(]", "$..", "$" + ".a" * 400])
def test_bad_paths(transform: Any, path: str) -> None:
    with pytest.raises(StepFailed, match=r"operations\.0"):
        transform({"a": [1]}, op("extract", path=path))


@pytest.mark.parametrize(
    ("data", "operation", "expected"),
    [
        ([1, 2, 1, "1", True, 1.0], op("unique"), [1, 2, "1", True]),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}], op("unique"), [{"a": 1, "b": 2}, {"a": 1}]),
        (ORDERS, op("unique", by="status"), ORDERS[:2]),
        ({"l": [1, 1]}, op("unique", field="l"), {"l": [1]}),
        (7, op("unique"), 7),
        ([1, [2, [3]], []], op("flatten"), [1, 2, [3]]),
        ([1, [2, [3, [4]]]], op("flatten", depth=20), [1, 2, 3, 4]),
        ({"l": [[1], [2]]}, op("flatten", field="l", as_="f"), {"l": [[1], [2]], "f": [1, 2]}),
    ],
)
def test_unique_and_flatten(transform: Any, data: Any, operation: Any, expected: Any) -> None:
    assert transform(data, operation) == expected


def test_operations_follow_one_another_and_change_nothing_they_were_given(transform: Any) -> None:
    before = repr(ORDERS)
    outcome = transform(
        "steps.orders.list",
        op("filter", condition="status == 'done'"),
        op("join", left_field="user", right_source="steps.users", join_key="id"),
        op("sort", field="total", order="desc"),
        op("map", expression="{who: name, much: total}"),
    )
    assert outcome == [{"who": "Ada", "much": 200.5}, {"who": "Ada", "much": 150}, {"who": None, "much": None}]
    assert repr(ORDERS) == before


@pytest.mark.parametrize(
    ("output_format", "data", "expected"),
    [
        ("json", [1], [1]),
        ("string", [1, "ä"], '[1, "ä"]'),
        ("string", "x", "x"),
        ("count", [1, 2], 2),
        ("count", {"a": 1}, 1),
        ("count", 5, 1),
        ("jsonl", [{"a": 1}, 2], '{"a": 1}\n2\n'),
    ],
)
def test_output_formats(run: Any, output_format: str, data: Any, expected: Any) -> None:
    result = run(
        "data_transform",
        input_source=[data] if isinstance(data, str | int) else data,
        output_format=output_format,
        operations=[op("extract", path="$[0]")] if isinstance(data, str | int) else [],
    )
    assert result["it"] == expected
    assert result["metadata"]["operation_count"] == (1 if isinstance(data, str | int) else 0)
    assert set(result["metadata"]) == {"operation_count", "input_type", "output_type", "processed_at"}


def test_markdown_table(run: Any) -> None:
    rows = [{"name": "a|b *x* __init__.py my_name", "n": 1}, {"name": "<script>\nalert()", "n": 2.5, "more": [1]}]
    table = run("data_transform", input_source=rows, output_format="markdown", options={"title": "T"})
    assert table.splitlines() == [
        "### T",
        "",
        "| name | n | more |",
        "| --- | ---: | --- |",
        r"| a\|b \*x\* \_\_init\_\_.py my_name | 1 |  |",
        r"| &lt;script&gt; alert() | 2.5 | \[1\] |",
    ]
    only = run(
        "data_transform", input_source=rows, output_format="markdown", options={"columns": ["n"]}, output_field="t"
    )
    assert only["t"].splitlines()[0] == "| n |"


def test_svg_bars(run: Any) -> None:
    rows = [{"p": '<img src="x">&', "n": 10}, {"p": "b\0", "n": 0}, {"p": "c", "n": -3}]
    svg = run("data_transform", input_source=rows, output_format="svg_bars", options={"title": "A & B", "width": 400})
    root = ET.fromstring(svg)
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["A & B", '<img src="x">&', "10", "b\ufffd", "0", "c", "-3"]
    assert {node.tag.rpartition("}")[2] for node in root.iter()} == {"svg", "title", "rect", "text"}


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ([1], {}),
        ([], {}),
        ([{"a": "x"}], {}),
        ([{"a": "x", "b": None}], {"label": "a", "value": "b"}),
        ([{"a": 1}] * 201, {}),
    ],
)
def test_charts_that_cannot_be_drawn(run: Any, rows: Any, options: Any) -> None:
    with pytest.raises(StepFailed):
        run("data_transform", input_source=rows, output_format="svg_bars", options=options)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (op("filtre"), "filtre"),
        (op("filter"), "condition"),
        (op("filter", condition="a ==", colour=1), "colour"),
        (op("map"), "`mapping` or `expression`"),
        (op("group_by"), "needs `key`"),
        (op("aggregate", function="median"), "function"),
        (op("sort", order="up"), "order"),
    ],
)
def test_bad_operations_are_named(transform: Any, operation: Any, message: str) -> None:
    with pytest.raises(StepFailed, match=message):
        transform([1], operation)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (op("filter", condition="a =="), "operations.1.filter.condition: A value or a name is missing"),
        (op("filter", condition={"nand": []}), "operations.1.filter.condition: This map has the keys"),
        (op("map", expression="nonsense(1)"), "operations.1.map.expression: There is no function 'nonsense'"),
        (op("map", expression={"x": ["a +"]}), "operations.1.map.expression: A value or a name"),
        (op("map", expression="uppercase"), "operation 2: `uppercase` needs `field`"),
        (op("map", expression="name / 2"), "operation 2: map: Cannot divide a text"),
        (op("group_by", key="a", aggregate={"x": "median(a)"}), "operations.1.group_by.aggregate.x: 'median"),
        (op("group_by", key="a", aggregate={"x": "{{'nothing'}}"}), "operations.1.group_by.aggregate.x: 'nothing'"),
    ],
)
def test_errors_say_which_operation(transform: Any, operation: Any, message: str) -> None:
    with pytest.raises(StepFailed, match=message):
        transform([{"a": 1, "name": "x"}], op("unique"), operation)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("status == done", [1, 3, 4]),
        ("status != done", [2]),
        ("tags contains a", [1]),
        ("status == wanted", [1, 3, 4]),
        ("status == nobody", []),
        ("total == null", [4]),
        ("id == user", []),
        ("status == 'done' and total > 160", [3]),
    ],
)
def test_older_conditions_with_bare_words(
    transform: Any, context: StepContext, condition: str, expected: list[int]
) -> None:
    context.scope.state = {"wanted": "done"}
    assert ids(transform("orders.list", op("filter", condition=condition))) == expected


def test_the_field_of_a_filter_is_the_value(transform: Any) -> None:
    assert ids(transform("orders.list", op("filter", field="total", condition="value > 100"))) == [1, 3]


@pytest.mark.parametrize("rows", [999, 1001, 5000])
def test_size_changes_nothing(transform: Any, rows: int) -> None:
    """Some engines treat more than 1000 items by other rules."""
    data = [{"n": number, "even": number % 2 == 0, "name": f"r{number % 7}"} for number in range(rows)]
    kept = transform(data, op("filter", condition="even == true"), op("sort", field="n", order="desc"))
    assert [row["n"] for row in kept] == sorted((n for n in range(rows) if n % 2 == 0), reverse=True)
    mapped = transform(data, op("map", field="name", expression="uppercase"), op("unique", by="name"))
    assert [row["name"] for row in mapped] == [f"R{number}" for number in range(7)]
    assert transform(data, op("aggregate", field="n", function="sum")) == rows * (rows - 1) // 2


def test_operations_may_read_other_steps(transform: Any) -> None:
    kept = transform("orders.list", op("filter", condition="total > inputs.min and user in map(steps.users, 'id')"))
    assert ids(kept) == [1, 3]


def test_the_steps_that_operations_read_are_known_before() -> None:
    document = {
        "workflow": {
            "name": "reads",
            "mode": "dag",
            "steps": [
                {"name": "limit", "type": "test_echo", "value": 3},
                {"name": "extra", "type": "test_echo", "value": {"y": 1}},
                {"name": "tag", "type": "test_echo", "value": "t"},
                {
                    "name": "work",
                    "type": "data_transform",
                    "input_source": [{"n": 5}],
                    "operations": [
                        op("filter", condition={"and": ["n > steps.limit", "n < 9"]}),
                        op("map", expression={"x": ["steps.extra.y", 3]}),
                        op("map", mapping={"z": "{{steps.tag}}"}),
                    ],
                },
            ],
        }
    }
    (work,) = (step for step in load_value(document, known_kinds()).steps if step.name == "work")
    assert {read.name for read in work.reads} == {"limit", "extra", "tag"}


@pytest.mark.parametrize(("output_format", "text"), [("json", '[\n  {\n    "a": 1\n  }\n]\n'), ("jsonl", '{"a": 1}\n')])
def test_output_file(run: Any, context: StepContext, workspace: Path, output_format: str, text: str) -> None:
    result = run("data_transform", input_source=[{"a": 1}], output_format=output_format, output_file="out/rows.json")
    assert set(result) == {"it", "metadata"}
    assert (workspace / "out/rows.json").read_text() == text
    assert [(kept.name, kept.data.decode()) for kept in context.files] == [("out/rows.json", text)]


@pytest.mark.parametrize("lazy", [True, {"enabled": True}, {"enabled": "{{inputs.min > 1}}"}])
def test_fields_without_effect_are_accepted(run: Any, context: StepContext, lazy: Any) -> None:
    context.scope = Scope(inputs={"min": 3})
    result = run("data_transform", input_source=[2, 1], lazy=lazy, stream_mode=True, chunk_size=10)
    assert result["it"] == [2, 1]
    assert result["metadata"]["operation_count"] == 0
