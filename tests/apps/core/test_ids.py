from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine

from apps.core import ids
from apps.core.ids import uuid7


@pytest.mark.parametrize("what", ["a test that travels in time", "one after it"])
def test_what_a_test_does_with_the_clock_is_nothing_to_the_next(what: str) -> None:
    assert uuid7().int >> 80 <= time.time_ns() // 1_000_000 + 1
    with time_machine.travel(2_000_000_000.0 + 10**9):
        assert uuid7().int >> 80 > 2_000_000_000_000


def test_is_a_version_7_uuid_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before <= made.int >> 80 <= after + 1


def test_grows_within_a_process_and_never_repeats() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_threads_get_different_ones() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = [each for batch in pool.map(lambda _: [uuid7() for _ in range(2_000)], range(8)) for each in batch]
    assert len(set(made)) == 16_000


def test_grows_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = uuid7()
    earlier = time.time_ns() - 3_600_000_000_000
    monkeypatch.setattr(ids.time, "time_ns", lambda: earlier)
    assert uuid7() > first


def test_an_exhausted_counter_borrows_the_next_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    first = uuid7()
    monkeypatch.setattr(ids, "_counter", (1 << 32) - 1)
    monkeypatch.setattr(ids, "_last_millisecond", (first.int >> 80) + 10_000)
    second = uuid7()
    assert second > first
    assert second.int >> 80 == (first.int >> 80) + 10_001
