"""Random melodies and a reference interpreter for them, for the tests of the compiler, the ledger and the workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

EDGES = ("success", "failure", "skipped", "done")


@dataclass(frozen=True)
class Sketch:
    """One step of a random DAG: predecessors with edge kinds, a join rule, and what the step does when it runs."""

    edges: tuple[tuple[int, str], ...]
    join: str | int
    acts: str
    tolerates: bool


@st.composite
def sketches(draw: st.DrawFn, max_steps: int = 12) -> list[Sketch]:
    """DAGs of up to `max_steps`; `acts` is completed, failed or skipped (its condition is false)."""
    steps: list[Sketch] = []
    for index in range(draw(st.integers(1, max_steps))):
        before = draw(st.lists(st.integers(0, index - 1), unique=True, max_size=4)) if index else []
        edges = tuple((source, draw(st.sampled_from(EDGES))) for source in sorted(before))
        join = draw(st.sampled_from(["all", "any", *range(1, len(edges) + 1)])) if edges else "all"
        acts = draw(st.sampled_from(["completed", "completed", "completed", "failed", "skipped"]))
        steps.append(Sketch(edges, join, acts, draw(st.integers(0, 5)) == 0))
    return steps


def document(steps: list[Sketch], kind: str = "test_echo", **fields: Any) -> dict[str, Any]:
    """The melody of a sketch."""
    return {
        "workflow": {
            "name": "random",
            "mode": "dag",
            "steps": [_step(index, step, kind, fields) for index, step in enumerate(steps)],
        }
    }


def _step(index: int, step: Sketch, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {"name": f"s{index}", "type": kind, **fields}
    if step.edges:
        written["depends_on"] = [{"step": f"s{source}", "on": on} for source, on in step.edges]
        written["join"] = step.join
    if step.acts == "failed":
        written["fail"] = True if kind == "test_echo" else "meant to fail"
    if step.acts == "skipped":
        written["condition"] = False
    if step.tolerates:
        written["continue_on_error"] = True
    return written


def interpret(steps: list[Sketch]) -> list[str]:
    """The reference: what becomes of each step, read off the rules of the language, in order."""
    became: list[str] = []
    for step in steps:
        met = neutral = success_edges = 0
        blocked = False
        for source, on in step.edges:
            outcome, tolerated = became[source], steps[source].tolerates
            success_edges += on == "success"
            if on == "success":
                met += outcome == "completed" or (outcome == "failed" and tolerated)
                neutral += outcome == "skipped"
                blocked |= outcome == "cancelled" or (outcome == "failed" and not tolerated)
            elif on == "failure":
                met += outcome == "failed"
                blocked |= outcome == "cancelled"
            else:
                met += on == "done" or outcome == "skipped"
        need = len(step.edges) if step.join == "all" else 1 if step.join == "any" else int(step.join)
        early = need < len(step.edges) and met >= need
        all_skipped = success_edges > 0 and neutral == success_edges
        if early or (met + neutral >= need and not all_skipped):
            became.append(step.acts)
        else:
            became.append("cancelled" if blocked else "skipped")
    return became


def run_fails(steps: list[Sketch], became: list[str]) -> bool:
    """A run fails when a step failed that neither tolerates it nor has somebody who handles it."""
    handled = {source for step in steps for source, on in step.edges if on == "failure"}
    return any(
        outcome == "failed" and not steps[index].tolerates and index not in handled
        for index, outcome in enumerate(became)
    )
