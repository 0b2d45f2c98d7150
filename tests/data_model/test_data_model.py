"""docs/data-model.md is true: it accounts for every column it has to, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist

from symphony import diagrams

DOCUMENT = (settings.BASE_DIR / "docs" / "data-model.md").read_text(encoding="utf-8")
COLUMNS = Path(__file__).with_name("columns.txt").read_text(encoding="utf-8")
SECTION = re.compile(r"^### (\d{3}) (\w+)(?: \(website\))?$")
ROW = re.compile(r"^\| (\w+) \| (`[\w.]+`|planned) \| (.*) \|$")


class Row(NamedTuple):
    source: str
    table: str
    column: str
    home: str
    why: str


def rows() -> list[Row]:
    found, source, table = [], "", ""
    for line in DOCUMENT.splitlines():
        if section := SECTION.match(line):
            source, table = section.groups()
        elif row := ROW.match(line):
            found.append(Row(source, table, *row.groups()))
    return found


def expected() -> list[tuple[str, str, str]]:
    lines = (line.split() for line in COLUMNS.splitlines() if not line.startswith("#"))
    return [(source, table, column) for source, table, *columns in lines for column in columns]


def test_every_column_is_accounted_for() -> None:
    assert sorted(row[:3] for row in rows()) == sorted(expected())


@pytest.mark.parametrize("home", sorted({row.home.strip("`") for row in rows() if row.home != "planned"}))
def test_a_home_exists(home: str) -> None:
    label, _, name = home.rpartition(".")
    try:
        apps.get_model(label)._meta.get_field(name)
    except (LookupError, FieldDoesNotExist) as error:
        pytest.fail(f"docs/data-model.md names {home}: {error}")


def test_what_is_planned_says_for_which_part() -> None:
    assert [row for row in rows() if row.home == "planned" and not row.why] == []


def test_what_explains_a_home_names_what_exists() -> None:
    named = {each for row in rows() for each in re.findall(r"\b[a-z]+\.[A-Z]\w+(?:\.\w+)?\b", row.why)}
    for each in named:
        label = ".".join(each.split(".")[:2])
        model = apps.get_model(label)
        if each != label:
            model._meta.get_field(each.rpartition(".")[2])


def test_the_diagrams_are_fresh() -> None:
    assert diagrams.refreshed(DOCUMENT) == DOCUMENT, "docs/data-model.md is stale: run manage.py data_model"


def test_a_diagram_shows_tables_columns_and_references() -> None:
    drawn = diagrams.drawn()
    assert "### melodies\n\n```mermaid\nerDiagram\n    Melody {\n        uuid id PK\n" in drawn
    assert "        char[] tags\n" in drawn or "        text[] tags\n" in drawn
    assert '    Melody ||--o{ MelodyStep : "melody"\n' in drawn
    assert '    MelodyStep |o--o{ MelodyStep : "parent_step"\n' in drawn


def test_a_document_without_a_place_for_them_is_refused() -> None:
    with pytest.raises(ValueError, match="has no lines"):
        diagrams.refreshed("# no marks\n")
