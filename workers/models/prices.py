"""What a call costs: the price table read, and asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from workers.models.request import ModelRequest, Usage

DEFAULT_FILE = Path(__file__).with_name("prices.yaml")
_MILLION = Decimal(1_000_000)
_PLACES = Decimal("0.00000001")
_CHARACTERS_PER_TOKEN = 4
_CACHE_READ = Decimal("0.1")
_CACHE_WRITE = {"anthropic": Decimal("1.25")}


class PriceTableError(ValueError):
    """The price table cannot be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_read: Decimal


@dataclass(frozen=True, slots=True)
class Dated:
    """What holds from a day on."""

    valid_from: date
    price: Price
    above_tokens: int | None = None
    above: Price | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """What the table knows of one model; `known` is False for one it does not hold."""

    id: str
    prices: tuple[Dated, ...]
    cheaper: str | None = None
    sampling: bool = False
    known: bool = True

    def price(self, on: date, prompt_tokens: int) -> Price:
        """Before the first date of the table its first price holds."""
        current = next((dated for dated in reversed(self.prices) if dated.valid_from <= on), self.prices[0])
        if current.above is not None and current.above_tokens is not None and prompt_tokens > current.above_tokens:
            return current.above
        return current.price


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a model from a day on; `sent` is False where the provider itself is told the alias."""

    valid_from: date
    model: str
    sent: bool


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The table of one file. `model` and `alias` keys are (provider, name)."""

    models: Mapping[tuple[str, str], Model]
    aliases: Mapping[tuple[str, str], tuple[Alias, ...]]
    unknown: Mapping[str, Price]
    max_output_tokens: int

    def id_of(self, provider: str, name: str, *, on: date) -> str:
        """What the provider is to be asked for."""
        alias = self._alias(provider, name, on)
        return alias.model if alias is not None and alias.sent else name

    def model(self, provider: str, name: str, *, on: date) -> Model:
        """What is known of a model or alias. An id with a date, a version or the word preview at its end is that of the
        model it begins with; whatever is not known costs the table's `unknown` price."""
        alias = self._alias(provider, name, on)
        name = name if alias is None else alias.model
        found = self.models.get((provider, name)) or self._versioned(provider, name)
        return found or Model(name, (Dated(date.min, self.unknown[provider]),), known=False)

    def cost_of(self, provider: str, model: str, usage: Usage, *, on: date) -> Decimal:
        """What these tokens cost, in US dollars, rounded up to the hundred-millionth."""
        prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        price = self.model(provider, model, on=on).price(on, prompt)
        total = (
            usage.input_tokens * price.input
            + usage.output_tokens * price.output
            + usage.cache_read_tokens * price.cache_read
            + usage.cache_write_tokens * price.cache_write
        )
        return (total / _MILLION).quantize(_PLACES, rounding=ROUND_UP)

    def estimate(self, request: ModelRequest, *, on: date) -> tuple[Usage, Decimal]:
        """What a call may use at most, and cost: the whole of the allowed output, everything at the dearest rate."""
        usage = Usage(input_tokens=tokens_of(request), output_tokens=self.output_limit(request))
        cost = self.cost_of(request.provider, request.model, usage, on=on)
        if request.cache_prompt:
            written = Usage(cache_write_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
            cost = max(cost, self.cost_of(request.provider, request.model, written, on=on))
        return usage, cost

    def output_limit(self, request: ModelRequest) -> int:
        return request.max_output_tokens or self.max_output_tokens

    def cheaper_than(self, provider: str, model: str, *, on: date) -> str | None:
        """The model to take instead where money is short; None for the cheapest, and for unknown ones."""
        return self.model(provider, model, on=on).cheaper

    def _alias(self, provider: str, name: str, on: date) -> Alias | None:
        dated = self.aliases.get((provider, name), ())
        return next((alias for alias in reversed(dated) if alias.valid_from <= on), dated[0] if dated else None)

    def _versioned(self, provider: str, name: str) -> Model | None:
        parts = name.split("-")
        for length in range(len(parts) - 1, 1, -1):
            rest = parts[length:]
            if not all((part.isdigit() and len(part) > 1) or part in {"preview", "latest", "exp"} for part in rest):
                return None
            found = self.models.get((provider, "-".join(parts[:length])))
            if found is not None:
                return found
        return None


def tokens_of(request: ModelRequest) -> int:
    """How long the prompt is at most: a token for four characters of ASCII, or for one of another script. Tools and
    schemas count."""
    texts = [request.system, *(message.content for message in request.messages)]
    texts += [f"{tool.name}{tool.description}{tool.parameters}" for tool in request.tools]
    if request.output_schema is not None:
        texts.append(str(request.output_schema))
    whole = sum(map(len, texts))
    plain = sum(len(text.encode("ascii", "ignore")) for text in texts)
    return -(-plain // _CHARACTERS_PER_TOKEN) + whole - plain


@lru_cache(maxsize=4)
def table(path: Path = DEFAULT_FILE) -> PriceTable:
    """The table of a file, read once per process. Raises PriceTableError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _table(document)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PriceTableError(f"The price table {path} cannot be read: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise PriceTableError(f"The price table {path} is not as it must be: {error!r}") from error


def _table(document: Any) -> PriceTable:
    models = {
        (provider, name): _model(provider, name, entry)
        for provider, entries in document["models"].items()
        for name, entry in entries.items()
    }
    aliases = {
        (provider, name): tuple(
            sorted(
                (Alias(_day(one["valid_from"]), one["model"], one.get("sent", True)) for one in dated),
                key=lambda alias: alias.valid_from,
            )
        )
        for provider, entries in document.get("aliases", {}).items()
        for name, dated in entries.items()
    }
    unknown = {provider: _price(provider, entry) for provider, entry in document["unknown"].items()}
    if not {"anthropic", "gemini"} <= set(unknown):
        raise ValueError("`unknown` needs a price for anthropic and one for gemini")
    for (provider, name), model in models.items():
        if model.cheaper is not None and (provider, model.cheaper) not in models:
            raise ValueError(f"{name} names {model.cheaper} as the cheaper one, which stands nowhere")
    return PriceTable(models, aliases, unknown, int(document.get("defaults", {}).get("max_output_tokens", 8192)))


def _model(provider: str, name: str, entry: Mapping[str, Any]) -> Model:
    prices: Sequence[Mapping[str, Any]] = entry["prices"]
    dated = tuple(sorted((_dated(provider, price) for price in prices), key=lambda one: one.valid_from))
    if not dated:
        raise ValueError(f"{name} has no price")
    return Model(name, dated, entry.get("cheaper"), bool(entry.get("sampling", False)))


def _dated(provider: str, entry: Mapping[str, Any]) -> Dated:
    above = entry.get("above")
    return Dated(
        _day(entry["valid_from"]),
        _price(provider, entry),
        None if above is None else int(above["tokens"]),
        None if above is None else _price(provider, above),
    )


def _day(value: Any) -> date:
    if not isinstance(value, date):
        raise ValueError(f"valid_from is {value!r}, not a date such as 2026-01-31")  # noqa: TRY004 - one error type
    return value


def _price(provider: str, entry: Mapping[str, Any]) -> Price:
    numbers = {
        key: Decimal(str(entry[key])) for key in ("input", "output", "cache_write", "cache_read") if key in entry
    }
    if any(number < 0 or not number.is_finite() for number in numbers.values()):
        raise ValueError(f"a price is no amount of money: {dict(entry)}")
    base = numbers["input"]
    return Price(
        base,
        numbers["output"],
        numbers.get("cache_write", base * _CACHE_WRITE.get(provider, Decimal(1))),
        numbers.get("cache_read", base * _CACHE_READ),
    )
