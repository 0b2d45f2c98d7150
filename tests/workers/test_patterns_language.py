"""The claims about runs can be false: each is tried on a run of which it holds, and on one of which it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.workers.history import (
    Claim,
    History,
    Span,
    apart,
    each_gives,
    each_round,
    ended,
    gives,
    goes_on,
    in_order,
    last_gives,
    never_ran,
    one_after_another,
    ran,
    rounds_apart,
    run_is,
    that,
    times,
    together,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def span(name: str, began: float | None, over: float, status: str = "completed", result: Any = None) -> Span:
    start = None if began is None else NOON + timedelta(seconds=began)
    return Span(name, "test_echo", status, start, NOON + timedelta(seconds=over), result, None)


SEEN = History(
    "completed",
    "Found.",
    (
        span("a", 0, 2, result=1),
        span("b", 1, 3, result=2),
        span("c", 3, 4, result=3),
        span("twice", 0, 1, result="x"),
        span("twice", 1, 2, result="y"),
        span("long", 0, 1.5),
        span("long", 1.5, 4),
        span("lapping", 0, 2),
        span("lapping", 1, 3),
        span("gone", None, 1, "cancelled"),
        span("left", 1, 1, "skipped"),
        span("broken", 1, 2, "failed"),
    ),
)

HOLD: tuple[Claim, ...] = (
    ran("a", "b"),
    times("twice", 2),
    ended("cancelled", "gone"),
    never_ran("gone", "left", "nowhere"),
    in_order("a", "c"),
    in_order("twice", "c"),
    goes_on("a", before_the_end_of="b"),
    together("a", "b"),
    apart("a", "c"),
    apart("twice"),
    gives("a", 1),
    each_gives("twice", ["y", "x"]),
    last_gives("twice", "y"),
    one_after_another("lapping"),
    rounds_apart("twice"),
    each_round("twice", before_the_end_of="long"),
    run_is("completed", "Found"),
    that("true", lambda _: True),
)
FAIL: tuple[Claim, ...] = (
    ran("a", "twice"),
    ran("broken"),
    times("twice", 1),
    ended("cancelled", "gone", "a"),
    never_ran("a"),
    never_ran("broken"),
    in_order("a", "b"),
    in_order("a", "gone"),
    goes_on("b", before_the_end_of="a"),
    together("a", "c"),
    together("twice"),
    apart("a", "b"),
    apart("lapping"),
    gives("a", 2),
    gives("twice", "x"),
    each_gives("twice", ["x"]),
    last_gives("twice", "x"),
    one_after_another("twice"),
    rounds_apart("lapping"),
    rounds_apart("twice", "long"),
    each_round("long", before_the_end_of="twice"),
    run_is("failed"),
    run_is("completed", "Lost"),
    that("false", lambda _: False),
    ended("completed", "nowhere"),
)


@pytest.mark.parametrize("number", range(len(HOLD)))
def test_a_claim_holds(number: int) -> None:
    HOLD[number](SEEN)


@pytest.mark.parametrize("number", range(len(FAIL)))
def test_a_claim_fails(number: int) -> None:
    with pytest.raises(AssertionError):
        FAIL[number](SEEN)
