"""The cast of the isolation tests: its rows are what generated requests are about."""

from __future__ import annotations

from tests.isolation.conftest import cast

__all__ = ["cast"]
