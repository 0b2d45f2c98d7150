"""Everything at once: random runs of two strangers in a storm of faults, judged by their whole history.

A few seconds of it here, always the same storm; `make chaos` rages for minutes, with another seed each time.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.chaos.scene import opened
from tests.chaos.storm import Storm

MINUTES = min(float(os.environ.get("SYMPHONY_CHAOS_MINUTES") or 0), 5)
SEED = os.environ.get("SYMPHONY_CHAOS_SEED") or ("" if MINUTES else "overture")
SHORT_SECONDS = 5.0


def test_nothing_is_lost_or_doubled_in_a_storm(
    transactional_db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = SEED or f"{random.SystemRandom().getrandbits(32):08x}"
    with opened(tmp_path) as scene:
        storm = Storm(scene, seed, MINUTES * 60 or SHORT_SECONDS, gap=1.2 if MINUTES else 0.6)
        report = storm.rage()
        logs = scene.engine.logs() if report.violations else ""
    if MINUTES:
        with capsys.disabled():
            print(f"\n{report}")
    assert not report.violations, f"{report}\n{logs}"
    assert report.blows.total() > 5
    assert report.runs["completed"] > 0
