"""A slot goes on while nobody waits for it, and comes to an end in any case."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.slices import SLICES, Slice

SECONDS = 0.5


@dataclass
class House:
    """What a slot sees around it."""

    now: float = 100.0
    alone: bool = False
    clogged: bool = False

    def slice(self) -> Slice:
        return Slice(SECONDS, is_alone=lambda: self.alone, is_clogged=lambda: self.clogged, clock=lambda: self.now)


@pytest.fixture
def house() -> House:
    return House()


def test_it_ends_for_somebody_who_waits(house: House) -> None:
    slice_ = house.slice()
    house.now += SECONDS - 0.01
    assert slice_.lasts()
    house.now += 0.01
    assert not slice_.lasts()
    assert not slice_.is_last(), "the slot may work for who waits"


def test_it_begins_anew_where_nobody_waits(house: House) -> None:
    house.alone = True
    slice_ = house.slice()
    house.now += SECONDS
    assert slice_.lasts()
    house.alone = False
    house.now += SECONDS - 0.01
    assert slice_.lasts(), "who comes now waits for the rest of it"
    house.now += 0.01
    assert not slice_.lasts()


def test_whom_the_slot_works_for_next_has_a_whole_one(house: House) -> None:
    slice_ = house.slice()
    house.now += SECONDS
    slice_.begin_anew()
    house.now += SECONDS - 0.01
    assert slice_.lasts()


def test_it_ends_where_dead_messages_fill_the_process(house: House) -> None:
    house.alone = house.clogged = True
    slice_ = house.slice()
    assert slice_.lasts()
    assert not slice_.is_last(), "not before its time"
    house.now += SECONDS
    assert not slice_.lasts()
    assert slice_.is_last()
    house.clogged = False
    assert slice_.lasts()


@given(pauses=st.lists(st.floats(0.01, 2 * SECONDS), min_size=1, max_size=60), anew=st.booleans())
def test_it_comes_to_an_end_however_alone_the_slot_is(pauses: list[float], *, anew: bool) -> None:
    house = House(alone=True)
    slice_ = house.slice()
    for pause in pauses:
        house.now += pause
        over = house.now >= 100.0 + SLICES * SECONDS
        assert slice_.is_last() == over
        if anew and not over:
            slice_.begin_anew()
    house.now = 100.0 + (SLICES + 1) * SECONDS
    assert not slice_.lasts()
    assert slice_.is_last()
