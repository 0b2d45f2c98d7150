"""The table of docs/compatibility.md: every real file there is, whether it can be used, and why not.

`python -m tests.unit.corpus.table` writes it anew; the corpus stands beside the repository, or where SYMPHONY_CORPUS says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import django

from apps.melodies.definition import InvalidDocument, known_kinds, load

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "compatibility.md"
CORPUS = Path(os.environ.get("SYMPHONY_CORPUS") or ROOT.parent / "shared" / "corpus")
FILES = CORPUS / "pipeline_ex" / "head"

_HEAD = "| file | verdict | why |\n|---|---|---|\n"
_SHOWN = 150


def verdict(source: bytes) -> tuple[str, str]:
    """accepted or refused, and what a reader should know."""
    try:
        definition = load(source, known_kinds())
    except InvalidDocument as error:
        first = error.problems[0]
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        return "refused", f"line {first.line}: {_short(first.message)}{more}"
    told = "; ".join(dict.fromkeys(_short(warning.message) for warning in definition.warnings))
    return "accepted", told


def rows() -> Iterator[tuple[str, str, str]]:
    """Path below the corpus, verdict and reason of each file."""
    for path in sorted(FILES.rglob("*.yaml")):
        yield path.relative_to(FILES).as_posix(), *verdict(path.read_bytes())


def written() -> str:
    """The table as it should stand in the page."""
    return _HEAD + "".join(f"| {path} | {found} | {why} |\n" for path, found, why in rows())


def shown(page: str) -> str:
    """The table as it stands in the page."""
    start = page.index(_HEAD)
    return page[start : page.find("\n\n", start) + 1]


def _short(message: str) -> str:
    text = message.replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= _SHOWN else text[:_SHOWN].rsplit(" ", 1)[0] + " ..."


def main() -> None:
    """Write the table into the page."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "symphony.settings")
    django.setup()
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page.replace(shown(page), written()), encoding="utf-8")


if __name__ == "__main__":
    main()
