from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import workers.steps  # registers the kinds
from apps.melodies.definition import StepKind, known_kinds
from tests.unit.corpus.table import FILES

assert workers.steps.__all__

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
CORPUS = [*sorted((ROOT / "tests" / "unit" / "corpus" / "documents").rglob("*.yaml")), *sorted(FILES.rglob("*.yaml"))]
"""Files of the language as others write them, valid or not; some of them stand outside of the project."""


@pytest.fixture(scope="session")
def kinds() -> Mapping[str, StepKind]:
    """All kinds that there are."""
    return known_kinds()
