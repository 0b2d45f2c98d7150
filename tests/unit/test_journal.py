"""The thread that writes the Pit's journal goes on whatever one of its turns came to."""

from __future__ import annotations

import logging
import threading
from uuid import uuid4

import pytest

from workers.pit.journal import Journal


class Clumsy(Journal):
    """Its first turn breaks in a way nobody thought of."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = 0
        self.went_on = threading.Event()

    def flush(self) -> None:
        self.turns += 1
        if self.turns == 1:
            raise RuntimeError("nobody thought of this")
        self.went_on.set()


def test_a_turn_that_breaks_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    journal = Clumsy()
    with caplog.at_level(logging.ERROR):
        journal.record(uuid4(), task_id=uuid4(), kind="dag_tracking", context={})
        assert journal.went_on.wait(10)
    assert "nobody thought of this" in caplog.text
