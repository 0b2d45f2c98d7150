"""Real workers, as in the chaos tests, but nobody harms them; and a real browser, where there is one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.chaos.conftest import alice, broker, engine

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDS_BROWSER = ("test_live_page.py", "test_web_security.py")
_left_out: list[str] = []


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """What needs a browser is no failure of ours where there is none; the summary says what was left out."""
    if BROWSER is None and collection_path.name in NEEDS_BROWSER:
        _left_out.append(collection_path.name)
        return True
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _left_out:
        terminalreporter.write_line(
            f"Left out: {', '.join(_left_out)}, for want of a browser (apt-get install chromium).",
            yellow=True,
        )


@pytest.fixture(scope="session")
def browser_path() -> str:
    # Only a file named on the command line comes this far without one.
    return BROWSER or pytest.fail("there is no browser to test in: apt-get install chromium")


__all__ = ["alice", "broker", "engine"]
