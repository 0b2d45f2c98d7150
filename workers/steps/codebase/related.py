"""Files that have to do with one another by their names and places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from workers.steps.codebase.tree import SourceFile, Tree

_TEST_MARK = re.compile(r"^test_|_test$|\.test$|\.spec$|_spec$")


def _plain(file: SourceFile) -> str:
    """The stem without what marks a test."""
    return _TEST_MARK.sub("", file.stem)


def related(tree: Tree, file: SourceFile) -> list[dict[str, Any]]:
    """Each related file once, in its strongest relation, surest first."""
    best: dict[str, dict[str, Any]] = {}
    for other in tree.files:
        if other.path != file.path:
            for relation, confidence in _relations(file, other):
                entry = {"file": other.path, "relation_type": relation, "confidence": confidence}
                if other.path not in best or best[other.path]["confidence"] < confidence:
                    best[other.path] = entry
    return sorted(best.values(), key=lambda entry: (-entry["confidence"], entry["file"]))


def _relations(file: SourceFile, other: SourceFile) -> Iterator[tuple[str, float]]:
    """The ways in which `other` is related to `file`."""
    if other.language and other.language == file.language:
        if other.is_test and not file.is_test and _plain(other) == file.stem:
            yield "test", 0.9
        if file.is_test and not other.is_test and _plain(file) == other.stem:
            yield "source", 0.9
        matcher = SequenceMatcher(None, _plain(file), _plain(other), autojunk=False)
        if len(file.stem) <= 100 and matcher.quick_ratio() > 0.7 and (ratio := matcher.ratio()) > 0.7:
            yield "similar", round(min(ratio, 0.89), 2)
    if other.parts[:-1] == file.parts[:-1]:
        yield "directory", 0.7
