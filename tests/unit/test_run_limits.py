"""What a document says its runs may cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.spending.limits import Limit, RunLimits


def test_a_document_without_limits() -> None:
    assert RunLimits.of({}) == RunLimits()
    assert list(RunLimits().limits()) == []
    assert RunLimits.of({"resource_limits": None, "safety": {}, "environment": {"mode": "production"}}) == RunLimits()


def test_all_there_is() -> None:
    limits = RunLimits.of(
        {
            "resource_limits": {"max_cost_usd": 5, "max_tokens_total": 10_000, "max_api_calls": 20},
            "safety": {"max_cost_usd": 0.1},
            "environment": {
                "cost_limits": {"max_cost_per_run": "2.50", "max_cost_per_step": 1, "action_on_exceed": "pause"},
                "cost_alerts": {"enabled": True, "threshold_usd": 0.05},
            },
        }
    )
    assert list(limits.limits()) == [
        Limit("max_cost_usd", "usd", Decimal("0.1"), "stop"),
        Limit("max_tokens_total", "tokens", Decimal(10_000), "stop"),
        Limit("max_api_calls", "calls", Decimal(20), "stop"),
        Limit("max_cost_per_run", "usd", Decimal("2.50"), "pause"),
        Limit("max_cost_per_step", "task_usd", Decimal(1), "pause"),
    ]
    assert limits.alert_usd == Decimal("0.05")


@pytest.mark.parametrize(("said", "meant"), [("abort", "stop"), ("pause", "pause"), ("continue", "continue")])
def test_what_happens_then(said: str, meant: str) -> None:
    costs = {"max_cost_per_run": 1, "action_on_exceed": said}
    assert RunLimits.of({"environment": {"cost_limits": costs}}).action == meant
    assert RunLimits.of({"environment": {"cost_limits": {"max_cost_per_run": 1}}}).action == "stop"


def test_the_mode_of_the_environment_says_more() -> None:
    environment = {
        "cost_limits": {"max_cost_per_run": 1, "max_cost_per_step": 1},
        "production": {"cost_limits": {"max_cost_per_run": 9}, "cost_alerts": {"threshold_usd": 7}},
    }
    here = RunLimits.of({"environment": {**environment, "mode": "production"}})
    elsewhere = RunLimits.of({"environment": {**environment, "mode": "development"}})
    assert (here.max_usd_per_run, here.max_usd_per_step, here.alert_usd) == (Decimal(9), Decimal(1), Decimal(7))
    assert (elsewhere.max_usd_per_run, elsewhere.alert_usd) == (Decimal(1), None)


def test_alerts_can_be_off() -> None:
    assert RunLimits.of({"environment": {"cost_alerts": {"enabled": False, "threshold_usd": 1}}}).alert_usd is None


def test_zero_is_a_limit() -> None:
    assert [limit.amount for limit in RunLimits.of({"resource_limits": {"max_api_calls": 0}}).limits()] == [Decimal(0)]


@pytest.mark.parametrize("bad", [-1, "much", True, float("nan"), float("inf"), [1], {}])
@pytest.mark.parametrize(
    ("section", "name"),
    [("resource_limits", "max_cost_usd"), ("safety", "max_cost_usd"), ("resource_limits", "max_api_calls")],
)
def test_what_is_no_amount_is_refused_by_name(section: str, name: str, bad: Any) -> None:
    with pytest.raises(ValueError, match=rf"{section}\.{name} must be a number"):
        RunLimits.of({section: {name: bad}})


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ValueError, match="pause, continue or abort"):
        RunLimits.of({"environment": {"cost_limits": {"action_on_exceed": "explode"}}})
