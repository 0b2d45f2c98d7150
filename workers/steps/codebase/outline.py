"""What is in one source file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, class, interface or module. `kind` is function, async_function, method, class, interface or module."""

    name: str
    kind: str
    line: int
    end_line: int
    signature: str
    public: bool = True
    decorators: tuple[str, ...] = ()
    parent: str | None = None
    documented: bool = False
    bases: tuple[str, ...] = ()

    def describe(self, file: str, *, full: bool = False) -> dict[str, Any]:
        """As JSON."""
        short: dict[str, Any] = {
            "name": self.name,
            "type": self.kind,
            "file": file,
            "line": self.line,
            "signature": self.signature,
        }
        if not full:
            return short
        return short | {
            "end_line": self.end_line,
            "lines": self.end_line - self.line + 1,
            "public": self.public,
            "documented": self.documented,
            "decorators": list(self.decorators),
            "parent": self.parent,
            "bases": list(self.bases),
        }


@dataclass(frozen=True, slots=True)
class Import:
    """`module` as written (for Python without the leading dots, which are `level`), and the names taken from it."""

    module: str
    line: int
    names: tuple[str, ...] = ()
    level: int = 0


@dataclass(slots=True)
class Outline:
    """Everything the queries need of a file. `error` says why it could not be read."""

    functions: list[Symbol] = field(default_factory=list)
    classes: list[Symbol] = field(default_factory=list)
    interfaces: list[Symbol] = field(default_factory=list)
    modules: list[Symbol] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)
    documented: bool = False
    is_script: bool = False
    lines: int = 0
    blank_lines: int = 0
    comment_lines: int = 0
    docstring_lines: int = 0
    error: str | None = None
