"""What time does to a subscription, one step at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.billing.lifecycle import Facts, next_step

NOW = datetime(2030, 5, 20, tzinfo=UTC)
GRACE = timedelta(days=14)
DAY = timedelta(days=1)
PAID = Facts(status="active", collected_by_provider=False, period_end=NOW + DAY, cancel_at_period_end=False)
COLLECTED = replace(PAID, collected_by_provider=True)


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (PAID, None),
        (replace(PAID, period_end=NOW), "renew"),
        (replace(PAID, period_end=NOW, cancel_at_period_end=True), "cancel"),
        (replace(PAID, unpaid_since=NOW + DAY), None),
        (replace(PAID, unpaid_since=NOW), "past_due"),
        (replace(PAID, unpaid_since=NOW, status="past_due"), None),
        (replace(PAID, unpaid_since=NOW - GRACE, status="past_due"), "expire"),
        (replace(PAID, unpaid_since=NOW - GRACE, period_end=NOW - DAY), "expire"),
        (COLLECTED, None),
        (replace(COLLECTED, period_end=NOW - GRACE + DAY), None),
        (replace(COLLECTED, period_end=NOW - GRACE), "expire"),
        (replace(COLLECTED, period_end=NOW - GRACE, cancel_at_period_end=True), "cancel"),
    ],
)
def test_what_is_due(facts: Facts, step: str | None) -> None:
    assert next_step(facts, now=NOW, grace=GRACE) == step


MOMENTS = st.integers(-400, 400).map(lambda days: NOW + timedelta(days=days))


@given(
    st.builds(
        Facts,
        status=st.sampled_from(["active", "past_due"]),
        collected_by_provider=st.booleans(),
        period_end=MOMENTS,
        cancel_at_period_end=st.booleans(),
        unpaid_since=st.none() | MOMENTS,
    )
)
def test_nothing_ends_before_its_time(facts: Facts) -> None:
    step = next_step(facts, now=NOW, grace=GRACE)
    paid_up = facts.unpaid_since is None or facts.unpaid_since + GRACE > NOW
    if facts.period_end > NOW and paid_up:
        assert step in {None, "past_due"}
    if step == "past_due":
        assert facts.status == "active"
    if facts.collected_by_provider and step is not None:
        assert facts.period_end + GRACE <= NOW
