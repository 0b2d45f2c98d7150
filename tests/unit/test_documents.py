"""What the documentation shows is true: every melody in it is valid, what it lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from apps.melodies.definition import known_kinds, load
from apps.melodies.definition.common_fields import UNDERSTOOD
from apps.melodies.definition.defaults import FIELDS as DEFAULTS
from apps.melodies.definition.expressions.functions import FUNCTIONS, PER_ITEM_USAGE
from apps.melodies.definition.params import field_names
from apps.melodies.definition.policy_fields import CACHE_KEYS, RETRY_KEYS
from apps.melodies.definition.workflow_limits import LIMITS, SAFETY

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = ROOT / "docs" / "language.md"
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = (ROOT / "README.md", LANGUAGE)
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
READ_BY = (ROOT / "symphony" / "settings.py", ROOT / "symphony" / "celery.py", ROOT / "symphony" / "env.py")

_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r'"((?:SYMPHONY_\w+|OTEL_\w+|\w+_URL))"')


def melodies(page: Path) -> list[str]:
    """The yaml blocks of a page that are whole melodies."""
    return [block for block in _BLOCK.findall(page.read_text(encoding="utf-8")) if block.startswith("workflow:")]


SHOWN = [
    pytest.param(block, id=f"{page.stem}-{number}") for page in PAGES for number, block in enumerate(melodies(page))
]


@pytest.mark.parametrize("document", SHOWN)
def test_melodies_shown_are_valid(document: str) -> None:
    assert load(document, known_kinds()).steps


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_examples_are_valid(file: Path) -> None:
    assert load(file.read_bytes(), known_kinds()).steps


def test_the_readme_shows_the_example_it_runs() -> None:
    (shown,) = melodies(ROOT / "README.md")
    assert yaml.safe_load(shown) == yaml.safe_load((ROOT / "examples" / "word_count.yaml").read_text())


def test_the_language_page_names_everything() -> None:
    text = LANGUAGE.read_text(encoding="utf-8")
    kinds = known_kinds()
    assert set(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == set(kinds)
    told = set(re.findall(r"\w+", text))
    assert set(kinds) | UNDERSTOOD | set(PER_ITEM_USAGE) <= told
    older = {"backoff_strategy", "retry_conditions", "ttl_seconds", "network_policy"}
    assert DEFAULTS | LIMITS | SAFETY | set(RETRY_KEYS) | set(CACHE_KEYS) <= told | older
    assert {name for name in FUNCTIONS if name == name.lower()} - told <= {"lowercase", "to_lower_case"}
    fields = {info.alias or name for kind in kinds.values() for name, info in kind.params.model_fields.items()}
    assert fields - told == set()


def test_every_question_and_operation_is_named() -> None:
    told = set(re.findall(r"\w+", LANGUAGE.read_text(encoding="utf-8")))
    for kind, at_least in (("codebase_query", 23), ("data_transform", 9)):
        known = field_names(known_kinds()[kind].params)
        assert len(known) > at_least
        left_out = {"min_size", "as_", "enabled"}
        assert known - told - left_out == set(), kind


@pytest.mark.parametrize("page", [*PAGES, OPERATIONS], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for target in _LINK.findall(text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_every_setting_is_listed_and_no_other() -> None:
    read = {name for file in READ_BY for name in _VARIABLE.findall(file.read_text(encoding="utf-8"))}
    rows = re.findall(r"^\| `(\w+)`", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == read
