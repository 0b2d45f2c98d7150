"""Numbers of versions: MAJOR.MINOR.PATCH. Pure."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Bump = Literal["major", "minor", "patch"]
FIRST: Final = "1.0.0"
_FORM: Final = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})", re.ASCII)


class SemverError(ValueError):
    """The text is no such number; the message says why."""


class Semver(NamedTuple):
    """Compares as the numbers it is made of do."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def bumped(self, by: Bump) -> Semver:
        if by == "major":
            return Semver(self.major + 1, 0, 0)
        if by == "minor":
            return Semver(self.major, self.minor + 1, 0)
        return Semver(self.major, self.minor, self.patch + 1)


def read_semver(text: str) -> Semver:
    found = _FORM.fullmatch(text)
    if found is None:
        raise SemverError(f"{text[:40]!a} is not a version such as 1.4.0: three numbers of at most nine digits.")
    return Semver(*map(int, found.groups()))
