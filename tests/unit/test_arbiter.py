"""Whose turn it is: the law of fair shares, no starvation, ageing."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from workers.pit.arbiter import STEP_SECONDS, Arbiter, jain

WEIGHTS = st.lists(st.sampled_from([1.0, 2.0, 4.0, 8.0]), min_size=2, max_size=8)


def flood(
    arbiter: Arbiter, owner: str, count: int, weight: float = 1.0, run: str | None = None, now: float = 0.0
) -> None:
    arbiter.enter(owner, run or owner, [(f"{owner}{i}", 0.0) for i in range(count)], now=now, weight=weight)


@given(WEIGHTS, st.integers(20, 200))
def test_who_waits_all_the_time_gets_its_share(weights: list[float], grants: int) -> None:
    arbiter = Arbiter()
    for number, weight in enumerate(weights):
        flood(arbiter, f"o{number}", grants, weight)
    had: Counter[str] = Counter()
    for _ in range(grants):
        picked = arbiter.pick()
        assert picked is not None
        had[str(picked[0])] += 1
        # The law: at no moment do two that wait differ by more than one grant of each, measured by weight.
        served = [had[f"o{number}"] / weight for number, weight in enumerate(weights)]
        assert max(served) - min(served) <= 2 / min(weights)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(0, 300))
def test_a_flood_delays_the_others_by_their_share_only(others: list[int], flooded: int) -> None:
    arbiter = Arbiter()
    flood(arbiter, "flood", flooded + 1)
    for number, count in enumerate(others):
        flood(arbiter, f"o{number}", count)
    order = []
    while (picked := arbiter.pick()) is not None:
        order.append(str(picked[0]))
    assert len(order) == flooded + 1 + sum(others)
    for number, count in enumerate(others):
        last = max(place for place, owner in enumerate(order) if owner == f"o{number}")
        assert last < count * (len(others) + 1)


@given(st.integers(1, 50), st.integers(0, 10), st.integers(1, 400))
def test_nobody_waits_for_ever_behind_what_is_more_important(waiting: int, priority: int, later: int) -> None:
    """A run of the ordinary priority against one of a higher that comes anew every second, faster than all are served."""
    arbiter = Arbiter()
    flood(arbiter, "o", waiting, run="patient")
    ageing = 10.0
    longest = priority * ageing + waiting * STEP_SECONDS
    left = waiting
    for second in range(int(longest) + later):
        for more in range(2):
            arbiter.enter(
                "o", f"{second}.{more}", [(f"new{second}.{more}", 0.0)], now=float(second), head_start=priority * ageing
            )
        picked = arbiter.pick()
        assert picked is not None
        left -= str(picked[1]).startswith("o")
    # It was owed one every step: only those that came before may have passed each of them.
    passed = sum(
        2 for second in range(int(longest) + later) if second - priority * ageing < (waiting - 1) * STEP_SECONDS
    )
    if int(longest) + later >= passed + waiting:
        assert left == 0


def test_a_small_run_passes_a_large_one_of_its_organization() -> None:
    arbiter = Arbiter()
    flood(arbiter, "o", 100, run="large")
    for _ in range(10):
        arbiter.pick()
    arbiter.enter("o", "small", [("a", 0.0), ("b", 0.0), ("c", 0.0)], now=1.0)
    assert [task for _, task in (arbiter.pick() or ("", "") for _ in range(3))] == ["a", "b", "c"]


def test_priority_is_worth_its_head_start_and_no_more() -> None:
    arbiter = Arbiter()
    flood(arbiter, "o", 1, run="old", now=0.0)
    arbiter.enter("o", "soon", [("soon", 0.0)], now=59.0, head_start=60.0)
    arbiter.enter("o", "late", [("late", 0.0)], now=61.0, head_start=60.0)
    assert [task for _, task in (arbiter.pick() or ("", "") for _ in range(3))] == ["soon", "o0", "late"]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_inside_a_run_the_highest_rank_goes_first(ranks: list[float]) -> None:
    arbiter = Arbiter()
    for rank in ranks:
        arbiter.enter("o", "r", [(rank, rank)], now=0.0)
    order = [arbiter.pick() for _ in ranks]
    assert [task for _, task in (each or ("", 0.0) for each in order)] == sorted(ranks, reverse=True)
    assert arbiter.pick() is None
    assert not arbiter


def test_who_comes_back_owes_nothing_and_has_saved_nothing_up() -> None:
    arbiter = Arbiter()
    flood(arbiter, "a", 50)
    flood(arbiter, "b", 1)
    for _ in range(20):
        arbiter.pick()
    flood(arbiter, "b", 10, run="again")
    order = [str((arbiter.pick() or ("",))[0]) for _ in range(10)]
    assert order.count("b") in (4, 5, 6)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=20))
def test_the_index_of_jain_lies_between_one_for_all_and_all_for_one(shares: list[float]) -> None:
    assert 1 / len(shares) - 1e-9 <= jain(shares) <= 1 + 1e-9
    assert jain([3.0] * len(shares)) == 1
