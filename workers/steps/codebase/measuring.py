"""How much code there is, and how well it is documented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workers.steps.codebase.criteria import Measure
from workers.steps.codebase.finding import asked, in_scope
from workers.steps.codebase.tree import SourceFile, Tree


class _Sum:
    """Figures of some files, added up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.files = self.lines = self.blank = self.comments = self.docstrings = self.functions = self.classes = 0
        self.undocumented = self.undocumented_functions = 0
        self.longest: dict[str, Any] | None = None

    def add(self, tree: Tree, file: SourceFile) -> None:
        outline = tree.outline(file)
        self.files += 1
        self.lines += outline.lines
        self.blank += outline.blank_lines
        self.comments += outline.comment_lines
        self.docstrings += outline.docstring_lines
        self.functions += len(outline.functions)
        self.classes += len(outline.classes)
        self.undocumented += not outline.documented and outline.lines > 0
        self.undocumented_functions += sum(1 for symbol in outline.functions if symbol.public and not symbol.documented)
        for symbol in outline.functions:
            lines = symbol.end_line - symbol.line + 1
            if self.longest is None or lines > self.longest["lines"]:
                self.longest = {"name": symbol.name, "file": file.path, "line": symbol.line, "lines": lines}

    def figures(self) -> dict[str, Any]:
        """As JSON. `comment_share` is comment and docstring lines over lines that are not blank, 0 to 1."""
        filled = self.lines - self.blank
        return {
            "name": self.name,
            "files": self.files,
            "lines": self.lines,
            "code_lines": filled - self.comments - self.docstrings,
            "comment_lines": self.comments,
            "docstring_lines": self.docstrings,
            "blank_lines": self.blank,
            "comment_share": round((self.comments + self.docstrings) / filled, 4) if filled else 0.0,
            "functions": self.functions,
            "classes": self.classes,
            "files_without_docstring": self.undocumented,
            "functions_without_docstring": self.undocumented_functions,
            "longest_function": self.longest,
        }


def measure(tree: Tree, query: Measure) -> dict[str, Any]:
    """Figures by file, package or language, largest first, and their total."""
    name_of: dict[str, Callable[[SourceFile], str]] = {
        "file": lambda file: file.path,
        "package": lambda file: file.package(query.depth),
        "language": lambda file: str(file.language),
        "total": lambda file: "total",
    }
    name = name_of[query.by]
    total = _Sum("total")
    sums: dict[str, _Sum] = {}
    for file in in_scope(tree, query, tree.sources(), paths=query.pattern):
        if query.package is None or file.package(query.depth) == query.package:
            total.add(tree, file)
            sums.setdefault(name(file), _Sum(name(file))).add(tree, file)
    ordered = sorted(sums.values(), key=lambda one: (-one.lines, one.name))
    return {
        "measures": [one.figures() for one in ordered[: query.top]],
        "total": total.figures(),
        "config": asked(query),
    }
