"""Objects that stay are left out of collections, and what is made later is not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from apps.core.garbage import spare_what_is_loaded


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


class Ring:
    def __init__(self) -> None:
        self.me = self


def test_what_is_there_is_spared_and_garbage_is_not() -> None:
    lost = weakref.ref(Ring())
    spare_what_is_loaded()
    assert lost() is None, "it was collected, not kept for ever"
    assert gc.get_freeze_count() > 10_000
    later = weakref.ref(Ring())
    gc.collect()
    assert later() is None


def test_a_child_does_not_collect() -> None:
    gc.disable()
    try:
        lost = weakref.ref(Ring())
        spare_what_is_loaded(collect=False)
        assert lost() is not None
    finally:
        gc.enable()
