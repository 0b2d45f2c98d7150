"""What kind of project a tree is, and what it declares to depend on."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workers.steps.codebase.tree import Tree

Dependency = dict[str, Any]

_MARKERS = (
    ("elixir", ("mix.exs",)),
    ("javascript", ("package.json",)),
    ("python", ("pyproject.toml", "setup.py", "requirements.txt")),
    ("rust", ("Cargo.toml",)),
    ("go", ("go.mod",)),
)
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^;#]*)")
_GO = re.compile(r"\s*(?:require\s+)?([\w.-]+\.[\w.-]+/[\w./-]+)\s+(v[\w.+-]+)")
_MIX = re.compile(r"\{\s*:(\w+)\s*,\s*(?:\"([^\"]*)\")?")


def project_type(tree: Tree) -> dict[str, Any]:
    """`project_type` is the first language whose files are at the root, else the one with most files, else unknown."""
    indicators = {language: [name for name in names if name in tree.by_path] for language, names in _MARKERS}
    found = {language: names for language, names in indicators.items() if names}
    counts: dict[str, int] = {}
    for file in tree.sources():
        counts[str(file.language)] = counts.get(str(file.language), 0) + 1
    by_count = max(counts, key=lambda language: counts[language], default="unknown")
    return {"project_type": next(iter(found), by_count), "indicators": found, "languages": counts}


def declared(tree: Tree) -> list[Dependency]:
    """What the files at the root declare: name, version, type (runtime or dev), source.

    Requirements beside a pyproject.toml that names dependencies are taken for its pinned list.
    """
    found: list[Dependency] = []
    for name, read in _READERS.items():
        file = tree.by_path.get(name)
        if file is None or (
            name.startswith("requirements") and any(known["source"] == "pyproject.toml" for known in found)
        ):
            continue
        try:
            entries = list(read(tree.text(file), name))
        except (ValueError, TypeError, AttributeError, RecursionError):
            continue
        found.extend(
            {"name": dependency, "version": version or None, "type": kind, "source": name}
            for dependency, version, kind in entries
        )
    return found


Entry = tuple[str, str, str]


def _requirements(text: str, name: str) -> Iterator[Entry]:
    kind = "dev" if "dev" in name else "runtime"
    for line in text.splitlines():
        requirement = _REQUIREMENT.match(line)
        if requirement and not line.lstrip().startswith(("#", "-")):
            yield requirement.group(1), requirement.group(2).strip(), kind


def _one(requirement: Any, kind: str) -> Iterator[Entry]:
    parsed = _REQUIREMENT.match(str(requirement))
    if parsed:
        yield parsed.group(1), parsed.group(2).strip(), kind


def _pyproject(text: str, _: str) -> Iterator[Entry]:
    document = tomllib.loads(text)
    project = document.get("project", {})
    for requirement in project.get("dependencies", []):
        yield from _one(requirement, "runtime")
    groups = [*project.get("optional-dependencies", {}).values(), *document.get("dependency-groups", {}).values()]
    for group in groups:
        for requirement in group:
            if isinstance(requirement, str):
                yield from _one(requirement, "dev")


def _package_json(text: str, _: str) -> Iterator[Entry]:
    document = json.loads(text)
    for section, kind in (("dependencies", "runtime"), ("devDependencies", "dev")):
        yield from ((name, str(version), kind) for name, version in document.get(section, {}).items())


def _cargo(text: str, _: str) -> Iterator[Entry]:
    document = tomllib.loads(text)
    for section, kind in (("dependencies", "runtime"), ("dev-dependencies", "dev")):
        for name, version in document.get(section, {}).items():
            yield name, str(version.get("version", "")) if isinstance(version, Mapping) else str(version), kind


def _go_mod(text: str, _: str) -> Iterator[Entry]:
    for line in text.splitlines():
        if found := _GO.match(line):
            yield found.group(1), found.group(2), "runtime"


def _mix(text: str, _: str) -> Iterator[Entry]:
    for line in text.splitlines():
        if found := _MIX.search(line[:500]):
            yield found.group(1), found.group(2) or "", "dev" if "only:" in line else "runtime"


_READERS: dict[str, Callable[[str, str], Iterator[Entry]]] = {
    "pyproject.toml": _pyproject,
    "requirements.txt": _requirements,
    "requirements-dev.txt": _requirements,
    "package.json": _package_json,
    "Cargo.toml": _cargo,
    "go.mod": _go_mod,
    "mix.exs": _mix,
}
