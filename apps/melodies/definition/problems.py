"""What is wrong with a document, said so that a person can mend it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .limits import DEFAULT, Allowance, Limits
from .suggestions import misspelt, suggest

_WITH_SUGGESTION = 100
"""Looking for the word that was meant takes milliseconds, and nobody reads the hundredth hint."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `pointer` is a JSON pointer; `line` and `column` are 1-based, None without a source text."""

    code: str
    message: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    suggestion: str | None = None
    severity: Literal["error", "warning"] = "error"
    """A warning does not keep a document from being used."""


class InvalidDocument(ValueError):
    """The document cannot be used as it is; `problems` holds every error that was found, in document order, `warnings`
    what else to look at."""

    def __init__(self, problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> None:
        self.problems = list(problems)
        self.warnings = list(warnings)
        super().__init__("\n".join(_sentence(problem) for problem in self.problems))


def _sentence(problem: Problem) -> str:
    where = f"line {problem.line}, column {problem.column}: " if problem.line else ""
    hint = f" Did you mean {problem.suggestion!r}?" if problem.suggestion else ""
    return f"{where}{problem.message}{hint}"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a document before its line is known: a pointer, its key or its value, and a character inside it."""

    pointer: str
    at_key: bool = False
    offset: int = 0


Locate = Callable[[Iterable[Spot]], dict[Spot, tuple[int, int]]]
"""Finds line and column (1-based) of spots in the source text."""


class ProblemList:
    """Collects problems while a document is read. Lines are looked up once, at the end, and only if there is need.

    Its length is the number of errors; warnings are kept apart. `allowance` is what the checks may cost together.
    """

    def __init__(self, limit: int, limits: Limits = DEFAULT) -> None:
        self._limit = limit
        self.allowance = Allowance(limits)
        self._found: list[tuple[Problem, Spot]] = []
        self._known: set[tuple[str, str, str, int]] = set()
        self._left_out = 0
        self._warnings: list[tuple[Problem, Spot]] = []

    def __len__(self) -> int:
        return len(self._found)

    @property
    def full(self) -> bool:
        """True when further problems are only counted."""
        return len(self._found) >= self._limit

    @property
    def wants_suggestions(self) -> bool:
        """False when so much is wrong already that nobody looks for hints."""
        return len(self._found) < _WITH_SUGGESTION

    def add(
        self,
        code: str,
        message: str,
        pointer: str,
        *,
        at_key: bool = False,
        offset: int = 0,
        meant: tuple[str, Collection[str]] | None = None,
    ) -> None:
        """Note a problem at a place of the document. `meant` is a word that is not known, and the words that are."""
        if (code, pointer, message, offset) in self._known:
            return
        if self.full:
            self._left_out += 1
            return
        self._known.add((code, pointer, message, offset))
        suggestion = suggest(*meant) if meant and self.wants_suggestions else None
        self._found.append((Problem(code, message, pointer, suggestion=suggestion), Spot(pointer, at_key, offset)))

    def warn(self, code: str, message: str, pointer: str, *, at_key: bool = False, meant: str | None = None) -> None:
        """Note something that a person should look at, but that keeps nobody from using the document."""
        if len(self._warnings) < self._limit:
            problem = Problem(code, message, pointer, suggestion=meant, severity="warning")
            self._warnings.append((problem, Spot(pointer, at_key)))

    def misspelt(self, word: str, candidates: Collection[str]) -> str | None:
        """The candidate that `word` is surely meant to be; None also when too many words were looked up already."""
        return misspelt(word, candidates) if self.allowance.affords("max_spellings") else None

    def extend(self, problems: Iterable[Problem]) -> None:
        """Take over problems whose lines are known already (or never will be)."""
        for problem in problems:
            if self.full:
                self._left_out += 1
            else:
                self._found.append((problem, Spot(problem.pointer)))

    def located(self, locate: Locate | None) -> list[Problem]:
        """Every error that was found, in the order of the source."""
        problems = _in_order(self._found, locate)
        if self._left_out:
            problems.append(Problem("too_many_problems", f"{self._left_out} further problems are not listed."))
        return problems

    def located_warnings(self, locate: Locate | None) -> list[Problem]:
        """Every warning, in the order of the source."""
        return _in_order(self._warnings, locate) if self._warnings else []


def _in_order(found: Sequence[tuple[Problem, Spot]], locate: Locate | None) -> list[Problem]:
    places = locate([spot for problem, spot in found if problem.line is None]) if locate else {}
    problems = [_placed(problem, places.get(spot)) for problem, spot in found]
    problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
    return problems


def _placed(problem: Problem, place: tuple[int, int] | None) -> Problem:
    return replace(problem, line=place[0], column=place[1]) if place else problem
