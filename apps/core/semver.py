"""Versions of what people publish: MAJOR.MINOR.PATCH, compared by number. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Bump = Literal["major", "minor", "patch"]

LARGEST: Final = 999_999_999
_FORM: Final = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})", re.ASCII)


class NoVersionError(ValueError):
    """The text is no version."""


@dataclass(frozen=True, slots=True, order=True)
class Semver:
    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str, *, largest: int = LARGEST) -> Semver:
        """Raises `NoVersionError`, also when a part is greater than `largest`."""
        found = _FORM.fullmatch(text)
        parts = [int(part) for part in found.groups()] if found else []
        if not parts or max(parts) > largest:
            raise NoVersionError(
                f"{text[:40]!r} is no version; write MAJOR.MINOR.PATCH, such as 1.4.0, no part greater than {largest}."
            )
        return cls(*parts)

    def next(self, part: Bump, *, largest: int = LARGEST) -> Semver:
        """The smallest version that is greater in this part. Raises `NoVersionError` after the last one."""
        raised = {
            "major": Semver(self.major + 1, 0, 0),
            "minor": Semver(self.major, self.minor + 1, 0),
            "patch": Semver(self.major, self.minor, self.patch + 1),
        }[part]
        if max(raised.major, raised.minor, raised.patch) > largest:
            raise NoVersionError(f"No part of a version is greater than {largest}; raise a part before it.")
        return raised

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


FIRST: Final = Semver(1, 0, 0)

__all__ = ["FIRST", "LARGEST", "Bump", "NoVersionError", "Semver"]
