"""A source tree, read with limits: what is in it, and the outline of each file when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workers.contract import StepFailed
from workers.steps.codebase.languages import SKIPPED_FOLDERS, Role, is_test, language_of, package_of, role_of
from workers.steps.codebase.outline import Outline
from workers.steps.codebase.patterns import outline_by_patterns
from workers.steps.codebase.python import outline_python
from workers.steps.files.jail import Jail, Parts

MOST_FILES = 20_000
LARGEST_FILE = 2 << 20
MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One regular file. `path` is relative to the root."""

    parts: Parts
    size: int
    modified: float
    language: str | None
    role: Role

    @property
    def path(self) -> str:
        return "/".join(self.parts)

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0] or self.name

    @property
    def is_test(self) -> bool:
        return is_test(self.parts)

    def package(self, depth: int) -> str:
        return package_of(self.parts, depth)

    def describe(self) -> dict[str, Any]:
        """As in the context of [codebase_context]."""
        return {
            "type": self.role,
            "size": self.size,
            "modified": datetime.fromtimestamp(self.modified, UTC).isoformat(),
            "language": self.language,
        }


class Tree:
    """The files below an open folder. `pulse` is called now and then; it may raise to stop the work."""

    def __init__(self, jail: Jail, pulse: Callable[[], None]) -> None:
        self.jail = jail
        self._pulse = pulse
        self._bytes = 0
        self._texts: dict[str, str] = {}
        self._outlines: dict[str, Outline] = {}
        self.truncated = False
        self.files = self._collect()
        self.by_path = {file.path: file for file in self.files}

    def _collect(self) -> list[SourceFile]:
        found: list[SourceFile] = []
        for entry in self.jail.walk(enter=lambda entry: entry.parts[-1] not in SKIPPED_FOLDERS):
            self._pulse()
            if entry.kind != "file":
                continue
            if len(found) == MOST_FILES:
                self.truncated = True
                break
            parts = entry.parts
            found.append(SourceFile(parts, entry.size, entry.modified, language_of(parts[-1]), role_of(parts)))
        return sorted(found, key=lambda file: file.path)

    def file(self, path: str) -> SourceFile:
        """The file at a path as people write it."""
        known = self.by_path.get(path.removeprefix("./"))
        if known is None:
            raise StepFailed(f"{path[:200]!r} is not a file of this tree", code="not_found")
        return known

    def text(self, file: SourceFile) -> str:
        """The file's text; bytes that are not UTF-8 are replaced. A very large file counts as empty."""
        text = self._texts.get(file.path)
        if text is None:
            self._pulse()
            text = self._texts[file.path] = self._read(file)
        return text

    def _read(self, file: SourceFile) -> str:
        if file.size > LARGEST_FILE:
            self.truncated = True
            return ""
        try:
            data = self.jail.read(file.parts, LARGEST_FILE)
        except StepFailed:
            return ""
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise StepFailed(
                f"the files read have more than {MOST_BYTES} bytes; choose a smaller folder", code="too_large"
            )
        return data.decode("utf-8-sig", "replace")

    def outline(self, file: SourceFile) -> Outline:
        """What is in the file. Files of languages that are not understood have an empty outline."""
        known = self._outlines.get(file.path)
        if known is None:
            if file.language == "python":
                known = outline_python(self.text(file))
            elif file.language:
                known = outline_by_patterns(file.language, self.text(file))
            else:
                known = Outline()
            self._outlines[file.path] = known
        return known

    def sources(self, language: str | None = None) -> Sequence[SourceFile]:
        """The files whose contents are understood."""
        return [file for file in self.files if file.language and language in (None, file.language)]
