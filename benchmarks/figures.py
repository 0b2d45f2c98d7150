"""Figures, what the project wants of them, and how they are shown. Pure but for the two files written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

START = "<!-- benchmarks:start -->"
END = "<!-- benchmarks:end -->"
COLUMNS = ("", "figure", "value", "unit", "baseline", "ratio", "goal")


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked of the ratio, or of the value itself."""

    side: Literal["at most", "at least"]
    limit: float
    of: Literal["ratio", "value"] = "ratio"

    def met(self, figure: Figure) -> bool | None:
        """None when there is nothing to judge."""
        number = figure.ratio if self.of == "ratio" else figure.value
        if number is None:
            return None
        return number <= self.limit if self.side == "at most" else number >= self.limit

    def text(self, figure: Figure) -> str:
        sign = "≤" if self.side == "at most" else "≥"
        return f"{sign} {shown(self.limit)} {'×' if self.of == 'ratio' else figure.unit}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `baseline` is the same measure of what `figure` says it is held against."""

    workload: str
    figure: str
    value: float
    unit: str
    baseline: float | None = None
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    def as_dict(self) -> dict[str, Any]:
        return {
            "workload": self.workload,
            "figure": self.figure,
            "value": _rounded(self.value),
            "unit": self.unit,
            "baseline": None if self.baseline is None else _rounded(self.baseline),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
        }

    def cells(self) -> list[str]:
        goal = self.goal.text(self) if self.goal else ""
        verdict = {True: " ✓", False: " ✗", None: ""}[self.goal.met(self) if self.goal else None]
        baseline = "" if self.baseline is None else shown(self.baseline)
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return [self.workload, self.figure, shown(self.value), self.unit, baseline, ratio, goal + verdict]


def shown(number: float) -> str:
    """Three digits that count: 0.00123, 1.23, 1,230."""
    if number == 0:
        return "0"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")


def table(figures: Sequence[Figure], title: str) -> Table:
    drawn = Table(*COLUMNS, title=title, title_justify="left")
    for index in (2, 4, 5):
        drawn.columns[index].justify = "right"
    workload = None
    for figure in figures:
        if workload not in {None, figure.workload}:
            drawn.add_section()
        workload = figure.workload
        drawn.add_row(*figure.cells())
    return drawn


def markdown(figures: Sequence[Figure], title: str) -> str:
    head = ["| " + " | ".join(COLUMNS) + " |", "|---|---|--:|---|--:|--:|---|"]
    body = ["| " + " | ".join(figure.cells()) + " |" for figure in figures]
    return "\n".join([title, "", *head, *body])


def write_json(path: Path, figures: Sequence[Figure]) -> None:
    text = json.dumps([figure.as_dict() for figure in figures], indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def rewrite(readme: str, content: str) -> str:
    """The README with what stands between the marks replaced; unchanged when it has no marks."""
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        return readme
    return f"{before}{START}\n{content}\n{END}{after}"
