"""What a document says its runs may cost. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

RunAction = Literal["stop", "pause", "continue"]
Measure = Literal["usd", "tokens", "calls", "task_usd"]

_ACTIONS: Final[Mapping[str, RunAction]] = {"abort": "stop", "stop": "stop", "pause": "pause", "continue": "continue"}


@dataclass(frozen=True, slots=True)
class Limit:
    """`name` as the author wrote it; `task_usd` measures all attempts at one task."""

    name: str
    measure: Measure
    amount: Decimal
    action: RunAction


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Limits of one run, None where there is none. Calls of the mock provider count, so that authors can try them.

    `action` is what happens when `max_usd_per_run` or `max_usd_per_step` would be exceeded; `max_usd`, `max_tokens` and
    `max_calls` always stop. `alert_usd` tells once per run that so much was spent.
    """

    max_usd: Decimal | None = None
    max_tokens: int | None = None
    max_calls: int | None = None
    max_usd_per_run: Decimal | None = None
    max_usd_per_step: Decimal | None = None
    action: RunAction = "stop"
    alert_usd: Decimal | None = None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> RunLimits:
        """From the workflow's fields. Raises ValueError, naming the field, for what is no amount."""
        resources, safety = _section(fields, "resource_limits"), _section(fields, "safety")
        environment = _section(fields, "environment")
        costs, alerts = _by_mode(environment, "cost_limits"), _by_mode(environment, "cost_alerts")
        ceilings = [
            amount
            for amount in (
                _amount(resources, "resource_limits", "max_cost_usd"),
                _amount(safety, "safety", "max_cost_usd"),
            )
            if amount is not None
        ]
        alerting = alerts.get("enabled", True) is not False
        return cls(
            max_usd=min(ceilings, default=None),
            max_tokens=_whole(resources, "resource_limits", "max_tokens_total"),
            max_calls=_whole(resources, "resource_limits", "max_api_calls"),
            max_usd_per_run=_amount(costs, "environment.cost_limits", "max_cost_per_run"),
            max_usd_per_step=_amount(costs, "environment.cost_limits", "max_cost_per_step"),
            action=_action(costs.get("action_on_exceed", "abort")),
            alert_usd=_amount(alerts, "environment.cost_alerts", "threshold_usd") if alerting else None,
        )

    def limits(self) -> Iterator[Limit]:
        wanted: tuple[tuple[str, Measure, Decimal | int | None, RunAction], ...] = (
            ("max_cost_usd", "usd", self.max_usd, "stop"),
            ("max_tokens_total", "tokens", self.max_tokens, "stop"),
            ("max_api_calls", "calls", self.max_calls, "stop"),
            ("max_cost_per_run", "usd", self.max_usd_per_run, self.action),
            ("max_cost_per_step", "task_usd", self.max_usd_per_step, self.action),
        )
        for name, measure, amount, action in wanted:
            if amount is not None:
                yield Limit(name, measure, Decimal(amount), action)


NO_LIMITS: Final = RunLimits()


def _section(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, Mapping) else {}


def _by_mode(environment: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of the environment, with what its section for the current mode says of it on top."""
    mode = environment.get("mode")
    own = _section(environment, mode) if isinstance(mode, str) else {}
    return {**_section(environment, name), **_section(own, name)}


def _amount(section: Mapping[str, Any], where: str, name: str) -> Decimal | None:
    value = section.get(name)
    if value is None:
        return None
    try:
        # By way of text: the float 0.1 is meant as 0.1.
        amount = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{where}.{name} must be a number that is not negative, not {str(value)[:50]!r}.")
    return amount


def _whole(section: Mapping[str, Any], where: str, name: str) -> int | None:
    amount = _amount(section, where, name)
    return None if amount is None else int(amount)


def _action(value: Any) -> RunAction:
    if value not in _ACTIONS:
        raise ValueError(
            f"environment.cost_limits.action_on_exceed must be pause, continue or abort, not {str(value)[:50]!r}."
        )
    return _ACTIONS[value]
