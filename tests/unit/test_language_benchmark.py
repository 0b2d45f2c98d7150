"""The benchmark of the language measures what it says: a sound melody of so many steps, expressions that mean the same."""

from __future__ import annotations

import pytest

from apps.melodies.definition import load
from apps.melodies.definition.expressions import Scope, compile_expression
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.model import Step
from benchmarks.language import figures
from benchmarks.mixed_melody import EXPRESSIONS, STEPS_PER_CHAPTER, yaml_text

NAMES = Scope(
    steps={"a": {"result": {"count": 5, "items": [{"score": 1}, {"score": 7}]}}},
    state={"x": "y", "n": 3},
    inputs={"force": False},
)


def count(steps: tuple[Step, ...]) -> int:
    return sum(1 + sum(count(body.steps) for body in step.bodies) for step in steps)


def test_the_long_melody_is_sound_and_as_long_as_it_says() -> None:
    definition = load(yaml_text(3 * STEPS_PER_CHAPTER), known_kinds(), media="yaml")
    assert count(definition.steps) == 3 * STEPS_PER_CHAPTER
    assert yaml_text(20, seed=1) != yaml_text(20, seed=2)


@pytest.mark.parametrize(("text", "value"), list(zip(EXPRESSIONS, (True, 17, "Y", True), strict=True)))
def test_the_expressions_have_values(text: str, value: object) -> None:
    assert compile_expression("{{" + text + "}}").evaluate(NAMES) == value


def test_figures_from_costs() -> None:
    cost = {"steps": 10_000.0, "parse": 0.5, "validate": 0.75, "plan": 0.25, "yaml": 2.0}
    cost |= {f"evaluate {number}": 5e-6 for number in range(len(EXPRESSIONS))} | {"jinja 0": 1e-5}
    rows = {figure.figure: figure for figure in figures(cost)}
    assert rows["parse / PyYAML load, 10,000 mixed steps"].ratio == 0.25
    total = rows["from text to plan, 10,000 mixed steps"]
    assert (total.value, total.goal is not None and total.goal.met(total)) == (1.5, True)
    first = rows[f"evaluate `{EXPRESSIONS[0]}` / Jinja sandbox"]
    assert first.value == pytest.approx(5.0)
    assert first.ratio == pytest.approx(0.5)
    assert rows[f"evaluate `{EXPRESSIONS[1]}`"].ratio is None
