"""The cast is assembled for each test, in its transaction: what a test does to it is undone."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from tests.isolation.cast import Cast, assemble


@pytest.fixture
def cast(db: None, settings: Settings) -> Cast:
    settings.SYMPHONY_SECRET_KEYS = [Fernet.generate_key().decode()]
    return assemble()
