"""The cast is assembled for each test, in its transaction: what a test does to it is undone."""

from __future__ import annotations

import pytest

from tests.isolation.cast import Cast, assemble


@pytest.fixture
def cast(db: None) -> Cast:
    return assemble()
