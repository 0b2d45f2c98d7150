"""What calls cost: the table that is shipped, and the rules by which any table is read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from workers.models import prices
from workers.models.prices import PriceTableError
from workers.models.request import Message, ModelRequest, Tool, Usage

TODAY = date(2026, 11, 20)
TABLE = """
version: 1
defaults: {max_output_tokens: 1000}
unknown: {anthropic: {input: 15, output: 75}, gemini: {input: 4, output: 18}}
aliases:
  anthropic: {big: [{valid_from: 2026-06-01, model: claude-b}, {valid_from: 2026-01-01, model: claude-a}]}
  gemini: {g-latest: [{valid_from: 2026-01-01, model: g-one, sent: false}]}
models:
  anthropic:
    claude-a: {cheaper: claude-b, sampling: true, prices: [{valid_from: 2026-01-01, input: 4, output: 20}]}
    claude-b:
      prices:
        - {valid_from: 2026-06-01, input: 1, output: 2, cache_read: 0.5, cache_write: 3}
        - {valid_from: 2026-01-01, input: 10, output: 20}
  gemini:
    g-one: {prices: [{valid_from: 2026-01-01, input: 1, output: 2, above: {tokens: 100, input: 10, output: 20}}]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(TABLE)
    return path


def cost(path: Path, provider: str, model: str, usage: Usage, on: date = TODAY) -> Decimal:
    return prices.table(path).cost_of(provider, model, usage, on=on)


def test_tokens_by_what_they_cost(file: Path) -> None:
    million = 1_000_000
    assert cost(file, "anthropic", "claude-a", Usage(million, million)) == 24
    assert cost(file, "anthropic", "claude-a", Usage(0, 0, million, million)) == Decimal("0.4") + 5
    assert cost(file, "anthropic", "claude-b", Usage(0, 0, million, million)) == Decimal("3.5")
    assert cost(file, "anthropic", "claude-a", Usage()) == 0
    assert cost(file, "gemini", "g-one", Usage(output_tokens=1)) == Decimal("0.000002")


def test_prices_hold_from_their_day_on(file: Path) -> None:
    usage = Usage(1_000_000)
    assert cost(file, "anthropic", "claude-b", usage, date(2026, 5, 31)) == 10
    assert cost(file, "anthropic", "claude-b", usage, date(2026, 6, 1)) == 1
    assert cost(file, "anthropic", "claude-b", usage, date(2020, 1, 1)) == 10


def test_long_prompts_cost_more_as_a_whole(file: Path) -> None:
    assert cost(file, "gemini", "g-one", Usage(100, 0)) == Decimal("0.0001")
    assert cost(file, "gemini", "g-one", Usage(50, 1, 51)) == Decimal("0.00057100")


def test_aliases_by_day(file: Path) -> None:
    table = prices.table(file)
    assert table.id_of("anthropic", "big", on=date(2026, 3, 1)) == "claude-a"
    assert table.id_of("anthropic", "big", on=TODAY) == "claude-b"
    assert table.id_of("anthropic", "claude-zzz", on=TODAY) == "claude-zzz"
    assert table.id_of("gemini", "g-latest", on=TODAY) == "g-latest"
    assert table.model("gemini", "g-latest", on=TODAY).id == "g-one"


@pytest.mark.parametrize("name", ["claude-a-20260101", "claude-a-preview", "claude-a-preview-06-17", "claude-a-latest"])
def test_versions_of_a_model_cost_what_it_costs(file: Path, name: str) -> None:
    model = prices.table(file).model("anthropic", name, on=TODAY)
    assert (model.id, model.known) == ("claude-a", True)


@pytest.mark.parametrize("name", ["claude-a-2", "claude-a-mini", "claude", "gpt", "g-one", ""])
def test_what_is_not_known_is_dear(file: Path, name: str) -> None:
    model = prices.table(file).model("anthropic", name, on=TODAY)
    assert not model.known
    assert cost(file, "anthropic", name, Usage(1_000_000, 1_000_000)) == 90


def test_estimates_are_never_below_the_bill(file: Path) -> None:
    table = prices.table(file)
    request = ModelRequest(
        "anthropic", "claude-a", (Message("user", "x" * 401),), system="y" * 400, tools=(Tool("t"),), cache_prompt=True
    )
    usage, usd = table.estimate(request, on=TODAY)
    assert usage.output_tokens == 1000
    assert usage.input_tokens > 200
    assert usd == cost(file, "anthropic", "claude-a", Usage(0, 1000, 0, usage.input_tokens))
    foreign = ModelRequest("anthropic", "claude-a", (Message("user", "世界" * 50),), max_output_tokens=1)
    assert table.estimate(foreign, on=TODAY)[0] == Usage(100, 1)
    short = ModelRequest("anthropic", "claude-a", (Message("user", "x"),), max_output_tokens=5)
    assert table.estimate(short, on=TODAY)[0] == Usage(1, 5)


def test_the_cheaper_one(file: Path) -> None:
    table = prices.table(file)
    assert table.cheaper_than("anthropic", "claude-a", on=TODAY) == "claude-b"
    assert table.cheaper_than("anthropic", "claude-b", on=TODAY) is None
    assert table.cheaper_than("anthropic", "unheard-of", on=TODAY) is None


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("input: 4, output: 20", "input: -4, output: 20", "no amount of money"),
        ("input: 4, output: 20", "input: 4", "output"),
        ("cheaper: claude-b", "cheaper: claude-c", "claude-c"),
        ("valid_from: 2026-01-01, input: 4", "valid_from: soon, input: 4", "soon"),
        ("gemini: {input: 4, output: 18}", "openai: {input: 4, output: 18}", "gemini"),
        ("version: 1", "version: [", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(file: Path, before: str, after: str, says: str) -> None:
    assert before in TABLE
    file.write_text(TABLE.replace(before, after))
    with pytest.raises(PriceTableError, match=says):
        prices.table(file)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PriceTableError, match="absent"):
        prices.table(tmp_path / "absent.yaml")


def test_the_shipped_table() -> None:
    table = prices.table()
    for name in ("sonnet", "opus", "haiku"):
        model = table.model("anthropic", name, on=TODAY)
        assert model.known
        assert model.id.startswith(f"claude-{name}")
    for name in (
        "gemini-2.5-flash",
        "gemini-2.5-flash-lite-preview-06-17",
        "gemini-2.5-pro",
        "gemini-flash-lite-latest",
    ):
        assert table.model("gemini", name, on=TODAY).known
    for provider, name in table.models:
        seen = [name]
        while (cheaper := table.models[provider, seen[-1]].cheaper) is not None:
            assert cheaper not in seen
            seen.append(cheaper)
        first, last = (table.models[provider, one].price(TODAY, 0) for one in (seen[0], seen[-1]))
        assert last.input <= first.input
        assert table.unknown[provider].input >= first.input
        assert table.unknown[provider].output >= first.output
